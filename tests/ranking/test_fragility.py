"""What is reported does overturn the order, and an exhaustive search finds no much shorter way."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from ranking import Cells, WinMatrix, fit
from ranking.fragility import fragility, fragility_of_top


def voted(seed=0, n=300, models=5, ties=0.1, apart=0.3):
    rng = np.random.default_rng(seed)
    theta = np.arange(models)[::-1] * apart
    a = rng.integers(0, models, n)
    b = (a + rng.integers(1, models, n)) % models
    outcome = np.where(rng.random(n) < expit(theta[a] - theta[b]), 0, 1)
    outcome[rng.random(n) < ties] = 2
    return WinMatrix.from_votes(a, b, outcome, models)


def without(matrix, dropped):
    gone = WinMatrix.from_cells(dropped)
    return WinMatrix(matrix.wins - gone.wins, matrix.ties - gone.ties, matrix.both_bad)


def fewest(matrix, leader, challenger, limit):
    """By trying every set of up to `limit` votes, votes of one cell being alike."""
    cells = [(i, j, 0) for i, j in np.argwhere(matrix.wins > 0)]
    cells += [(i, j, 2) for i, j in np.argwhere(np.triu(matrix.ties) > 0)]
    for size in range(1, limit + 1):
        for chosen in combinations_with_replacement(cells, size):
            try:
                left = without(matrix, Cells.from_votes(*np.array(chosen).T, matrix.n_models))
            except ValueError:
                continue
            theta = fit(left).theta
            if theta[challenger] > theta[leader]:
                return size
    return None


class TestFewestVotes:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10_000), st.sampled_from(["firth", "none"]))
    def test_leaving_them_out_does_overturn_the_order(self, seed, prior):
        matrix = voted(seed)
        fitted = fit(matrix, prior=prior)
        first, *_, last = np.argsort(-fitted.theta)
        found = fragility(fitted, first, last)
        after = fit(without(matrix, found.dropped), prior=prior)
        assert after.theta[last] > after.theta[first]
        assert found.needed == found.dropped.counts.sum()
        assert found.share == found.needed / found.votes

    @pytest.mark.parametrize("seed", range(6))
    def test_no_exhaustive_search_finds_much_fewer(self, seed):
        matrix = voted(seed, n=40, models=3, apart=0.2)
        fitted = fit(matrix)
        first, second = np.argsort(-fitted.theta)[:2]
        found = fragility(fitted, first, second)
        least = fewest(matrix, first, second, min(found.needed, 4))
        assert least is None or found.needed - least <= 1

    def test_two_models_need_just_their_surplus(self):
        matrix = WinMatrix.from_wins([[0, 60], [50, 0]], [[0, 8], [8, 0]])
        found = fragility(fit(matrix), 0, 1)
        assert found.needed == 11
        assert found.dropped.left.tolist() == [0]
        assert found.dropped.counts.tolist() == [[11], [0], [0], [0]]

    def test_the_promise_is_near_the_proof_when_few_are_needed(self):
        found = fragility_of_top(fit(voted(3, n=4000)))
        assert found.predicted == pytest.approx(found.needed, rel=0.2)


class TestTop:
    def test_finds_the_challenger_that_is_easiest_to_crown(self):
        fitted = fit(voted(1, n=600))
        found = fragility_of_top(fitted)
        assert found.leader == np.argmax(fitted.theta)
        rivals = [fragility(fitted, found.leader, m).needed for m in range(5) if m != found.leader]
        assert found.needed == min(rivals)

    def test_a_clear_lead_is_hard_to_overturn(self):
        clear = WinMatrix.from_wins([[0, 90, 95], [10, 0, 60], [5, 40, 0]])
        close = WinMatrix.from_wins([[0, 52, 55], [48, 0, 60], [45, 40, 0]])
        assert fragility_of_top(fit(clear)).needed > 5 * fragility_of_top(fit(close)).needed

    def test_order_of_models_does_not_matter(self):
        matrix = voted(2)
        found = fragility_of_top(fit(matrix))
        back = fragility_of_top(fit(matrix.select([4, 3, 2, 1, 0])))
        assert (back.needed, 4 - back.leader, 4 - back.challenger) == (
            found.needed,
            found.leader,
            found.challenger,
        )

    def test_the_policies_of_the_fit_hold_for_the_refits(self):
        matrix = voted(4, ties=0.4)
        fitted = fit(matrix, ties="drop")
        found = fragility_of_top(fitted)
        assert found.votes == matrix.wins.sum()
        assert found.dropped.counts[1:].sum() == 0


class TestNoAnswer:
    def test_ties_alone_hold_nobody_up(self):
        found = fragility_of_top(fit(WinMatrix.from_wins(np.zeros((2, 2)), [[0, 5], [5, 0]])))
        assert found.needed is None
        assert found.dropped is None
        assert found.share is None

    def test_a_lead_that_no_removal_turns(self):
        """Without its three wins the leader is tied at best: the challenger has won nothing."""
        found = fragility(fit(WinMatrix.from_wins([[0, 3], [0, 0]], [[0, 4], [4, 0]])), 0, 1)
        assert found.needed is None

    def test_models_that_cannot_be_compared(self):
        fitted = fit(WinMatrix.from_votes([0, 2], [1, 3], [0, 0], 5))
        with pytest.raises(ValueError, match="compared"):
            fragility(fitted, 0, 2)
        with pytest.raises(ValueError, match="compared"):
            fragility(fitted, 0, 4)
        with pytest.raises(ValueError, match="no two models"):
            fragility_of_top(fitted, component=2)

    def test_a_challenger_that_leads(self):
        with pytest.raises(ValueError, match="already"):
            fragility(fit(WinMatrix.from_wins([[0, 5], [2, 0]])), 1, 0)
