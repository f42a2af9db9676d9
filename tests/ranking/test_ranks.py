"""What a reader is told of the order."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.ranking_votes import simulate
from ranking import (
    WinMatrix,
    fit,
    intervals,
    lack_of_fit,
    probability_better,
    probability_top,
    rank_ranges,
    votes_to_separate,
)


def of(wins, **options):
    return intervals(fit(WinMatrix.from_wins(np.array(wins, float)), **options))


@pytest.fixture(scope="module")
def close():
    votes = simulate(3000, 10, seed=21, spread=0.3)
    result = fit(votes.matrix())
    return result, intervals(result)


def test_equal_ratings_share_a_rank():
    ranges = rank_ranges(of([[0, 5, 9], [5, 0, 9], [1, 1, 0]]))
    assert ranges.rank.tolist() == [1, 1, 3]
    assert ranges.best.tolist() == [1, 1, 3]
    assert ranges.worst.tolist() == [2, 2, 3]


def test_models_that_votes_cannot_order_share_their_range():
    ranges = rank_ranges(of([[0, 5], [4, 0]]))
    assert (ranges.rank.tolist(), ranges.best.tolist(), ranges.worst.tolist()) == ([1, 2], [1, 1], [2, 2])


def test_joint_ranges_hold_more(close):
    _, found = close
    single, joint = rank_ranges(found), rank_ranges(found, joint=True)
    assert np.all(joint.best <= single.best)
    assert np.all(joint.worst >= single.worst)
    assert np.any(joint.worst > single.worst)
    assert np.all((single.best <= single.rank) & (single.rank <= single.worst))


def test_the_joint_quantile_is_tukeys_for_a_balanced_design():
    # Equally many votes on equal models: the largest |z| follows the studentised range.
    found = of(np.full((6, 6), 500.0) - 500 * np.eye(6))
    exact = stats.studentized_range.ppf(0.95, 6, np.inf) / np.sqrt(2)
    z = 0.99 * exact
    se = found.difference_se()[0, 1]
    for shift, apart in ((z * se, False), (1.03 * exact * se, True)):
        moved = np.zeros(6)
        moved[0] = shift
        shifted = type(found)(**{**vars(found), "theta": moved})
        assert (rank_ranges(shifted, joint=True, draws=40_000).worst[0] == 1) == apart


def test_the_joint_quantile_is_of_the_models_and_not_of_their_codes(close):
    fitted, found = close
    turned = np.arange(10)[::-1]
    wins, ties = (counts[np.ix_(turned, turned)] for counts in (fitted.matrix.wins, fitted.matrix.ties))
    again = intervals(fit(WinMatrix.from_wins(wins, ties)))
    ours, theirs = rank_ranges(found, joint=True), rank_ranges(again, joint=True, order=turned)
    assert theirs.critical[np.ix_(turned, turned)] == pytest.approx(ours.critical, rel=1e-6)


def test_groups_apart_are_ranked_apart_and_the_unvoted_not_at_all():
    wins = np.zeros((5, 5))
    wins[0, 1], wins[1, 0], wins[2, 3], wins[3, 2] = 90, 10, 20, 80
    ranges = rank_ranges(of(wins))
    assert ranges.rank.tolist() == [1, 2, 2, 1, 0]
    assert ranges.best.tolist() == [1, 2, 2, 1, 0]
    assert ranges.worst.tolist() == [1, 2, 2, 1, 0]
    assert np.isnan(probability_better(of(wins))[0, 2])


def test_an_infinite_rating_ranks_first_but_is_not_sure_to():
    wins = [[0, 1, 0], [0, 0, 30], [0, 10, 0]]
    ranges = rank_ranges(of(wins, prior="none"))
    assert ranges.rank.tolist() == [1, 2, 3]
    assert (ranges.best[0], ranges.worst[0]) == (1, 3)


def test_nothing_is_ranked_where_no_rating_is_finite():
    ranges = rank_ranges(of([[0, 40, 0], [0, 0, 40], [0, 0, 0]], prior="none"), joint=True)
    assert not (ranges.rank.any() or ranges.best.any() or ranges.worst.any())


def test_the_probability_of_being_better(close):
    _, found = close
    better = probability_better(found)
    assert better + better.T == pytest.approx(np.ones((10, 10)))
    i, j = 0, 1
    z = (found.theta[i] - found.theta[j]) / found.difference_se()[i, j]
    assert better[i, j] == pytest.approx(stats.norm.cdf(z))


def test_the_probability_of_being_on_top_adds_up(close):
    _, found = close
    for k in (1, 3, 10):
        assert probability_top(found, k).sum() == pytest.approx(k)
    assert np.argmax(probability_top(found)) == np.argmax(found.theta)
    pair = of([[0, 60], [40, 0]])
    assert probability_top(pair, draws=20_000)[0] == pytest.approx(probability_better(pair)[0, 1], abs=0.01)
    with pytest.raises(ValueError, match="k: 0"):
        probability_top(found, 0)


def test_that_many_more_votes_separate_two_models_with_the_stated_power():
    wins = np.array([[0, 54], [46, 0]], float)
    result = fit(WinMatrix.from_wins(wins), prior="none")
    more = votes_to_separate(result, intervals(result))[0, 1]
    total = int(100 + more)
    drawn = np.random.default_rng(0).binomial(total, 0.54, 4000)
    logit = np.log(drawn / (total - drawn))
    told_apart = logit / np.sqrt(total / (drawn * (total - drawn))) > stats.norm.ppf(0.975)
    assert told_apart.mean() == pytest.approx(0.8, abs=0.03)


def test_telling_all_apart_at_once_takes_more_votes_than_telling_two():
    wins = np.array([[0, 55, 60, 70], [45, 0, 55, 66], [40, 45, 0, 60], [30, 34, 40, 0]], float)
    result = fit(WinMatrix.from_wins(wins))
    found = intervals(result)
    joint = rank_ranges(found, joint=True)
    alone, together = votes_to_separate(result, found), votes_to_separate(result, found, ranges=joint)
    unsettled = (together > 0) & np.isfinite(together)
    assert unsettled.any()
    assert (together[unsettled] > alone[unsettled]).all()
    apart = np.abs(found.theta[:, None] - found.theta) > joint.critical * found.difference_se()
    assert np.array_equal(apart, together == 0)


def test_no_number_of_votes_separates_equals_and_none_more_the_separated():
    result = fit(WinMatrix.from_wins(np.array([[0, 50, 90], [50, 0, 90], [10, 10, 0]], float)))
    more = votes_to_separate(result, intervals(result))
    assert (more[0, 1], more[0, 2]) == (np.inf, 0)
    with pytest.raises(ValueError, match="power"):
        votes_to_separate(result, intervals(result), power=1.0)


def test_a_circle_of_wins_is_reported_as_lack_of_fit():
    circle = np.array([[0, 80, 20], [20, 0, 80], [80, 20, 0]], float)
    found = lack_of_fit(fit(WinMatrix.from_wins(circle), prior="none"))
    # Equal ratings, 100 votes a pair, 30 more than expected with standard deviation 5.
    assert (found.statistic, found.dof, found.dispersion) == (pytest.approx(3 * 36), 1, pytest.approx(1))
    assert found.p_value < 1e-20
    assert found.z[0, 1] == pytest.approx(6)
    assert found.observed[0, 1] == 0.8
    assert found.predicted[0, 1] == pytest.approx(0.5)


@pytest.mark.parametrize("ties", [0.0, 0.8])
def test_votes_that_follow_the_model_are_rarely_called_misfits(ties):
    p_values = [
        lack_of_fit(fit(simulate(2000, 8, seed=(31, s), ties=ties).matrix())).p_value for s in range(200)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.median(p_values) == pytest.approx(0.5, abs=0.12)


def test_a_tree_of_pairs_cannot_be_tested():
    found = lack_of_fit(fit(WinMatrix.from_wins([[0, 3, 0], [2, 0, 5], [0, 4, 0]])))
    assert found.dof == 0
    assert np.isnan(found.p_value)
    assert np.isnan(found.observed[0, 2])


def test_davidsons_misfit_counts_ties_as_part_of_the_model():
    found = lack_of_fit(fit(simulate(4000, 6, seed=33, ties=0.8).matrix(), ties="davidson"))
    assert found.dispersion == 1
    assert found.statistic < 3 * found.dof
