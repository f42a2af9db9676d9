"""Effects held equal: against an independent GLM, on simulated truth, and where the data cannot tell."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from benchmarks.ranking_votes import simulate_prompts
from ranking import Cells, covariates, crossed


def simulated(seed=0, n=4000, n_models=6, effects=(0.4, -0.3), ties=0.1, annotators=40, taste=0.0):
    """Votes of a fixed order of models, with covariates that go with the models, as lengths do."""
    rng = np.random.default_rng(seed)
    theta = np.linspace(-1, 1, n_models)
    a = rng.integers(0, n_models, n)
    b = (a + rng.integers(1, n_models, n)) % n_models
    x = rng.normal(0, 1, (n, len(effects))) + (theta[a] - theta[b])[:, None] / 2
    who = rng.integers(0, annotators, n)
    liking = rng.normal(0, taste, (annotators, len(effects)))
    logit = theta[a] - theta[b] + (x * (np.array(effects) + liking[who])).sum(1)
    outcome = np.where(rng.random(n) < expit(logit), 0, 1)
    outcome[rng.random(n) < ties] = 2
    return theta, a, b, outcome, x, who


def design(a, b, x, n_models):
    z = np.zeros((len(a), n_models))
    z[np.arange(len(a)), a] += 1
    z[np.arange(len(a)), b] -= 1
    return np.hstack([z[:, 1:], x])


def usual_correction(votes):
    """As if groups were even: ours differs where they are not, and statsmodels has none."""
    groups, parameters = votes.shape
    return np.full(parameters, groups / (groups - 1)), np.full(parameters, groups - 1.0)


def contrasts(n_models, n_effects):
    """From (theta, beta) with mean zero to theta relative to the first model."""
    matrix = np.eye(n_models + n_effects)[1:]
    matrix[: n_models - 1, 0] = -1
    return matrix


class TestAgainstStatsmodels:
    @pytest.mark.parametrize("clustered", [False, True])
    def test_estimates_and_sandwich(self, clustered, monkeypatch):
        monkeypatch.setattr(covariates, "small_sample", usual_correction)
        _, a, b, outcome, x, who = simulated(n=1500)
        found = covariates.fit_covariates(
            a, b, outcome, x, 6, names="xy", cluster=who if clustered else None, prior="none"
        )
        score = np.array([1, 0, 0.5])[outcome]
        oracle = sm.GLM(score, design(a, b, x, 6), family=sm.families.Binomial()).fit(
            **(
                {"cov_type": "cluster", "cov_kwds": {"groups": who, "use_correction": False}}
                if clustered
                else {}
            ),
            **({} if clustered else {"cov_type": "HC0"}),
        )
        contrast = contrasts(6, 2)
        np.testing.assert_allclose(contrast @ np.append(found.theta, found.beta), oracle.params, atol=1e-8)
        correction = 40 / 39 if clustered else 1
        np.testing.assert_allclose(
            contrast @ found.covariance @ contrast.T, oracle.cov_params() * correction, rtol=1e-5, atol=1e-9
        )
        assert found.dof[-1] == (39 if clustered else np.inf)

    def test_position_bias_from_cells_is_a_column_of_ones(self):
        _, a, b, outcome, _, who = simulated(n=1500)
        cells = Cells.from_votes(a, b, outcome, 6, cluster=who)
        found = covariates.position_bias(cells)
        rows = covariates.fit_covariates(a, b, outcome, np.ones((1500, 1)), 6, names=["left"], cluster=who)
        np.testing.assert_allclose(found.theta, rows.theta, atol=1e-9)
        np.testing.assert_allclose(found.covariance, rows.covariance, atol=1e-12)
        assert found.votes == 1500


class TestTruth:
    def test_recovers_effects_and_takes_them_out_of_the_ratings(self):
        theta, a, b, outcome, x, _ = simulated(n=40_000, ties=0.0)
        found = covariates.fit_covariates(a, b, outcome, x, 6, names=["length", "lists"])
        for effect, truth in zip(found.effects(level=0.999), (0.4, -0.3), strict=True):
            assert effect.lower < truth < effect.upper
        assert np.abs(found.theta - theta).max() < 0.06

    def test_longer_answers_no_longer_buy_a_rating(self):
        theta, a, b, outcome, x, _ = simulated(n=20_000, effects=(1.0,), ties=0.0)
        found = covariates.fit_covariates(a, b, outcome, x, 6, names=["length"])
        raw = found.raw.theta - found.raw.theta.mean()
        assert np.abs(raw - theta).max() > 0.2
        assert np.abs(found.theta - theta).max() < 0.1

    @pytest.mark.parametrize(("left", "noted"), [(0.0, False), (0.3, True)])
    def test_finds_position_bias_only_where_it_is(self, left, noted):
        rng = np.random.default_rng(1)
        theta = np.linspace(-1, 1, 5)
        a = rng.integers(0, 5, 6000)
        b = (a + rng.integers(1, 5, 6000)) % 5
        outcome = np.where(rng.random(6000) < expit(theta[a] - theta[b] + left), 0, 1)
        (effect,) = covariates.position_bias(Cells.from_votes(a, b, outcome, 5)).effects()
        assert effect.lower < left < effect.upper
        assert (abs(effect.z) > 1.96) == noted

    def test_intervals_cover_when_annotators_differ_only_if_clustered(self):
        covered = {False: 0, True: 0}
        for seed in range(60):
            _, a, b, outcome, x, who = simulated(
                seed, n=3000, effects=(0.2,), ties=0, annotators=20, taste=0.4
            )
            for clustered in covered:
                found = covariates.fit_covariates(
                    a, b, outcome, x, 6, names="x", cluster=who if clustered else None
                )
                (effect,) = found.effects()
                covered[clustered] += effect.lower < 0.2 < effect.upper
        assert covered[True] >= 53
        assert covered[False] <= 45


class TestSymmetry:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_swapping_sides_with_their_covariates_changes_nothing(self, seed):
        _, a, b, outcome, x, _ = simulated(n=300)
        flip = np.random.default_rng(seed).random(300) < 0.5
        swapped = covariates.fit_covariates(
            np.where(flip, b, a),
            np.where(flip, a, b),
            np.where(flip, np.array([1, 0, 2])[outcome], outcome),
            np.where(flip[:, None], -x, x),
            6,
            names="xy",
        )
        found = covariates.fit_covariates(a, b, outcome, x, 6, names="xy")
        np.testing.assert_allclose(swapped.theta, found.theta, atol=1e-8)
        np.testing.assert_allclose(swapped.covariance, found.covariance, atol=1e-8)

    @settings(max_examples=25, deadline=None)
    @given(st.floats(1e-4, 1e4))
    def test_units_of_a_covariate_do_not_matter(self, unit):
        _, a, b, outcome, x, _ = simulated(n=300)
        one = covariates.fit_covariates(a, b, outcome, x, 6, names="xy")
        other = covariates.fit_covariates(a, b, outcome, x * unit, 6, names="xy")
        np.testing.assert_allclose(other.beta * unit, one.beta, rtol=1e-6)
        np.testing.assert_allclose(other.theta, one.theta, atol=1e-7)
        assert other.effects()[0].z == pytest.approx(one.effects()[0].z, rel=1e-6)

    def test_weights_repeat_votes(self):
        _, a, b, outcome, x, _ = simulated(n=400)
        times = np.random.default_rng(0).integers(0, 4, 400)
        weighted = covariates.fit_covariates(a, b, outcome, x, 6, names="xy", weight=times)
        repeated = covariates.fit_covariates(
            *(np.repeat(v, times, axis=0) for v in (a, b, outcome, x)), 6, names="xy"
        )
        np.testing.assert_allclose(weighted.theta, repeated.theta, atol=1e-9)
        np.testing.assert_allclose(weighted.covariance, repeated.covariance, atol=1e-12)

    def test_no_covariate_gives_the_raw_ratings(self):
        _, a, b, outcome, x, _ = simulated(n=400)
        found = covariates.fit_covariates(a, b, outcome, x[:, :0], 6, names=())
        np.testing.assert_allclose(found.ratings(), found.raw.ratings(), atol=1e-6)

    def test_chunks_do_not_show(self, monkeypatch):
        _, a, b, outcome, x, who = simulated(n=500)
        whole = covariates.fit_covariates(a, b, outcome, x, 6, names="xy", cluster=who)
        monkeypatch.setattr(covariates, "_CHUNK", 77)
        parts = covariates.fit_covariates(a, b, outcome, x, 6, names="xy", cluster=who)
        np.testing.assert_allclose(parts.covariance, whole.covariance, atol=1e-12)


class TestWhatCannotBeTold:
    def test_a_trait_of_the_models_themselves(self):
        _, a, b, outcome, x, _ = simulated(n=400)
        trait = np.arange(6.0)
        x[:, 1] = trait[a] - trait[b]
        with pytest.raises(ValueError, match="cannot tell the effect of license from"):
            covariates.fit_covariates(a, b, outcome, x, 6, names=["length", "license"])

    def test_two_names_for_one_thing(self):
        _, a, b, outcome, x, _ = simulated(n=400)
        with pytest.raises(ValueError, match="words, tokens"):
            covariates.fit_covariates(
                a,
                b,
                outcome,
                np.column_stack([x[:, 0], x[:, 1], 3 * x[:, 1]]),
                6,
                names=["lists", "words", "tokens"],
            )

    def test_a_covariate_that_never_differs(self):
        _, a, b, outcome, _, _ = simulated(n=400)
        with pytest.raises(ValueError, match="cannot tell the effect of emoji"):
            covariates.fit_covariates(a, b, outcome, np.zeros((400, 1)), 6, names=["emoji"])

    def test_no_votes(self):
        with pytest.raises(ValueError, match="cannot tell the effect of left"):
            covariates.position_bias(Cells.from_votes([], [], [], 3))
        with pytest.raises(ValueError, match="cannot tell the effect of length"):
            covariates.fit_covariates([], [], [], np.zeros((0, 1)), 3, names=["length"])

    def test_a_covariate_that_decides_every_vote(self):
        _, a, b, _, x, _ = simulated(n=400)
        outcome = np.where(x[:, 0] > 0, 0, 1)
        with pytest.raises(RuntimeError, match="length"):
            covariates.fit_covariates(a, b, outcome, x, 6, names=["length", "lists"])

    def test_four_annotators_are_too_few_for_an_interval(self):
        _, a, b, outcome, x, who = simulated(n=400)
        found = covariates.fit_covariates(a, b, outcome, x, 6, names="xy", cluster=who % 4)
        assert [note.code for note in found.notes] == ["few_clusters"]
        assert found.notes[0].arguments["models"] == list(range(6))
        assert np.isnan(found.effects()[0].lower)
        assert np.isfinite(found.beta).all()

    def test_thousands_of_prompts_are_grouped_and_give_about_the_same_error(self):
        _, a, b, outcome, x, _ = simulated(n=6000)
        prompt = np.arange(6000) // 3
        found = covariates.fit_covariates(a, b, outcome, x, 6, names="xy", cluster=prompt)
        independent = covariates.fit_covariates(a, b, outcome, x, 6, names="xy")
        assert found.dof[-1] == pytest.approx(255, rel=0.1)
        ratio = found.effects()[0].standard_error / independent.effects()[0].standard_error
        assert ratio == pytest.approx(1, abs=0.15)

    def test_a_model_seen_by_few_annotators_alone_goes_without_interval(self):
        _, a, b, outcome, x, who = simulated(n=2000)
        seldom = (a == 5) | (b == 5)
        found = covariates.fit_covariates(
            a, b, outcome, x, 6, names="xy", cluster=np.where(seldom, who % 3, who)
        )
        lower, _ = found.intervals()
        assert np.isnan(lower).tolist() == [False] * 5 + [True]
        assert np.isfinite(found.effects()[0].lower)

    def test_without_a_prior_an_undefeated_model_leaves_nothing_to_compare(self):
        _, a, b, _, x, _ = simulated(n=400)
        outcome = np.where(a == 5, 0, np.where(b == 5, 1, 2))
        with pytest.raises(ValueError, match="without a prior"):
            covariates.fit_covariates(a, b, outcome, x, 6, names="xy", prior="none")
        assert np.isfinite(covariates.fit_covariates(a, b, outcome, x, 6, names="xy").theta).all()

    def test_disconnected_and_unvoted_models_keep_their_own_scale(self):
        rng = np.random.default_rng(0)
        a = np.repeat([0, 2], 200)
        x = rng.normal(size=(400, 1))
        outcome = np.where(rng.random(400) < expit(0.5 + x[:, 0]), 0, 1)
        found = covariates.fit_covariates(a, a + 1, outcome, x, 5, names=["length"])
        assert found.theta[0] == pytest.approx(-found.theta[1])
        assert found.theta[2] == pytest.approx(-found.theta[3])
        assert np.isnan(found.theta[4])
        lower, upper = found.intervals()
        assert (lower[:4] < upper[:4]).all()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"covariates": np.full((50, 2), np.nan)}, "row 0: covariate 0 is nan"),
            ({"covariates": np.ones(50)}, "expected shape"),
            ({"names": ["one"]}, "names: 1 for 2"),
            ({"cluster": np.zeros(3, int)}, "cluster"),
            ({"weight": np.full(50, -1.0)}, "weight"),
            ({"outcome": np.full(50, 7)}, "outcome code"),
            ({"ties": "davidson"}, "davidson"),
        ],
    )
    def test_bad_input_is_named(self, change, message):
        _, a, b, outcome, x, _ = simulated(n=50)
        columns = {"left": a, "right": b, "outcome": outcome, "covariates": x, "names": "xy"}
        with pytest.raises(ValueError, match=message):
            covariates.fit_covariates(n_models=6, **(columns | change))


def test_people_who_judge_the_same_responses_are_allowed_for():
    votes, comparison = simulate_prompts(150, 5, seed=8)
    # A style that goes with nothing: of the comparison, and so the same for all who judge it.
    x = np.random.default_rng(1).normal(size=(150, 1))[comparison]
    columns = (votes.a, votes.b, votes.outcome, x, 5)
    narrow, wide = (
        covariates.fit_covariates(*columns, names=["style"], cluster=votes.annotator, item=item)
        for item in (None, comparison)
    )
    share = crossed(wide.raw, votes.a, votes.b, votes.outcome, comparison, votes.annotator)
    alone = covariates.fit_covariates(*columns, names=["style"])
    assert wide.covariance == pytest.approx(
        narrow.covariance + share.excess * alone.covariance, rel=0.02, abs=1e-4
    )
    assert wide.effects()[0].standard_error > 1.1 * narrow.effects()[0].standard_error
    assert np.array_equal(wide.beta, narrow.beta)
