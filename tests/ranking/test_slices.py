"""Where a model stands elsewhere than in other votes: found where it does, seldom where it does not."""

import numpy as np
import pytest

from benchmarks import slice_marks
from benchmarks.ranking_votes import Votes, simulate
from ranking import Cells, fit
from ranking.slices import difference, discoveries


def split(votes, inside):
    """(fit of all, cells of those inside, cells of the others)."""
    sides = (
        Cells.from_votes(*(c[rows] for c in (votes.a, votes.b, votes.outcome)), votes.n_models, cluster=who)
        for rows, who in ((rows, votes.annotator[rows]) for rows in (inside, ~inside))
    )
    return fit(votes.matrix()), *sides


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(slice_marks.nothing(600, 4, 3, annotators=8), id="few annotators"),
        pytest.param(
            slice_marks.nothing(1500, 6, 4, annotators=30, uneven=1.0, spread=2.0), id="uneven ones"
        ),
        pytest.param(slice_marks.nothing_by_prompt(60, 4), id="the same prompts"),
    ],
)
def test_where_nothing_differs_a_mark_is_seldom_seen(trial):
    assert slice_marks.falsely(trial, 60, seed=1) <= 0.05


def test_a_model_that_wins_all_in_one_slice_is_marked():
    found = slice_marks.found(
        slice_marks.SOMETHING["better by 6 logits in a third of 1800 votes of 30 annotators"], 10, 1
    )
    assert found == 1


def test_of_independent_votes_it_is_the_usual_score_test():
    # Two models, each vote its own cluster: the test of two shares with the pooled variance.
    rng = np.random.default_rng(2)
    outcome = (rng.random(400) < np.repeat([0.3, 0.5], 200)).astype(np.uint8)
    zeros = np.zeros(400, np.int16)
    votes = Votes(zeros, zeros + 1, outcome, np.arange(400), np.zeros(2))
    inside = np.arange(400) < 200
    found = difference(*split(votes, inside))
    won = np.array([np.sum(outcome[inside] == 0), np.sum(outcome[~inside] == 0)]) / 200
    pooled = won.mean()
    usual = (won[0] - won[1]) / np.sqrt(pooled * (1 - pooled) * 2 / 200)
    assert found.logit[0] / found.least[0] == pytest.approx(usual, rel=0.01)
    assert found.se == pytest.approx(found.least, rel=0.1)
    assert found.logit.sum() == pytest.approx(0)


def test_a_taste_that_is_in_both_is_no_difference():
    votes = simulate(4000, 5, seed=3, annotators=10, taste=2.0)
    rng = np.random.default_rng(4)
    fitted, some, others = split(votes, rng.random(4000) < 0.5)
    together = difference(fitted, some, others).se
    other_people = Cells(others.left, others.right, others.counts, 5, np.asarray(others.cluster) + 10)
    assert (together < difference(fitted, some, other_people).se / 2).all()


def test_what_cannot_be_told_is_not():
    votes = simulate(600, 4, seed=5, annotators=8)
    inside = np.arange(600) % 2 == 0
    # Four annotators inside, and model 3 never met there.
    few = inside & (votes.annotator < 4)
    assert np.isnan(difference(*split(votes, few)).p_value).all()
    apart = inside & (votes.a != 3) & (votes.b != 3)
    assert np.isnan(difference(*split(votes, apart)).p_value).all()
    assert np.isfinite(difference(*split(votes, inside)).p_value).all()
    hardly = np.isin(np.arange(600), np.flatnonzero(inside)[:40])
    assert np.isnan(difference(*split(votes, hardly)).p_value).any()


def test_cells_of_others_are_refused():
    votes = simulate(100, 3, seed=6)
    fitted, some, others = split(votes, np.arange(100) < 50)
    bare = Cells(some.left, some.right, some.counts, 3)
    for wrong in (bare, simulate(100, 4, seed=7).cells()):
        with pytest.raises(ValueError, match="cells"):
            difference(fitted, wrong, others)


def test_the_others_may_be_given_with_those_among_them():
    votes = simulate(2000, 4, seed=8, annotators=9)
    fitted, some, others = split(votes, np.arange(2000) % 3 == 0)
    apart, within = difference(fitted, some, others), difference(fitted, some, votes.cells(), contained=True)
    for name in ("logit", "se", "dof", "least"):
        assert getattr(within, name) == pytest.approx(getattr(apart, name))
    # A vote that came between two countings leaves no debt.
    assert np.isnan(difference(fitted, votes.cells(), some, contained=True).p_value).all()


def test_discoveries_are_those_of_benjamini_and_hochberg():
    # Their example of 15 p-values, of which four stand (1995, section 4.1).
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    published += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    found = discoveries([[*published, np.nan]])
    assert found.tolist() == [[True] * 4 + [False] * 12]
    assert not discoveries([np.nan]).any()
