"""Reliability: spammers and adversaries are found, honest crowds are left alone, and nothing else matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from ranking import Cells
from ranking.annotators import fit_reliability
from ranking.bradley_terry import ELO_PER_LOGIT


def crowd(seed=0, n=6000, annotators=60, models=15, spam=0.0, adversaries=0.0, spread=0.0, ties=0.0):
    """Votes of a crowd: cells by annotator, the true logits and the true reliabilities."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 1, models)
    theta -= theta.mean()
    s = rng.normal(1, spread, annotators)
    s[: int(spam * annotators)] = 0
    s[int(spam * annotators) : round((spam + adversaries) * annotators)] = -1
    who = rng.integers(0, annotators, n)
    a = rng.integers(0, models, n)
    b = (a + rng.integers(1, models, n)) % models
    outcome = np.where(rng.random(n) < expit(s[who] * (theta[a] - theta[b])), 0, 1)
    outcome[rng.random(n) < ties] = 2
    return Cells.from_votes(a, b, outcome, models, cluster=who), theta, s


def elo_error(estimate, truth):
    return np.sqrt(np.mean((estimate - truth) ** 2)) * ELO_PER_LOGIT


def auc(bad, good):
    return np.mean(bad[:, None] < good)


class TestCrowds:
    def test_spammers_and_adversaries_are_found_and_outvoted(self):
        plain, weighted = [], []
        for seed in range(4):
            cells, theta, s = crowd(seed, spam=0.2, adversaries=0.1)
            found = fit_reliability(cells)
            assert auc(found.reliability[s < 1], found.reliability[s == 1]) > 0.99
            assert (found.reliability[s == -1] < 0).all()
            plain.append(elo_error(found.plain.theta, theta))
            weighted.append(elo_error(found.theta, theta))
        assert np.mean(plain) > 75
        assert np.mean(weighted) < 25

    def test_an_honest_crowd_loses_almost_nothing(self):
        errors = []
        for seed in range(6):
            cells, theta, _ = crowd(seed)
            found = fit_reliability(cells)
            errors.append((elo_error(found.plain.theta, theta), elo_error(found.theta, theta)))
        plain, weighted = np.mean(errors, axis=0)
        assert weighted < plain * 1.2

    def test_intervals_cover_the_true_reliabilities(self):
        inside = []
        for seed in range(20):
            cells, _, s = crowd(seed, n=5000, annotators=50, spread=0.5)
            lower, upper = fit_reliability(cells).intervals()
            inside.append((lower <= s / np.median(s)) & (s / np.median(s) <= upper))
        assert 0.9 <= np.mean(inside) <= 0.98

    def test_a_newcomer_is_presumed_typical_and_uncertain(self):
        cells, _, _ = crowd(spam=0.2)
        best, worst = 0, 1
        newcomer = Cells(
            np.append(cells.left, best),
            np.append(cells.right, worst),
            np.column_stack([cells.counts, [0, 1, 0, 0]]),
            cells.n_models,
            np.append(cells.cluster, 999),
        )
        found = fit_reliability(newcomer)
        assert found.annotators[-1] == 999
        assert found.votes[-1] == 1
        assert 0.6 < found.reliability[-1] < 1.4
        assert found.standard_error[-1] > 2 * np.median(found.standard_error[:-1])

    def test_says_what_weighting_changes(self):
        cells, _, _ = crowd(adversaries=0.3, n=3000)
        found = fit_reliability(cells)
        np.testing.assert_allclose(found.ratings() - found.plain.ratings(), found.shift())
        assert found.reversals()
        for better, overtaking in found.reversals():
            assert found.plain.theta[better] > found.plain.theta[overtaking]
            assert found.theta[better] < found.theta[overtaking]


