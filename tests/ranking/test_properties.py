"""What must hold for any votes at all."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ranking import Cells, Outcome, WinMatrix, connectivity, fit, intervals, rank_ranges

FLIPPED = np.array([Outcome.B, Outcome.A, Outcome.TIE, Outcome.BOTH_BAD])
MODELS = 5

pairs = st.tuples(st.integers(0, MODELS - 1), st.integers(1, MODELS - 1)).map(
    lambda p: (p[0], (p[0] + p[1]) % MODELS)
)
any_votes = st.lists(st.tuples(pairs, st.sampled_from(Outcome)), max_size=40).map(
    lambda votes: np.array([(a, b, outcome) for (a, b), outcome in votes], int).reshape(-1, 3)
)
policies = st.fixed_dictionaries(
    {
        "ties": st.sampled_from(["half", "drop", "davidson"]),
        "both_bad": st.sampled_from(["exclude", "tie"]),
        "prior": st.sampled_from(["firth", "none"]),
    }
)


def rate(votes, **policy):
    return fit(WinMatrix.from_votes(*votes.T, MODELS), **policy)


@given(any_votes, policies)
@example(
    np.array([[0, 1, 0], [1, 2, 2], [1, 2, 2], [1, 3, 2]]),
    {"ties": "half", "both_bad": "exclude", "prior": "none"},
)
@settings(deadline=None, max_examples=150)
def test_any_votes_get_ratings_or_a_reason_why_not(votes, policy):
    result = rate(votes, **policy)
    found = intervals(result)
    silent = {model for note in result.notes for model in note.arguments.get("models", [])}
    assert set(np.flatnonzero(~np.isfinite(result.theta)).tolist()) <= silent
    assert np.all(found.se[np.isfinite(found.se)] >= 0)
    assert np.array_equal(np.isfinite(found.se), np.isfinite(result.theta))
    tied = [note.arguments["models"] for note in result.notes if note.code == "ties_alone"]
    if policy["prior"] == "firth":
        voted = set(np.flatnonzero(result.component >= 0).tolist())
        assert set(np.flatnonzero(np.isfinite(result.theta)).tolist()) == voted.difference(*tied)
    rank_ranges(found)


@given(any_votes, policies)
@settings(deadline=None, max_examples=60)
def test_swapping_the_sides_everywhere_changes_nothing(votes, policy):
    a, b, outcome = votes.T
    swapped = np.column_stack([b, a, FLIPPED[outcome]])
    assert np.array_equal(rate(votes, **policy).theta, rate(swapped, **policy).theta, equal_nan=True)


@given(any_votes, policies)
@settings(deadline=None, max_examples=60)
def test_flipping_every_outcome_turns_the_order_round(votes, policy):
    a, b, outcome = votes.T
    flipped = np.column_stack([a, b, FLIPPED[outcome]])
    straight, turned = rate(votes, **policy).theta, rate(flipped, **policy).theta
    assert np.allclose(straight, -turned, atol=1e-6, equal_nan=True)


@given(any_votes, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_rows_and_the_numbering_of_models_do_not_matter(votes, random):
    rows = random.sample(range(len(votes)), len(votes))
    code = np.array(random.sample(range(MODELS), MODELS))
    renamed = np.column_stack([code[votes[:, 0]], code[votes[:, 1]], votes[:, 2]])[rows]
    assert np.allclose(rate(votes).theta, rate(renamed).theta[code], atol=1e-7, equal_nan=True)


@given(any_votes, st.data())
@settings(deadline=None, max_examples=60)
def test_tallies_kept_by_edits_equal_a_recount(votes, data):
    """Edit, undo and exclusion are a tally less one and a tally more one: the sum is what a recount finds."""
    gone = data.draw(st.sets(st.integers(0, max(len(votes) - 1, 0)), max_size=len(votes)))
    kept = np.array([row not in gone for row in range(len(votes))], bool)
    tally = np.zeros((MODELS, MODELS, len(Outcome)))
    for a, b, outcome in votes.tolist():
        tally[a, b, outcome] += 1
    for a, b, outcome in votes[~kept].tolist():
        tally[a, b, outcome] -= 1
    a, b = np.nonzero(tally.any(axis=2))
    from_tally = WinMatrix.from_cells(Cells(a, b, tally[a, b].T, MODELS))
    recount = WinMatrix.from_votes(*votes[kept].T, MODELS)
    assert np.array_equal(from_tally.wins, recount.wins)
    assert np.array_equal(from_tally.ties, recount.ties)
    assert np.array_equal(from_tally.both_bad, recount.both_bad)


@given(any_votes)
@settings(deadline=None, max_examples=60)
def test_maximum_likelihood_is_finite_exactly_when_the_graph_says_so(votes):
    matrix = WinMatrix.from_votes(*votes.T, MODELS)
    graph = connectivity(matrix.half_wins())
    theta = fit(matrix, prior="none").theta[~graph.unvoted]
    if graph.comparable:
        assert graph.identifiable == bool(np.isfinite(theta).all())
