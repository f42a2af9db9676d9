"""The next pair: what connects first, then what is starved, then what settles the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from benchmarks.ranking_selection import simulate
from ranking import WinMatrix, covariance, fit
from ranking.selection import choose_comparisons, choose_pairs, comparison_probabilities, score_pairs


def board(theta, votes=40, seed=0):
    """A fit of a fixed number of votes on every pair."""
    theta = np.asarray(theta, float)
    p = expit(theta[:, None] - theta)
    wins = np.triu(np.random.default_rng(seed).binomial(votes, p), 1)
    return fit(WinMatrix.from_wins(wins + np.tril(votes - wins.T, -1)))


def certain(theta, votes=40):
    """A fit whose ratings are as given, whatever the votes."""
    theta = np.asarray(theta, float)
    wins = votes * expit(theta[:, None] - theta)
    np.fill_diagonal(wins, 0)
    return fit(WinMatrix.from_wins(wins))


class TestRules:
    def test_close_pairs_settle_the_order(self):
        scores = score_pairs(certain([1.0, 0.9, -0.5, -2.0]), variance_share=0.0)
        chances = scores.probabilities()
        assert np.unravel_index(chances.argmax(), (4, 4)) == (0, 1)
        assert chances[0, 3] < chances[0, 2] < chances[0, 1]

    def test_the_less_known_of_two_equally_close_pairs_comes_first(self):
        wins = np.full((4, 4), 30.0)
        np.fill_diagonal(wins, 0)
        wins[3, :3] = wins[:3, 3] = 5
        scores = score_pairs(fit(WinMatrix.from_wins(wins)))
        assert scores.order[0, 3] > scores.order[0, 1]
        assert scores.variance[0, 3] > scores.variance[0, 1]

    def test_the_variance_rule_is_what_one_more_vote_does(self):
        """Against refitting with the vote's information added."""
        fitted = board([0.8, 0.3, 0.0, -0.4, -0.7])
        scores = score_pairs(fitted)
        before = covariance(fitted, kind="fisher")
        p = fitted.win_probability()
        for i, j in [(0, 1), (0, 4), (2, 3)]:
            z = np.zeros(5)
            z[i], z[j] = 1, -1
            information = np.linalg.pinv(before) + p[i, j] * p[j, i] * np.outer(z, z)
            after = np.linalg.pinv(information, rcond=1e-10)
            assert scores.variance[i, j] == pytest.approx(np.trace(before) - np.trace(after), rel=1e-6)

    def test_a_new_model_is_connected_before_anything_else(self):
        fitted = fit(WinMatrix.from_wins([[0, 9, 8, 0], [7, 0, 8, 0], [8, 8, 0, 0], [0, 0, 0, 0]]))
        chances = score_pairs(fitted, minimum=0).probabilities()
        assert chances[3, :3].sum() > 0.95

    def test_each_stray_group_is_joined_to_the_largest_and_not_to_another_stray(self):
        wins = np.zeros((7, 7))
        wins[0, 1] = wins[1, 2] = wins[2, 0] = wins[3, 4] = 20
        scores = score_pairs(fit(WinMatrix.from_wins(wins)))
        assert scores.connects[3:, 3:].max() == 0
        toward = scores.connects[:3, 3:].sum(axis=0)
        np.testing.assert_allclose(toward / toward.sum(), [1 / 6, 1 / 6, 1 / 3, 1 / 3])

    def test_starved_models_come_before_the_rules(self):
        wins = np.full((5, 5), 30.0)
        np.fill_diagonal(wins, 0)
        wins[4], wins[:, 4] = 0, 0
        wins[0, 4] = wins[4, 1] = 1
        fitted = fit(WinMatrix.from_wins(wins))
        assert score_pairs(fitted, minimum=10).probabilities()[4].sum() > 0.95
        assert score_pairs(fitted, minimum=10).starved.tolist() == [False] * 4 + [True]

    def test_without_any_votes_all_pairs_are_alike(self):
        chances = score_pairs(fit(WinMatrix.from_wins(np.zeros((4, 4))))).probabilities()
        np.testing.assert_allclose(chances, (1 - np.eye(4)) / 6)

    def test_choosing_settles_near_twins_that_random_pairs_seldom_show(self):
        truth = np.repeat(np.linspace(-2, 2, 6), 2) + np.tile([0, 0.35], 6)
        wrong = {
            rule: np.mean([simulate(rule, truth - truth.mean(), s, votes=900)[0][-10:] for s in range(8)])
            for rule in ("random", "mixed")
        }
        assert wrong["mixed"] < 0.75 * wrong["random"]


