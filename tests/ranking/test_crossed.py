"""What votes on the same prompts add to the variance between annotators."""

import numpy as np
import pytest

from benchmarks.ranking_votes import simulate, simulate_prompts
from ranking import Cells, WinMatrix, crossed, fit, intervals


def shared(**options):
    votes, prompt = simulate_prompts(120, 5, seed=4, **options)
    return fit(votes.matrix()), (votes.a, votes.b, votes.outcome), prompt, votes.annotator


def by_the_book(fitted, columns, item, annotator):
    """Cameron, Gelbach & Miller's three outer products, vote by vote, as their traces' share."""
    expected = fitted.win_probability()
    sums = {"item": {}, "both": {}, "vote": {}}
    for n, (a, b, outcome) in enumerate(zip(*columns, strict=True)):
        gradient = np.zeros(fitted.n_models)
        surplus = (1.0, 0.0, 0.5)[outcome] - expected[a, b]
        gradient[a], gradient[b] = surplus, -surplus
        for kind, key in (("item", item[n]), ("both", (item[n], annotator[n])), ("vote", n)):
            sums[kind][key] = sums[kind].get(key, 0) + gradient
    trace = {kind: sum(g @ g for g in found.values()) for kind, found in sums.items()}
    return 120 / 119 * (trace["item"] - trace["both"]) / trace["vote"]


def test_the_share_is_what_the_sums_by_hand_give():
    fitted, columns, prompt, annotator = shared(pairs=3, each=2, quality=1.0)
    found = crossed(fitted, *columns, prompt, annotator)
    assert found.excess == pytest.approx(by_the_book(fitted, columns, prompt, annotator))
    assert found.items == 120


def test_the_more_models_and_the_more_alike_the_items_the_surer_is_the_share():
    fitted, columns, prompt, annotator = shared(pairs=3, each=2)
    even = crossed(fitted, *columns, prompt, annotator)
    # All models tell of it: far more than one degree of freedom a prompt, and no more than one each.
    assert 119 < even.dof <= 119 * 4
    uneven = crossed(fitted, *columns, np.where(prompt < 60, 0, prompt), annotator)
    assert uneven.dof < 20


def test_without_annotators_each_vote_is_somebody_elses():
    fitted, columns, prompt, _ = shared()
    alone = np.arange(len(prompt))
    assert crossed(fitted, *columns, prompt) == crossed(fitted, *columns, prompt, alone)


def test_one_vote_an_item_adds_nothing():
    votes = simulate(500, 5, seed=1)
    fitted = fit(votes.matrix())
    found = crossed(fitted, votes.a, votes.b, votes.outcome, np.arange(500), votes.annotator)
    assert found.excess == 0
    plain, same = (intervals(fitted, votes.cells(), crossed=x) for x in (None, found))
    assert np.array_equal(plain.se, same.se)


def test_items_widen_intervals_by_their_share_of_independent_variance():
    fitted, columns, prompt, annotator = shared()
    cells = Cells.from_votes(*columns, 5, cluster=annotator)
    found = crossed(fitted, *columns, prompt, annotator)
    assert found.excess > 0.2
    wide, narrow, plain = (
        intervals(fitted, cells, crossed=found),
        intervals(fitted, cells),
        intervals(fitted),
    )
    assert wide.covariance == pytest.approx(narrow.covariance + found.excess * plain.covariance)
    assert (wide.dof <= narrow.dof).all()


def test_a_random_part_of_the_prompts_tells_the_share():
    votes, prompt = simulate_prompts(4000, 5, seed=2)
    fitted, some = fit(votes.matrix()), prompt < 1000
    whole = crossed(fitted, votes.a, votes.b, votes.outcome, prompt, votes.annotator)
    part = crossed(
        fitted, *(column[some] for column in (votes.a, votes.b, votes.outcome, prompt, votes.annotator))
    )
    assert part.excess == pytest.approx(whole.excess, abs=0.1)


@pytest.mark.parametrize("ties", ["half", "drop", "davidson"])
def test_votes_that_do_not_count_play_no_part(ties):
    rng = np.random.default_rng(3)
    a, b, prompt = rng.integers(0, 2, 400), rng.integers(2, 5, 400), np.repeat(np.arange(100), 4)
    outcome = rng.integers(0, 4, 400)
    fitted = fit(WinMatrix.from_votes(a, b, outcome, 5), ties=ties)
    counted = outcome != 3 if ties != "drop" else outcome < 2
    found = crossed(fitted, a, b, outcome, prompt)
    assert found == crossed(fitted, *(column[counted] for column in (a, b, outcome, prompt)))


def test_too_few_prompts_tell_nothing_and_change_nothing():
    fitted, columns, prompt, annotator = shared()
    found = crossed(fitted, *columns, prompt % 4, annotator)
    assert not found.known
    assert np.isnan(found.excess)
    cells = Cells.from_votes(*columns, 5, cluster=annotator)
    assert np.array_equal(intervals(fitted, cells, crossed=found).se, intervals(fitted, cells).se)


def test_no_votes_and_all_ties_are_no_error():
    nothing = np.zeros(0, int)
    none = fit(WinMatrix.from_wins(np.zeros((3, 3))))
    assert not crossed(none, nothing, nothing, nothing, nothing).known
    a, b, tie = np.zeros(30, int), np.ones(30, int), np.full(30, 2)
    assert crossed(fit(WinMatrix.from_votes(a, b, tie, 2)), a, b, tie, np.arange(30) // 2).excess == 0


def test_bad_columns_are_refused():
    fitted, columns, prompt, annotator = shared()
    with pytest.raises(ValueError, match="item"):
        crossed(fitted, *columns, prompt[1:], annotator)
    with pytest.raises(ValueError, match="annotator"):
        crossed(fitted, *columns, prompt, annotator[1:])
    with pytest.raises(ValueError, match="fisher"):
        intervals(fitted, kind="fisher", crossed=crossed(fitted, *columns, prompt))
