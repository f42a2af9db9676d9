"""Sequential Elo: the same as others', order-dependent and said so, resumable."""

import evalica
import numpy as np
import pytest

from benchmarks.ranking_votes import simulate
from ranking import Outcome, elo, fit, permuted_elo

A, B, TIE, BOTH_BAD = Outcome


@pytest.fixture(scope="module")
def votes():
    return simulate(4000, 6, seed=41)


def columns(votes, rows=slice(None)):
    return votes.a[rows], votes.b[rows], votes.outcome[rows]


def test_evalica_and_we_agree(votes):
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], object)
    theirs = evalica.elo(
        votes.a.tolist(), votes.b.tolist(), winners[votes.outcome].tolist(), k=4.0, initial=1000.0
    )
    ours = elo(*columns(votes), 6).ratings
    assert ours == pytest.approx(theirs.scores.sort_index().to_numpy(), abs=1e-9)


def test_the_first_vote_moves_half_of_k():
    assert elo([0], [1], [A], 2, k=32).ratings.tolist() == [1016, 984]
    assert elo([0], [1], [TIE], 2, k=32).ratings.tolist() == [1000, 1000]


def test_points_are_only_passed_on_weights_or_not(votes):
    weight = np.random.default_rng(0).uniform(0, 3, 4000)
    assert elo(*columns(votes), 6, k=20, weight=weight).ratings.sum() == pytest.approx(6000)


def test_a_weight_multiplies_k():
    twice = elo([0], [1], [A], 2, k=8, weight=[2.0]).ratings
    assert twice == pytest.approx(elo([0], [1], [A], 2, k=16).ratings)


def test_the_order_of_votes_matters_to_elo_and_not_to_bradley_terry(votes):
    backwards = slice(None, None, -1)
    forth, back = (elo(*columns(votes, rows), 6).ratings for rows in (slice(None), backwards))
    assert np.abs(forth - back).max() > 1
    reverse = type(votes.matrix()).from_votes(*columns(votes, backwards), 6)
    assert np.array_equal(fit(votes.matrix()).theta, fit(reverse).theta)


def test_a_run_goes_on_from_where_it_stood(votes):
    whole = elo(*columns(votes), 6, stops=[500, 4000])
    first = elo(*columns(votes, slice(0, 1500)), 6)
    second = elo(*columns(votes, slice(1500, None)), 6, start=first.state)
    assert np.array_equal(second.ratings, whole.ratings)
    assert second.state.votes == whole.state.votes == 4000
    assert second.state.played.sum() == 8000


def test_models_may_join_later_but_not_leave():
    state = elo([0], [1], [A], 2).state
    joined = elo([2], [0], [A], 3, start=state)
    assert joined.ratings[1] == elo([0], [1], [A], 2).ratings[1]
    with pytest.raises(ValueError, match="start: 2 models"):
        elo([], [], [], 1, start=state)


def test_a_trajectory_is_sampled_where_it_is_asked_to_be(votes):
    run = elo(*columns(votes), 6, stops=range(100, 4001, 100))
    assert run.positions.tolist() == list(range(100, 4001, 100))
    assert np.array_equal(run.trajectory[-1], run.ratings)
    assert np.array_equal(run.trajectory[4], elo(*columns(votes, slice(0, 500)), 6).ratings)


def test_a_model_without_a_vote_has_no_rating():
    run = elo([0, 1], [1, 2], [A, BOTH_BAD], 3)
    assert np.isnan(run.ratings).tolist() == [False, False, True]
    assert not np.isnan(elo([0, 1], [1, 2], [A, BOTH_BAD], 3, both_bad="tie").ratings[2])
    assert elo([], [], [], 0).ratings.shape == (0,)


def test_swapped_sides_change_nothing_and_flipped_outcomes_mirror(votes):
    flip = np.array([B, A, TIE, BOTH_BAD])[votes.outcome]
    straight = elo(*columns(votes), 6).ratings
    assert elo(votes.b, votes.a, flip, 6).ratings == pytest.approx(straight)
    assert elo(votes.a, votes.b, flip, 6).ratings == pytest.approx(2000 - straight)


def test_averaging_over_orders_removes_most_of_what_the_order_does(votes):
    mean, deviation = permuted_elo(*columns(votes), 6, permutations=20, seed=1)
    again, _ = permuted_elo(*columns(votes), 6, permutations=20, seed=1)
    other, _ = permuted_elo(*columns(votes), 6, permutations=20, seed=2)
    assert np.array_equal(mean, again)
    assert np.all(deviation > 1)
    assert np.abs(mean - other).max() < 2 * deviation.max()


@pytest.mark.parametrize("k", [np.nan, np.inf, -1.0])
def test_a_step_that_is_none_is_refused(k):
    with pytest.raises(ValueError, match="k: "):
        elo([0], [1], [A], 2, k=k)


@pytest.mark.parametrize(
    ("a", "outcome", "weight", "message"),
    [
        ([0, 1], [A, A], None, "row 1: model 1 is compared with itself"),
        ([0, 0], [A, 9], None, "row 1: outcome code 9"),
        ([0, 0], [A, A], [1.0, np.nan], "row 1: weight"),
    ],
)
def test_votes_that_make_no_sense_are_refused(a, outcome, weight, message):
    with pytest.raises(ValueError, match=message):
        elo(a, [1, 1], outcome, 2, weight=weight)