class TestProbabilities:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(2, 8), st.integers(0, 30), st.integers(0, 10_000), st.floats(0, 1))
    def test_they_are_probabilities_whatever_the_board(self, models, votes, seed, share):
        rng = np.random.default_rng(seed)
        a = rng.integers(0, models, votes)
        b = (a + rng.integers(1, models, votes)) % models
        matrix = WinMatrix.from_votes(a, b, rng.integers(0, 4, votes), models)
        chances = score_pairs(fit(matrix), variance_share=share).probabilities()
        np.testing.assert_allclose(chances, chances.T)
        assert np.triu(chances).sum() == pytest.approx(1)
        assert (np.diagonal(chances) == 0).all()
        assert (chances + np.eye(models) > 0).all()

    def test_renaming_models_renames_the_scores(self):
        fitted = board([0.5, 0.2, -0.1, -0.6])
        back = fit(fitted.matrix.select([3, 2, 1, 0]))
        np.testing.assert_allclose(
            score_pairs(back).probabilities()[::-1, ::-1], score_pairs(fitted).probabilities(), atol=1e-8
        )

    def test_twelve_logits_apart_is_no_overflow(self):
        scores = score_pairs(certain([6.0, 0.0, -6.0], votes=1000))
        assert np.isfinite(scores.order).all()
        assert np.isfinite(scores.probabilities()).all()

    def test_only_what_is_allowed_is_asked(self):
        scores = score_pairs(board([0.5, 0.2, -0.1, -0.6]))
        allowed = np.zeros((4, 4), bool)
        allowed[0, 3] = allowed[2, 1] = True
        chances = scores.probabilities(allowed)
        assert chances[0, 3] + chances[1, 2] == pytest.approx(1)
        assert not scores.probabilities(np.zeros((4, 4), bool)).any()

    @pytest.mark.parametrize("bad", [{"variance_share": 1.5}, {"minimum": -1}])
    def test_refuses_impossible_settings(self, bad):
        with pytest.raises(ValueError, match=next(iter(bad))):
            score_pairs(board([0.1, 0.0]), **bad)


class TestComparisons:
    def test_waiting_comparisons_share_the_chance_of_their_pair(self):
        scores = score_pairs(board([0.5, 0.2, -0.1]))
        chances = comparison_probabilities(scores, [0, 1, 0, 2], [1, 0, 2, 1])
        assert chances.sum() == pytest.approx(1)
        assert chances[0] == chances[1]
        pairs = scores.probabilities()
        assert chances[0] == pytest.approx(pairs[0, 1] / 2)
        assert chances[2] == pytest.approx(pairs[0, 2])

    def test_when_nothing_waiting_connects_the_rest_goes_on(self):
        """A lone model without comparisons must not stop the queue."""
        wins = np.zeros((4, 4))
        wins[:3, :3] = 20 * (1 - np.eye(3))
        chances = comparison_probabilities(score_pairs(fit(WinMatrix.from_wins(wins))), [0, 1, 0], [1, 2, 2])
        assert chances.sum() == pytest.approx(1)
        assert (chances > 0.1).all()

    def test_the_same_seed_draws_the_same_different_comparisons(self):
        scores = score_pairs(board([0.5, 0.2, -0.1, -0.6]))
        a, b = [0, 1, 2, 0, 0, 1] * 5, [1, 2, 3, 2, 3, 3] * 5
        drawn = choose_comparisons(scores, a, b, 12, seed=3)
        assert len(set(drawn.tolist())) == 12
        np.testing.assert_array_equal(drawn, choose_comparisons(scores, a, b, 12, seed=3))
        assert drawn.tolist() != choose_comparisons(scores, a, b, 12, seed=4).tolist()
        assert sorted(choose_comparisons(scores, a, b, 99, seed=0)) == list(range(30))
        assert choose_comparisons(scores, [], [], 5, seed=0).size == 0

    def test_pairs_are_drawn_as_often_as_they_should_be(self):
        scores = score_pairs(board([0.5, 0.2, -0.1, -0.6]))
        pairs = choose_pairs(scores, 20_000, seed=0)
        assert (pairs[:, 0] < pairs[:, 1]).all()
        seen = np.zeros((4, 4))
        np.add.at(seen, (pairs[:, 0], pairs[:, 1]), 1 / 20_000)
        np.testing.assert_allclose(seen, np.triu(scores.probabilities()), atol=0.015)
        assert choose_pairs(score_pairs(fit(WinMatrix.from_wins([[0.0]]))), 5, seed=0).shape == (0, 2)

    @pytest.mark.parametrize(
        ("a", "b", "message"),
        [([0], [0], "itself"), ([0], [7], "0..2"), ([0, 1], [1], "equally long")],
    )
    def test_bad_candidates_are_named(self, a, b, message):
        with pytest.raises(ValueError, match=message):
            comparison_probabilities(score_pairs(board([0.5, 0.2, -0.1])), a, b)
