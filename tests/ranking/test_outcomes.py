"""Votes become counts: nothing is lost, nothing is misread, and what makes no sense is refused by name."""

import numpy as np
import pytest

from benchmarks.ranking_votes import simulate
from ranking import Cells, Outcome, WinMatrix, encode_names, encode_outcomes

A, B, TIE, BOTH_BAD = Outcome


def test_outcome_words_become_their_codes():
    assert encode_outcomes(["a", "b", "tie", "both_bad"]).tolist() == [0, 1, 2, 3]
    assert [outcome.label for outcome in Outcome] == ["a", "b", "tie", "both_bad"]


@pytest.mark.parametrize("wrong", ["A", "Tie", "draw", "", None, float("nan"), 2, ["a"], "tie (bothbad)"])
def test_an_unknown_outcome_is_refused_with_its_row_and_never_a_tie(wrong):
    with pytest.raises(ValueError, match="row 1: unknown outcome"):
        encode_outcomes(["a", wrong, "tie"])


def test_names_become_codes_in_alphabetical_order():
    names, (a, b) = encode_names(["zeta", "alpha"], ["mid", "zeta"])
    assert names == ["alpha", "mid", "zeta"]
    assert (a.tolist(), b.tolist()) == ([2, 0], [1, 2])


@pytest.mark.parametrize("missing", ["", None])
def test_a_missing_name_is_refused_with_its_row(missing):
    with pytest.raises(ValueError, match="row 1: missing name"):
        encode_names(["x", missing], ["y", "x"])


def test_votes_are_counted_by_who_beat_whom():
    matrix = WinMatrix.from_votes([0, 1, 0, 2, 0], [1, 0, 1, 1, 2], [A, A, TIE, B, BOTH_BAD], 3)
    assert matrix.wins.tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert matrix.ties.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert matrix.both_bad.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert matrix.judgments.tolist() == [4, 4, 2]


def test_both_bad_is_no_silent_tie():
    matrix = WinMatrix.from_votes([0, 0, 0], [1, 1, 1], [A, TIE, BOTH_BAD], 2)
    assert matrix.half_wins().tolist() == [[0, 1.5], [0.5, 0]]
    assert matrix.half_wins(both_bad="tie").tolist() == [[0, 2], [1, 0]]
    assert matrix.half_wins(ties="drop", both_bad="tie").tolist() == [[0, 1], [0, 0]]
    assert matrix.both_bad_rate == pytest.approx([1 / 3, 1 / 3])


def test_a_model_without_judgments_has_no_both_bad_rate():
    assert np.isnan(WinMatrix.from_votes([0], [1], [A], 3).both_bad_rate[2])


def test_an_empty_slice_is_empty_and_no_error():
    matrix = WinMatrix.from_votes([], [], [], 3)
    assert matrix.judgments.tolist() == [0, 0, 0]
    assert len(Cells.from_votes([], [], [], 3, cluster=[])) == 0
    assert WinMatrix.from_votes([], [], [], 0).n_models == 0


def test_cells_and_votes_give_the_same_matrix_whatever_the_types():
    votes = simulate(5000, 12, seed=1)
    expected = WinMatrix.from_votes(votes.a, votes.b, votes.outcome, 12)
    for dtype in (np.int8, np.uint16, np.int64):
        a, b, outcome = (column.astype(dtype) for column in (votes.a, votes.b, votes.outcome))
        cells = Cells.from_votes(a, b, outcome, 12, cluster=votes.annotator)
        assert np.array_equal(WinMatrix.from_cells(cells).wins, expected.wins)
        assert np.array_equal(WinMatrix.from_cells(cells).ties, expected.ties)


def test_cells_keep_votes_apart_by_cluster():
    cells = Cells.from_votes([0, 0, 0], [1, 1, 1], [A, A, A], 2, cluster=[7, -3, 7])
    assert dict(zip(cells.cluster.tolist(), cells.n_votes.tolist(), strict=True)) == {-3: 1.0, 7: 2.0}


def test_keys_do_not_overflow_small_integers():
    # 300 * 300 * 4 is beyond int16, as is 300 * 4 beyond int8: both would fold cells onto each other.
    a, b = np.array([299, 298], np.int16), np.array([0, 299], np.int16)
    wins = WinMatrix.from_votes(a, b, np.array([A, B], np.uint8), 300).wins
    assert (wins[299, 0], wins[299, 298], wins.sum()) == (1, 1, 2)


def test_keys_do_not_overflow_with_many_models_and_clusters():
    # 40,000 models in 5 clusters: 3.2e10 possible cells, beyond int32, counted by sorting.
    a, b, cluster = np.array([39_999, 39_999, 5]), np.array([39_998, 39_998, 6]), np.array([4, 4, 1])
    cells = Cells.from_votes(a, b, [A, A, TIE], 40_000, cluster=cluster)
    assert sorted(zip(*cells.by_outcome(), strict=True)) == [
        (5, 6, TIE, 1, 1),
        (39_999, 39_998, A, 2, 4),
    ]


