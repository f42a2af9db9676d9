"""What the leaderboard's page shows of standings: groups, one axis, the order asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Self

import numpy as np
from flask_babel import gettext as _
from flask_babel import ngettext
from pydantic import BaseModel, ConfigDict, Field

from app.errors import checked
from app.leaderboard import spoken
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.ranked import Row, Standings
from app.leaderboard.standings import Headline
from app.models import now

Sort = Literal["rating", "model", "wins", "ties", "losses", "judgments"]
# Slices side by side are read, not searched; the smallest are left to their own page.
MAX_SIDE_BY_SIDE = 12
# One criterion, or one group among all annotators, differs from the whole.
TELLING_ALONE = ("criterion", "group")
SPANS = (7, 30, 90)


class Arrangement(BaseModel):
    """The order of the rows, and which models are looked for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sort: Sort = "rating"
    order: Literal["descending", "ascending"] = "descending"
    q: str = Field("", max_length=200)

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> Self:
        """Read an address's arguments. Raises Invalid."""
        return checked(cls, dict(arguments))

    def arguments(self, **changes: str) -> dict[str, str]:
        """The shortest address that asks the same, or the same with changes."""
        given = {**self.model_dump(), **changes}
        default = Arrangement().model_dump()
        return {name: value for name, value in given.items() if value != default[name]}

    def turned(self, sort: Sort) -> dict[str, str]:
        """The address of a click on a column: sort by it, or turn its order."""
        again = self.sort == sort
        first = "ascending" if sort == "model" else "descending"
        other = "ascending" if self.order == "descending" else "descending"
        return self.arguments(sort=sort, order=other if again else first)


@dataclass(frozen=True)
class Group:
    """Models that can be compared with each other; None for those without votes."""

    number: int | None
    rows: list[Row]


def groups(standings: Standings, arrangement: Arrangement) -> list[Group]:
    """The rows looked for, one group for each component: never one list for two."""
    wanted = [row for row in standings.rows if arrangement.q.casefold() in row.model.casefold()]
    numbers = dict.fromkeys(row.component for row in wanted)
    return [
        Group(number if number >= 0 else None, _sorted(wanted, number, arrangement)) for number in numbers
    ]


def _sorted(rows: list[Row], component: int, arrangement: Arrangement) -> list[Row]:
    own = [row for row in rows if row.component == component]
    descending = arrangement.order == "descending"
    if arrangement.sort == "rating":
        return own if descending else own[::-1]
    return sorted(own, key=lambda row: _key(row, arrangement.sort), reverse=descending)


def _key(row: Row, sort: Sort) -> Any:
    if sort == "model":
        return row.model.casefold()
    if sort == "judgments":
        return row.counted
    return getattr(row, sort) / row.counted if row.counted else -1.0


def headline(standings: Standings, headline: Headline, query: StandingsQuery) -> str:
    """How much was judged, and by whom."""
    who = {"people": headline.people, "judges": headline.judges, "simulated": headline.simulated}
    return spoken.headline(len(standings.models), standings.votes, who, query)


@dataclass(frozen=True)
class Placed(Row):
    """A model in one slice; `stands_out` is "stronger" or "weaker" than in all other judgments, or empty."""

    stands_out: str


def best_first(placed: Mapping[str, Placed]) -> dict[str, Placed]:
    """One model in each slice, where it does best first."""
    return dict(sorted(placed.items(), key=lambda item: -(item[1].rating or -np.inf)))


def row_of(found: Standings, model: str) -> Row:
    """One model's row."""
    return next(row for row in found.rows if row.model == model)


@dataclass(frozen=True)
class Choices:
    """What the controls of a view offer: kinds of slices and their values as (value, label), and days."""

    by: list[tuple[str, str]]
    value: list[tuple[str, str]]
    days: list[tuple[str, dict[str, str]]]


def choices(known: Mapping[str, Sequence[str]], query: StandingsQuery, together: str) -> Choices:
    """Slices that have judgments; ``together`` is what choosing none of the values shows."""
    kinds = [by for by, values in known.items() if len(values) > 1 or by in (*TELLING_ALONE, query.by)]
    values = [(value, spoken.slice_value(value, query.by)) for value in known.get(query.by, ())]
    today = now().date()
    spans = [
        (
            ngettext("Last day", "Last %(num)s days", days),
            {"since": (today - timedelta(days=days - 1)).isoformat(), "until": ""},
        )
        for days in SPANS
    ]
    return Choices(
        by=[("", _("Nothing (overall)")), *((by, spoken.slice_name(by)) for by in kinds)],
        value=[("", together), *values],
        days=[(_("All time"), {"since": "", "until": ""}), *spans],
    )