class TestOptimum:
    def test_a_general_optimiser_finds_the_same(self):
        cells, _, _ = crowd(n=900, annotators=8, models=5, spam=0.25, ties=0.1)
        found = fit_reliability(cells)
        left, right, outcome, count, who = cells.by_outcome()
        score = np.array([1, 0, 0.5])[outcome]

        def loss(theta, s):
            logit = s * (theta[left] - theta[right])
            return count * (np.logaddexp(0, logit) - score * logit)

        def ratings_loss(theta):
            gap = theta[:, None] - theta
            prior = (found.plain.pseudo * np.logaddexp(0, -gap)).sum()
            return loss(theta, found.reliability[who]).sum() + prior + theta.sum() ** 2

        best = minimize(ratings_loss, np.zeros(5), tol=1e-12, method="BFGS", options={"gtol": 1e-7}).x
        np.testing.assert_allclose(found.theta, best, atol=1e-5)
        s = np.array(
            [
                minimize_scalar(lambda s, k=k: loss(found.theta, s)[who == k].sum() + (s - 1) ** 2 * 2).x
                for k in range(8)
            ]
        )
        np.testing.assert_allclose(found.reliability, s / np.median(s), atol=1e-5)


class TestInvariance:
    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_sides_order_and_names_do_not_matter(self, seed):
        rng = np.random.default_rng(seed)
        cells, _, _ = crowd(n=800, annotators=10, models=6, spam=0.2, ties=0.1)
        flip = rng.random(len(cells)) < 0.5
        order = rng.permutation(len(cells))
        other = fit_reliability(
            Cells(
                np.where(flip, cells.right, cells.left)[order],
                np.where(flip, cells.left, cells.right)[order],
                np.where(flip, cells.counts[[1, 0, 2, 3]], cells.counts)[:, order],
                6,
                100 - cells.cluster[order],
            )
        )
        found = fit_reliability(cells)
        np.testing.assert_allclose(other.theta, found.theta, atol=1e-6)
        np.testing.assert_allclose(other.reliability[::-1], found.reliability, atol=1e-6)
        np.testing.assert_allclose(other.standard_error[::-1], found.standard_error, atol=1e-6)


class TestEdges:
    def test_a_single_annotator_has_nobody_to_be_compared_with(self):
        cells, _, _ = crowd(n=300, annotators=1, models=4)
        found = fit_reliability(cells)
        assert found.reliability.tolist() == [1.0]
        assert np.isnan(found.standard_error).all()
        assert [note.code for note in found.notes] == ["one_annotator"]
        np.testing.assert_allclose(found.theta, found.plain.theta, atol=1e-6)

    def test_unvoted_and_disconnected_models_keep_their_places(self):
        who = np.arange(300) % 6
        a = np.where(np.arange(300) < 150, 0, 2)
        outcome = (np.random.default_rng(0).random(300) < 0.3).astype(int)
        found = fit_reliability(Cells.from_votes(a, a + 1, outcome, 5, cluster=who))
        assert np.isnan(found.theta).tolist() == [False] * 4 + [True]
        assert found.theta[0] == pytest.approx(-found.theta[1])
        assert np.isnan(np.diagonal(found.covariance)).tolist() == [False] * 4 + [True]

    def test_both_bad_alone_says_nothing_of_an_annotator(self):
        cells = Cells.from_votes([0, 0, 1, 0], [1, 1, 0, 1], [0, 1, 0, 3], 2, cluster=[0, 1, 1, 2])
        found = fit_reliability(cells)
        assert found.votes.tolist() == [1, 2, 0]
        assert np.isfinite(found.reliability).all()

    def test_no_votes(self):
        found = fit_reliability(Cells.from_votes([], [], [], 3, cluster=[]))
        assert found.reliability.size == 0
        assert np.isnan(found.theta).all()

    def test_refuses_votes_without_annotators_and_a_pointless_prior(self):
        with pytest.raises(ValueError, match="annotator as cluster"):
            fit_reliability(Cells.from_votes([0], [1], [0], 2))
        with pytest.raises(ValueError, match="prior_spread"):
            fit_reliability(Cells.from_votes([0], [1], [0], 2, cluster=[0]), prior_spread=0)
