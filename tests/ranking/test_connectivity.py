"""What the comparison graph identifies, and what it leaves open."""

import numpy as np

from ranking import connectivity
from ranking.connectivity import extended_order


def scores(n, *wins):
    matrix = np.zeros((n, n))
    for winner, loser in wins:
        matrix[winner, loser] += 1
    return matrix


def test_groups_without_a_vote_between_them_are_apart_largest_first():
    graph = connectivity(scores(6, (0, 1), (2, 3), (3, 4), (4, 2)))
    assert graph.component.tolist() == [1, 1, 0, 0, 0, -1]
    assert (graph.n_components, graph.comparable, graph.identifiable) == (2, False, False)
    assert graph.unvoted.tolist() == [False] * 5 + [True]
    assert graph.members(0).tolist() == [2, 3, 4]


def test_a_cycle_of_wins_is_identifiable():
    assert connectivity(scores(3, (0, 1), (1, 2), (2, 0))).identifiable


def test_the_undefeated_and_the_winless_are_named():
    graph = connectivity(scores(4, (0, 1), (1, 2), (2, 1), (2, 3)))
    assert graph.undefeated.tolist() == [True, False, False, False]
    assert graph.winless.tolist() == [False, False, False, True]
    assert not graph.identifiable


def test_no_votes_at_all():
    graph = connectivity(np.zeros((2, 2)))
    assert (graph.n_components, graph.comparable, graph.identifiable) == (0, False, False)
    assert connectivity(np.zeros((0, 0))).n_components == 0


def test_without_a_prior_models_lie_beyond_the_group_that_beat_each_other():
    # 0 beat the pair (1, 2); the pair beat 3; 4 lost to 0 alone: above or below the pair, nobody knows.
    order = extended_order(scores(5, (1, 2), (2, 1), (0, 1), (2, 3), (0, 4)))
    assert np.array_equal(order, [np.inf, 0, 0, -np.inf, np.nan], equal_nan=True)


def test_without_a_group_only_the_ends_of_a_chain_can_be_placed():
    order = extended_order(scores(3, (0, 1), (1, 2)))
    assert np.array_equal(order, [np.inf, np.nan, -np.inf], equal_nan=True)
