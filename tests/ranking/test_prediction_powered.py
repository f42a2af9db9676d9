"""A judge's many votes sharpen people's few ones and never bias them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from benchmarks.ranking_votes import simulate_with_judge
from ranking import Cells, WinMatrix, fit
from ranking.bradley_terry import ELO_PER_LOGIT
from ranking.prediction_powered import HumanVotes, JudgeVotes, fit_prediction_powered
from ranking.uncertainty import covariance

MODELS = 8
TRUTH = np.linspace(-1, 1, MODELS)


def judged(seed=0, n=800, more=12_000, insight=0.8, bias=0.6, favoured=None):
    """People's votes and a biased judge's, alike beyond the ratings to the degree of its insight."""
    liking = np.random.default_rng([seed, 1]).normal(0, bias, MODELS)
    if favoured is not None:
        liking[favoured] += 2
    people, judge = simulate_with_judge(n, more, TRUTH, seed=seed, alike=1, insight=insight, liking=liking)
    return replace(people, cluster=None, comparison=None), judge


def error(theta):
    return np.sqrt(np.mean((theta - TRUTH) ** 2)) * ELO_PER_LOGIT


class TestGain:
    def test_sharper_than_people_alone_and_than_the_judge_alone(self):
        alone, judge, both, effective = [], [], [], []
        for seed in range(12):
            people, more = judged(seed)
            found = fit_prediction_powered(people, more, MODELS)
            of_judge = fit(WinMatrix.from_votes(more.a, more.b, 1 - np.asarray(more.score, int), MODELS))
            alone.append(error(found.human.theta))
            judge.append(error(of_judge.theta))
            both.append(error(found.theta))
            effective.append(found.effective_votes)
        assert np.mean(both) < 0.85 * np.mean(alone)
        assert np.mean(both) < 0.5 * np.mean(judge)
        promised = np.sqrt(800 / np.mean(effective))
        assert np.mean(both) / np.mean(alone) == pytest.approx(promised, abs=0.12)

    @pytest.mark.parametrize("insight", [0.0, 0.8])
    def test_intervals_cover_whatever_the_judge_is_worth(self, insight):
        inside = []
        for seed in range(60):
            people, more = judged(seed, n=400, more=4000, insight=insight)
            lower, upper = fit_prediction_powered(people, more, MODELS).intervals()
            truth = 1000 + ELO_PER_LOGIT * TRUTH
            inside.append((lower < truth) & (truth < upper))
        assert 0.92 <= np.mean(inside) <= 0.985

    def test_a_judge_that_knows_nothing_gets_no_power(self):
        people, more = judged(insight=0.0)
        found = fit_prediction_powered(people, more, MODELS)
        assert abs(found.power) < 0.1
        assert found.effective_votes == pytest.approx(found.human_votes, rel=0.02)

    def test_a_judge_in_love_with_one_model_does_not_lift_it(self):
        people, more = judged(3, favoured=0)
        found = fit_prediction_powered(people, more, MODELS)
        se = np.sqrt(found.covariance[0, 0])
        assert abs(found.theta[0] - TRUTH[0]) < 3 * se

    def test_the_more_of_the_judge_the_sharper(self):
        people, more = judged(more=20_000)
        some = JudgeVotes(*(np.asarray(x)[:1000] for x in (more.a, more.b, more.score)))
        few, many = (fit_prediction_powered(people, votes, MODELS) for votes in (some, more))
        assert people.outcome.size < few.effective_votes < many.effective_votes


class TestAgainstPeopleAlone:
    @pytest.mark.parametrize("clustered", [False, True])
    def test_without_power_it_is_the_human_fit(self, clustered):
        people, more = judged()
        who = np.random.default_rng(1).integers(0, 30, 800) if clustered else None
        people = HumanVotes(people.a, people.b, people.outcome, people.judge, who)
        found = fit_prediction_powered(people, more, MODELS, power=0.0)
        cells = Cells.from_votes(people.a, people.b, people.outcome, MODELS, cluster=who)
        plain = fit(WinMatrix.from_cells(cells))
        np.testing.assert_allclose(found.theta, plain.theta, atol=1e-7)
        expected = covariance(plain, cells if clustered else None)
        np.testing.assert_allclose(found.covariance, expected, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(found.human_covariance, expected, rtol=1e-4, atol=1e-9)

    def test_a_judge_seen_nowhere_else_changes_nothing(self):
        people, _ = judged()
        found = fit_prediction_powered(people, JudgeVotes([], [], []), MODELS)
        np.testing.assert_allclose(found.theta, found.human.theta, atol=1e-6)
        assert found.judge_votes == 0

    def test_a_perfect_judge_on_two_models_gives_the_mean_of_all_it_saw(self):
        """power 1 and agreement throughout: the human share becomes the share of the whole."""
        people = HumanVotes([0] * 10, [1] * 10, [0] * 6 + [1] * 4, [1.0] * 6 + [0.0] * 4)
        more = JudgeVotes([0] * 90, [1] * 90, [1.0] * 64 + [0.0] * 26)
        found = fit_prediction_powered(people, more, 2, power=1.0)
        share = (0.7 * 10 + found.human.pseudo[0, 1]) / (10 + 2 * found.human.pseudo[0, 1])
        assert expit(found.theta[0] - found.theta[1]) == pytest.approx(share)


class TestShared:
    """What votes have in common: the same judgment said three times is no more than one."""

    def test_votes_repeated_on_their_comparison_are_known_no_better(self):
        people, more = judged(n=300, more=0)
        once = fit_prediction_powered(people, more, MODELS, power=0.0)
        columns = (np.tile(x, 3) for x in (people.a, people.b, people.outcome, people.judge))
        thrice = HumanVotes(*columns, comparison=np.tile(np.arange(300), 3))
        found = fit_prediction_powered(thrice, more, MODELS, power=0.0)
        assert np.diagonal(found.covariance) == pytest.approx(np.diagonal(once.covariance), rel=0.2)
        alone = fit_prediction_powered(replace(thrice, comparison=None), more, MODELS, power=0.0)
        assert np.diagonal(alone.covariance) == pytest.approx(np.diagonal(once.covariance) / 3, rel=0.2)

    def test_comparisons_judged_once_each_have_nothing_in_common(self):
        people, more = judged()
        found = fit_prediction_powered(replace(people, comparison=np.arange(800)), more, MODELS)
        plain = fit_prediction_powered(people, more, MODELS)
        np.testing.assert_allclose(found.covariance, plain.covariance)

    def test_many_annotators_are_dealt_into_groups(self):
        people, more = judged(n=3000)
        found = fit_prediction_powered(replace(people, cluster=np.arange(3000) % 600), more, MODELS)
        assert [note.code for note in found.notes] == ["random_groups"]
        plain = fit_prediction_powered(people, more, MODELS)
        assert np.diagonal(found.covariance) == pytest.approx(np.diagonal(plain.covariance), rel=0.4)


class TestInvariance:
    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_sides_and_row_order_do_not_matter(self, seed):
        rng = np.random.default_rng(seed)
        people, more = judged(n=300, more=900)
        flip, flip_more = rng.random(300) < 0.5, rng.random(900) < 0.5
        order = rng.permutation(300)
        swapped = HumanVotes(
            *(
                np.where(flip, x, y)[order]
                for x, y in (
                    (people.b, people.a),
                    (people.a, people.b),
                    (1 - people.outcome, people.outcome),
                    (1 - people.judge, people.judge),
                )
            )
        )
        swapped_more = JudgeVotes(
            *(
                np.where(flip_more, x, y)
                for x, y in ((more.b, more.a), (more.a, more.b), (1 - more.score, more.score))
            )
        )
        found = fit_prediction_powered(people, more, MODELS)
        other = fit_prediction_powered(swapped, swapped_more, MODELS)
        np.testing.assert_allclose(other.theta, found.theta, atol=1e-7)
        np.testing.assert_allclose(other.covariance, found.covariance, atol=1e-9)
        assert other.power == pytest.approx(found.power)


class TestEdges:
    def test_judge_votes_where_no_person_voted_are_left_out_and_said(self):
        people, more = judged()
        extra = JudgeVotes(
            np.append(more.a, [8] * 5), np.append(more.b, [0] * 5), np.append(more.score, [1.0] * 5)
        )
        found = fit_prediction_powered(people, extra, 9)
        assert [(n.code, n.arguments.get("judgments")) for n in found.notes][-1] == ("unused_judgments", 5)
        assert found.judge_votes == 12_000
        assert np.isnan(found.theta[8])
        assert found.effective_votes > 800

    def test_both_bad_and_silent_judges_are_no_ties(self):
        people, more = judged()
        outcome, judge = people.outcome.copy(), people.judge.copy()
        outcome[:50], judge[25:75] = 3, np.nan
        found = fit_prediction_powered(HumanVotes(people.a, people.b, outcome, judge), more, MODELS)
        assert found.human_votes == 750
        rest = HumanVotes(people.a[50:], people.b[50:], outcome[50:], judge[50:])
        fewer = fit_prediction_powered(rest, more, MODELS)
        np.testing.assert_allclose(found.human.theta, fewer.human.theta, atol=1e-8)
        assert np.abs(found.theta - fewer.theta).max() < 0.1

    def test_few_annotators_give_no_interval(self):
        people, more = judged()
        people = HumanVotes(people.a, people.b, people.outcome, people.judge, np.arange(800) % 4)
        found = fit_prediction_powered(people, more, MODELS)
        assert "few_clusters" in [note.code for note in found.notes]
        assert np.isnan(found.intervals()[0]).all()
        assert np.isnan(found.effective_votes)
        assert np.isfinite(found.theta).all()

    def test_more_correction_than_votes_is_said(self):
        people = HumanVotes([0, 0, 0], [1, 1, 1], [0, 0, 0], [0.0, 0.0, 0.0])
        with pytest.raises(RuntimeError, match="too few human votes"):
            fit_prediction_powered(people, JudgeVotes([0] * 50, [1] * 50, [1.0] * 50), 2, power=3.0)

    @pytest.mark.parametrize(
        ("judge", "more", "message"),
        [
            ([0.5, 1.5], JudgeVotes([], [], []), "row 1: judge's score 1.5"),
            ([0.5], JudgeVotes([], [], []), "scores for"),
            ([0.5, 0.5], JudgeVotes([0], [9], [1.0]), "outside 0..1"),
            ([0.5, 0.5], JudgeVotes([1], [1], [1.0]), "compared with itself"),
        ],
    )
    def test_bad_input_is_named(self, judge, more, message):
        with pytest.raises(ValueError, match=message):
            fit_prediction_powered(HumanVotes([0, 0], [1, 1], [0, 1], judge), more, 2)

    @pytest.mark.parametrize("column", ["cluster", "comparison"])
    def test_columns_of_another_length(self, column):
        people, more = judged()
        with pytest.raises(ValueError, match=column):
            fit_prediction_powered(replace(people, **{column: [1, 2]}), more, MODELS)

    def test_nobody_has_judged_anything(self):
        found = fit_prediction_powered(HumanVotes([], [], [], [], []), JudgeVotes([], [], []), 2)
        assert np.isnan(found.theta).all()
        assert np.isnan(found.effective_votes)

    def test_one_comparison_of_different_models(self):
        people = HumanVotes([0, 1, 0], [1, 0, 2], [0, 1, 0], [1.0, 0.0, 1.0], comparison=[5, 5, 5])
        with pytest.raises(ValueError, match="row 2: comparison 5 is of other models"):
            fit_prediction_powered(people, JudgeVotes([], [], []), 3)
