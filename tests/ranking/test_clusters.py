"""How many clusters there are, when some are large: what variances between them are worth."""

import numpy as np
import pytest

from ranking.clusters import deal, small_sample


def test_even_groups_have_the_usual_correction():
    inflation, dof = small_sample(np.full((12, 3), 40.0))
    assert inflation == pytest.approx([12 / 11] * 3)
    assert dof == pytest.approx([11] * 3)


def test_uneven_groups_count_as_fewer_even_ones():
    # 8 votes and four times 2: 16^2 / 80 = 3.2 groups.
    inflation, dof = small_sample(np.array([[8.0], [2], [2], [2], [2]]))
    assert (inflation.item(), dof.item()) == pytest.approx((3.2 / 2.2, 2.2))


@pytest.mark.parametrize("votes", [[], [0] * 9, [5, 5, 5, 5, 0], [100, 1, 1, 1, 1, 1]])
def test_few_groups_or_nearly_one_alone_tell_nothing(votes):
    inflation, dof = small_sample(np.array(votes, float)[:, None])
    assert np.isnan(dof).tolist() == [True]
    assert np.isfinite(inflation).all()


def test_groups_are_the_clusters_while_these_are_not_too_many():
    group, n_groups, notes = deal(np.array([7, -3, 7, 40]))
    assert (group.tolist(), n_groups, notes) == ([1, 0, 1, 2], 3, ())


@pytest.mark.parametrize(
    "cluster", [[7, -3, 7, 40], [3, 1, 3, 4], ["b", "a", "b", "c"], [2.5, 0.5, 2.5, 9.0]]
)
def test_groups_are_numbered_in_order_whatever_names_them(cluster):
    assert deal(np.array(cluster))[0].tolist() == [1, 0, 1, 2]
    assert deal(np.array(cluster)[:0])[1] == 0


def test_no_range_of_numbers_overflows():
    far = np.array([2**63 - 1, -(2**63), 2**63 - 1])
    assert deal(far)[0].tolist() == [1, 0, 1]
    small = np.tile(np.arange(-128, 128).astype(np.int8), 2)
    assert np.array_equal(deal(small)[0], np.tile(np.arange(256), 2))


def test_many_clusters_are_dealt_evenly_and_stay_whole():
    cluster = np.tile(np.arange(1000), 3)
    group, n_groups, notes = deal(cluster, seed=1)
    assert np.array_equal(group[:1000], group[1000:2000])
    assert n_groups == 256
    assert set(np.bincount(group[:1000]).tolist()) == {3, 4}
    assert [(note.code, note.arguments) for note in notes] == [
        ("random_groups", {"clusters": 1000, "groups": 256})
    ]
    assert np.array_equal(group, deal(cluster, seed=1)[0])
    assert not np.array_equal(group, deal(cluster, seed=2)[0])
