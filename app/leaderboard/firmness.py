"""How firm an order is: how few judgments hold it."""

from dataclasses import dataclass
from itertools import pairwise

from app.leaderboard.ranked import Standings
from ranking.fragility import Fragility, fragility, fragility_of_top

# Each search refits the ratings some ten times; places below are seldom what one came for.
MOST_NEIGHBOURS = 10


@dataclass(frozen=True)
class Hold:
    """The fewest judgments found without which `challenger` would stand above `leader`; None: none found."""

    leader: str
    challenger: str
    needed: int | None
    judgments: int

    @property
    def share(self) -> float | None:
        """Of all judgments that count."""
        return None if self.needed is None else self.needed / self.judgments


@dataclass(frozen=True)
class Firmness:
    """What holds the first place against anybody, and each of the first places against the next.

    Of the largest group of models that were compared; None and empty where it has not two.
    """

    top: Hold | None
    neighbours: tuple[Hold, ...]


def firmness(found: Standings) -> Firmness:
    """How few judgments hold an order by Bradley-Terry."""
    order = [
        found.models.index(row.model) for row in found.rows if row.component == 0 and row.rating is not None
    ]
    if found.fit is None or len(order) < 2:
        return Firmness(None, ())
    neighbours = [fragility(found.fit, *pair) for pair in pairwise(order[: MOST_NEIGHBOURS + 1])]
    return Firmness(_hold(found, fragility_of_top(found.fit)), tuple(_hold(found, one) for one in neighbours))


def _hold(standings: Standings, found: Fragility) -> Hold:
    leader, challenger = (standings.models[code] for code in (found.leader, found.challenger))
    return Hold(leader, challenger, found.needed, round(found.votes))
