"""Simulated annotators judge at moments as people do."""

import random
from itertools import chain

from app.demo.simulation import JUDGE, READERS, moments


def test_no_two_judgments_are_of_one_moment() -> None:
    """Elo goes by time: of two at once none is the later."""
    chance = random.Random(7)
    found = [moments(one.judgments, chance) for one in (*READERS, JUDGE)]
    assert all(mine == sorted(mine) for mine in found)
    everybodys = list(chain.from_iterable(found))
    assert len(set(everybodys)) == len(everybodys) == 680