def test_too_many_cells_to_number_are_refused():
    with pytest.raises(ValueError, match="too many cells"):
        Cells.from_votes([0], [1], [A], 2_000_000_000)


def test_sorted_and_dense_counting_agree(monkeypatch):
    votes = simulate(3000, 9, seed=2)
    weight = np.linspace(0, 2, 3000)
    dense = Cells.from_votes(votes.a, votes.b, votes.outcome, 9, cluster=votes.annotator, weight=weight)
    monkeypatch.setattr("ranking.outcomes._DENSE_LIMIT", 10)
    sparse = Cells.from_votes(votes.a, votes.b, votes.outcome, 9, cluster=votes.annotator, weight=weight)
    for column in ("left", "right", "cluster", "counts"):
        assert np.allclose(getattr(dense, column), getattr(sparse, column))


def test_integer_weights_are_repetition():
    weighted = WinMatrix.from_votes([0, 1], [1, 2], [A, TIE], 3, weight=[3, 2])
    repeated = WinMatrix.from_votes([0, 0, 0, 1, 1], [1, 1, 1, 2, 2], [A, A, A, TIE, TIE], 3)
    assert np.array_equal(weighted.half_wins(), repeated.half_wins())


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0])
def test_weights_that_are_no_weights_are_refused(weight):
    with pytest.raises(ValueError, match="row 1: weight"):
        WinMatrix.from_votes([0, 0], [1, 1], [A, A], 2, weight=[1.0, weight])
    with pytest.raises(ValueError, match="row 0: count of tie"):
        Cells([0], [1], [[1], [1], [weight], [0]], 2)


@pytest.mark.parametrize("clusters", [None, [1, 2, 3]])
def test_a_self_pair_is_refused_with_its_row(clusters):
    with pytest.raises(ValueError, match="row 2: model 1 is compared with itself"):
        Cells.from_votes([0, 1, 1], [1, 0, 1], [A, A, A], 2, cluster=clusters)
    with pytest.raises(ValueError, match="row 2: model 1 is compared with itself"):
        WinMatrix.from_votes([0, 1, 1], [1, 0, 1], [A, A, A], 2)


@pytest.mark.parametrize(
    ("a", "b", "outcome", "message"),
    [
        ([0, 2], [1, 1], [A, A], "row 1: a: model code 2 is outside 0..1"),
        ([0, 0], [1, -1], [A, A], "row 1: b: model code -1"),
        ([0, 0], [1, 1], [A, 4], "row 1: outcome code 4"),
        ([0, 0], [1], [A, A], "b: "),
        ([0.0], [1], [A], "a: expected integer codes"),
        ([0], [1], ["a"], r"encode_outcomes"),
        ([0], [1], [True], "outcome: expected integer codes"),
        ([0, None], [1, 1], [A, A], "a: expected integer codes"),
    ],
)
def test_codes_that_mean_nothing_are_refused(a, b, outcome, message):
    with pytest.raises(ValueError, match=message):
        WinMatrix.from_votes(a, b, outcome, 2)


def test_one_model_or_none_is_no_ranking():
    with pytest.raises(ValueError, match="row 0: model 0 is compared with itself"):
        WinMatrix.from_votes([0] * 1000, [0] * 1000, [A] * 1000, 1)
    with pytest.raises(ValueError, match="n_models: -1"):
        WinMatrix.from_votes([], [], [], -1)


@pytest.mark.parametrize(
    ("wins", "ties", "message"),
    [
        ([[0, 1]], None, "wins: expected shape"),
        ([[0, -1], [0, 0]], None, "wins: counts must be"),
        ([[0, np.nan], [0, 0]], None, "wins: counts must be"),
        ([[0, 1], [0, 2]], None, "wins: model 1 is compared with itself"),
        ([[0, 1], [0, 0]], [[0, 1], [0, 0]], "ties: must be symmetric"),
    ],
)
def test_a_matrix_that_is_none_is_refused(wins, ties, message):
    with pytest.raises(ValueError, match=message):
        WinMatrix.from_wins(wins, ties)


def test_results_cannot_be_changed_behind_ones_back():
    matrix = WinMatrix.from_wins([[0.0, 1.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="read-only"):
        matrix.wins[0, 1] = 5


def test_select_keeps_the_votes_among_some():
    matrix = WinMatrix.from_votes([0, 1, 2], [1, 2, 0], [A, A, TIE], 3).select([2, 0])
    assert (matrix.wins.sum(), matrix.ties.tolist()) == (0, [[0, 1], [1, 0]])


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="ties: 'quarter' is not one of half"):
        WinMatrix.from_wins([[0, 1], [0, 0]]).half_wins(ties="quarter")
