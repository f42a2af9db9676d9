"""Intervals: against independent sandwiches, against the bootstrap, and silent where the votes are."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from benchmarks.ranking_votes import simulate
from ranking import Cells, WinMatrix, bootstrap, cluster_votes, clusters, covariance, fit, intervals
from ranking.uncertainty import clustered_wilson, wilson


@pytest.fixture(scope="module")
def votes():
    return simulate(3000, 7, seed=11, annotators=40, taste=0.5)


@pytest.fixture(scope="module")
def plain(votes):
    return fit(votes.matrix(), prior="none")


def regression(votes, **options):
    """The same model as a fractional logistic regression on single votes, model 0 as the reference."""
    n = len(votes.a)
    design = np.zeros((n, votes.n_models))
    design[np.arange(n), votes.a] += 1
    design[np.arange(n), votes.b] -= 1
    score = np.array([1.0, 0.0, 0.5])[votes.outcome]
    return sm.GLM(score, design[:, 1:], family=sm.families.Binomial()).fit(**options)


def notes_of(result):
    return {note.code: dict(note.arguments) for note in result.notes}


def test_the_sandwich_is_that_of_a_logistic_regression(votes, plain):
    found = intervals(plain, anchor=(0, 1000.0))
    assert found.se[1:] == pytest.approx(regression(votes, cov_type="HC0").bse, rel=1e-5)


def test_fishers_information_is_that_of_a_logistic_regression(votes, plain):
    found = intervals(plain, kind="fisher", anchor=(0, 1000.0))
    assert found.se[1:] == pytest.approx(regression(votes, scale=1.0).bse, rel=1e-5)


def test_the_clustered_sandwich_is_that_of_a_logistic_regression(votes, plain, monkeypatch):
    groups = {"groups": votes.annotator, "use_correction": False}
    theirs = regression(votes, cov_type="cluster", cov_kwds=groups).bse
    found = intervals(plain, votes.cells(), anchor=(0, 1000.0))
    assert found.se[1:] == pytest.approx(theirs * np.sqrt(40 / 39), rel=1e-2)
    assert found.quantile == pytest.approx(stats.t.ppf(0.975, found.dof))
    monkeypatch.setattr(clusters, "small_sample", lambda votes: np.ones((2, votes.shape[1])))
    assert intervals(plain, votes.cells(), anchor=(0, 1000.0)).se[1:] == pytest.approx(theirs, rel=1e-5)


def test_davidsons_sandwich_agrees_with_a_jackknife(votes):
    result = fit(votes.matrix(), ties="davidson")
    cells = votes.cells()
    left_out = []
    for annotator in range(40):
        keep = votes.annotator != annotator
        columns = (column[keep] for column in (votes.a, votes.b, votes.outcome))
        left_out.append(fit(WinMatrix.from_votes(*columns, 7), ties="davidson").theta)
    jackknife = np.sqrt(39 / 40 * np.sum((left_out - np.mean(left_out, axis=0)) ** 2, axis=0))
    assert intervals(result, cells).se == pytest.approx(jackknife, rel=0.12)
    assert intervals(result).se == pytest.approx(intervals(result, kind="fisher").se, rel=0.1)


def test_the_covariance_has_mean_zero_and_differences_do_not_depend_on_the_anchor(plain):
    assert covariance(plain).sum(axis=0) == pytest.approx(np.zeros(7), abs=1e-12)
    free, pinned = intervals(plain), intervals(plain, anchor=(3, 1500.0))
    assert np.array_equal(free.difference_se(), pinned.difference_se())
    assert pinned.se == pytest.approx(free.difference_se()[3])
    rating, lower, upper = pinned.ratings()
    assert (rating[3], lower[3], upper[3]) == pytest.approx((1500, 1500, 1500))
    assert np.all(lower[:3] < rating[:3])


def test_k_times_the_data_shrinks_independent_errors_and_leaves_clustered_ones(votes, plain):
    cells = votes.cells()
    ninefold = Cells(cells.left, cells.right, 9 * cells.counts, 7, cells.cluster)
    result = fit(WinMatrix.from_cells(ninefold), prior="none")
    assert intervals(result).se == pytest.approx(intervals(plain).se / 3)
    assert intervals(result, ninefold).se == pytest.approx(intervals(plain, cells).se)


def test_single_votes_as_clusters_are_independent_votes():
    votes = simulate(200, 4, seed=12)
    each = Cells.from_votes(votes.a, votes.b, votes.outcome, 4, cluster=np.arange(200))
    result = fit(votes.matrix())
    assert intervals(result, each).se == pytest.approx(intervals(result).se * np.sqrt(200 / 199), rel=1e-2)


def test_more_than_256_annotators_are_put_into_random_groups():
    votes = simulate(20_000, 5, seed=13, annotators=2000, taste=0.5)
    result = fit(votes.matrix())
    found = intervals(result, votes.cells(), seed=3)
    assert notes_of(found) == {"random_groups": {"clusters": 2000, "groups": 256}}
    assert found.dof == pytest.approx(np.full(5, 255), rel=0.05)
    assert np.array_equal(found.se, intervals(result, votes.cells(), seed=3).se)
    each = regression(votes, cov_type="cluster", cov_kwds={"groups": votes.annotator}).bse
    pinned = intervals(result, votes.cells(), anchor=(0, 1000.0))
    assert pinned.se[1:] == pytest.approx(each, rel=0.2)


def test_fewer_than_five_annotators_get_no_interval_and_a_note():
    votes = simulate(400, 3, seed=14, annotators=4)
    found = intervals(fit(votes.matrix()), votes.cells())
    assert np.isnan(found.lower).all()
    assert np.isnan(found.se).all()
    assert notes_of(found) == {"few_clusters": {"models": [0, 1, 2], "needed": 5}}


def test_a_model_that_few_annotators_judged_has_no_interval_while_the_others_have():
    votes = simulate(2000, 5, seed=15, annotators=30)
    keep = (votes.annotator < 3) | ((votes.a != 4) & (votes.b != 4))
    columns = [column[keep] for column in (votes.a, votes.b, votes.outcome)]
    cells = Cells.from_votes(*columns, 5, cluster=votes.annotator[keep])
    found = intervals(fit(WinMatrix.from_cells(cells)), cells)
    assert np.isnan(found.lower).tolist() == [False] * 4 + [True]
    assert notes_of(found)["few_clusters"]["models"] == [4]


def test_a_model_that_one_annotator_judged_nearly_alone_has_no_interval():
    votes = simulate(2000, 5, seed=16, annotators=30)
    mine = ((votes.a == 4) | (votes.b == 4)) & (np.arange(2000) % 10 > 0)
    cells = Cells.from_votes(votes.a, votes.b, votes.outcome, 5, cluster=np.where(mine, 0, votes.annotator))
    found = intervals(fit(WinMatrix.from_cells(cells)), cells)
    assert np.isnan(found.lower).tolist() == [False] * 4 + [True]
    assert notes_of(found) == {"one_cluster": {"models": [4]}}
    assert np.isfinite(found.dof[:4]).all()


def test_an_interval_against_an_anchor_few_annotators_judged_is_as_uncertain_as_that():
    votes = simulate(2000, 5, seed=15, annotators=30)
    keep = (votes.annotator < 6) | ((votes.a != 4) & (votes.b != 4))
    columns = [column[keep] for column in (votes.a, votes.b, votes.outcome)]
    cells = Cells.from_votes(*columns, 5, cluster=votes.annotator[keep])
    found = intervals(fit(WinMatrix.from_cells(cells)), cells, anchor=(4, 1000.0))
    assert found.dof[4] < 5.1 < 9 < found.dof[0]
    assert found.upper[0] - found.theta[0] == pytest.approx(found.quantile[4] * found.se[0])


def test_cells_of_other_votes_are_refused(votes, plain):
    fewer = Cells.from_votes(votes.a[1:], votes.b[1:], votes.outcome[1:], 7, cluster=votes.annotator[1:])
    with pytest.raises(ValueError, match="not the votes the fit was made from"):
        intervals(plain, fewer)
    without = Cells.from_votes(votes.a, votes.b, votes.outcome, 7)
    with pytest.raises(ValueError, match="no clusters"):
        intervals(plain, without)
    with pytest.raises(ValueError, match="fisher"):
        intervals(plain, votes.cells(), kind="fisher")


def test_unknown_kinds_and_levels_are_refused(plain):
    with pytest.raises(ValueError, match="kind: 'magic'"):
        intervals(plain, kind="magic")
    with pytest.raises(ValueError, match="level: 95"):
        intervals(plain, level=95)


def test_all_ties_still_leave_room_for_doubt():
    result = fit(WinMatrix.from_wins(np.zeros((2, 2)), [[0, 9], [9, 0]]))
    found = intervals(result)
    assert result.theta == pytest.approx([0, 0])
    assert np.all(found.upper > 0.05)
    bare = intervals(fit(result.matrix, prior="none"))
    assert (bare.kind, notes_of(bare)) == ("fisher", {"only_ties": {"models": [0, 1]}})
    assert np.all(bare.upper > 0.2)


def test_ties_alone_leave_room_for_doubt_beside_what_was_won():
    # 0 always beat 1, which only tied with 2; 3 and 4 won and lost.
    wins, ties = np.zeros((5, 5)), np.zeros((5, 5))
    wins[0, 1], wins[3, 4], wins[4, 3] = 1, 5, 3
    ties[1, 2] = ties[2, 1] = 4
    found = intervals(fit(WinMatrix.from_wins(wins, ties), prior="none"))
    assert np.isfinite(found.se).tolist() == [False, True, True, True, True]
    assert notes_of(found)["only_ties"] == {"models": [1, 2]}
    alone = intervals(fit(WinMatrix.from_wins(wins[3:, 3:]), prior="none"))
    assert found.se[3:] == pytest.approx(alone.se)
    assert np.all(found.se[1:3] > 0.4)


def test_a_single_vote_is_hardly_knowledge():
    rating, lower, upper = intervals(fit(WinMatrix.from_wins([[0, 1], [0, 0]]))).ratings()
    assert np.all((lower < 1000) & (upper > 1000))
    assert np.all(upper - lower > 150)
    assert rating[0] > rating[1]


def test_models_without_votes_have_neither_rating_nor_interval():
    empty = intervals(fit(WinMatrix.from_wins(np.zeros((2, 2)))))
    assert np.isnan(empty.theta).all()
    assert np.isnan(empty.upper).all()
    with_new = intervals(fit(WinMatrix.from_wins([[0, 3, 0], [2, 0, 0], [0, 0, 0]])))
    assert np.isnan(with_new.se).tolist() == [False, False, True]


def test_infinite_ratings_have_no_interval():
    wins = np.array([[0, 3, 2], [2, 0, 2], [0, 0, 0]], float)
    found = intervals(fit(WinMatrix.from_wins(wins), prior="none"))
    assert found.theta[2] == -np.inf
    assert np.isnan(found.se).tolist() == [False, False, True]


def test_disconnected_groups_have_their_own_intervals():
    one = np.array([[0, 5, 3], [4, 0, 6], [2, 3, 0]], float)
    both = np.zeros((5, 5))
    both[:3, :3], both[3:, 3:] = one, [[0, 4], [3, 0]]
    found = intervals(fit(WinMatrix.from_wins(both)))
    assert found.se[:3] == pytest.approx(intervals(fit(WinMatrix.from_wins(one))).se)
    assert np.isnan(found.difference_se()[0, 4])


def test_the_bootstrap_agrees_with_the_sandwich(votes):
    result = fit(votes.matrix())
    resampled = intervals(result, kind="bootstrap", replicates=600)
    assert resampled.se == pytest.approx(intervals(result).se, rel=0.1)
    by_annotator = intervals(result, votes.cells(), kind="bootstrap", replicates=600)
    assert by_annotator.se == pytest.approx(intervals(result, votes.cells()).se, rel=0.15)
    assert np.mean(by_annotator.se) > 1.2 * np.mean(resampled.se)


@pytest.mark.parametrize("by_annotator", [False, True])
def test_the_same_seed_gives_the_same_bootstrap_whatever_the_chunk(votes, by_annotator):
    result = fit(votes.matrix())
    clusters = cluster_votes(result, votes.cells()) if by_annotator else None
    runs = [bootstrap(result, clusters, replicates=50, seed=5, chunk=chunk) for chunk in (1, 7, 50)]
    assert runs[1] == pytest.approx(runs[0], abs=1e-9)
    assert runs[2] == pytest.approx(runs[0], abs=1e-9)
    assert not np.allclose(runs[0], bootstrap(result, clusters, replicates=50, seed=6))


def test_every_bootstrap_replicate_is_solved():
    # Few votes on a long chain: chord steps alone would not do.
    wins = np.diag([6.0] * 14, 1) + np.diag([2.0] * 14, -1)
    thetas = bootstrap(fit(WinMatrix.from_wins(wins)), replicates=100)
    assert np.isfinite(thetas).all()
    assert thetas.sum(axis=1) == pytest.approx(np.zeros(100), abs=1e-6)


def test_bootstrap_replicates_without_a_solution_are_counted():
    def of(lost):
        wins = np.array([[0, 4 * lost], [lost, 0]], float)
        return intervals(fit(WinMatrix.from_wins(wins), prior="none"), kind="bootstrap", replicates=200)

    assert 0 < notes_of(of(5))["unsolved_replicates"]["replicates"] <= 10
    assert np.isfinite(of(5).lower).all()
    # Of more than one in twenty the ratings are infinite, so 95 % have no finite bounds.
    assert 10 < notes_of(of(1))["unbounded_replicates"]["replicates"] < 200
    assert np.isnan(of(1).lower).all()


def test_one_replicate_has_no_spread(plain):
    with pytest.raises(ValueError, match="replicates: 1"):
        intervals(plain, kind="bootstrap", replicates=1)


def test_davidson_is_not_resampled(votes):
    with pytest.raises(ValueError, match="bootstrap: only fits"):
        bootstrap(fit(votes.matrix(), ties="davidson"))


def test_neither_the_chunk_nor_the_types_of_the_cells_matter(monkeypatch):
    votes = simulate(3000, 5, seed=21, annotators=9, taste=0.5)
    cells = votes.cells()
    result = fit(WinMatrix.from_cells(cells), ties="davidson")
    expected = intervals(result, cells).covariance
    monkeypatch.setattr("ranking.outcomes._CHUNK", 7)
    narrow = Cells(
        cells.left.astype(np.uint8),
        cells.right.astype(np.int8),
        cells.counts.astype(np.uint8),
        5,
        cells.cluster.astype(np.uint16),
    )
    assert len(cells) > 45
    assert np.array_equal(WinMatrix.from_cells(narrow).wins, result.matrix.wins)
    assert intervals(result, narrow).covariance == pytest.approx(expected)


def test_counts_of_small_types_do_not_overflow():
    left, right, who = (
        np.array([[0, 1], [1, 0]] * 6)[:, 0],
        np.array([[0, 1], [1, 0]] * 6)[:, 1],
        np.arange(12),
    )
    counts = np.tile(np.array([[200], [150], [120], [0]], np.uint8), 12)
    narrow, wide = (Cells(left, right, counts.astype(dtype), 2, who) for dtype in (np.uint8, np.float64))
    of_narrow, of_wide = (intervals(fit(WinMatrix.from_cells(cells)), cells) for cells in (narrow, wide))
    assert np.array_equal(of_narrow.covariance, of_wide.covariance)
    assert narrow.n_votes.tolist() == [470] * 12


def test_a_share_counted_in_clusters() -> None:
    """One in each is Wilson's share; each said three times, or all alike, tells no more than one."""
    some, ones = np.array([1.0, 1, 1, 0, 1, 0, 1, 1]), np.ones(8)
    alone = wilson(0.75, 8)
    assert clustered_wilson(some, ones) == pytest.approx(alone)
    assert clustered_wilson(3 * some, 3 * ones) == pytest.approx(alone)
    assert clustered_wilson(3 * ones, 3 * ones) == pytest.approx(wilson(1.0, 8))
    assert clustered_wilson(np.array([50.0]), np.array([100.0])) == pytest.approx(wilson(0.5, 1))
    rng, truth, held = np.random.default_rng(3), 0.7, np.zeros(2)
    for _ in range(600):
        many = rng.integers(1, 5, 40)
        some = rng.binomial(many, rng.beta(truth, 1 - truth, 40))
        for method, (lower, upper) in enumerate(
            (clustered_wilson(some, many), wilson(some.sum() / many.sum(), many.sum()))
        ):
            held[method] += lower <= truth <= upper
    assert held[0] / 600 > 0.92
    assert held[1] / 600 < 0.88
