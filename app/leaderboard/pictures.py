"""Pictures for a report: SVG on white that needs no style sheet, from standings alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.leaderboard import over_time, words
from app.leaderboard.charts import axis_of
from app.leaderboard.over_time import Trajectory
from app.leaderboard.pairs import Meeting, ShareOf
from app.leaderboard.ranked import Standings
from ranking.codes import Ties

TEMPLATES = Path(__file__).parents[2] / "templates"


@dataclass(frozen=True)
class Title:
    """What a picture is of, and what is to be said of judgments that are nobody's."""

    text: str
    simulated: str = ""


@dataclass(frozen=True)
class Bar:
    """A share between 0 and 1 as it was observed, and as the ratings expect it, with bounds; None unknown.

    `counted` is how many judgments the observed share is of.
    """

    label: str
    observed: float | None
    expected: float | None
    lower: float | None
    upper: float | None
    counted: int


def bar(label: str, meeting: Meeting) -> Bar:
    """How often the first of two models is preferred."""
    return Bar(label, meeting.observed, meeting.expected, meeting.lower, meeting.upper, meeting.counted)


def standings_svg(title: Title, found: Standings) -> str:
    """Ratings with their intervals, one group of models after the other."""
    groups = [
        {"number": number if number >= 0 else None, "rows": list(rows)}
        for number, rows in groupby(found.rows, lambda row: row.component)
    ]
    return _draw("standings", title, standings=found, groups=groups, axis=axis_of(found.rows))


def matrix_svg(title: Title, rows: Sequence[Sequence[Meeting | None]], shown: ShareOf, ties: Ties) -> str:
    """Shares of wins, row against column, with their intervals and how many judgments count."""
    names = [next(cell.model for cell in row if cell) for row in rows if any(row)]
    return _draw("matrix", title, names=names, rows=rows, shown=shown, rule=words.tie_rule(ties))


def shares_svg(title: Title, subtitle: str, bars: Sequence[Bar]) -> str:
    """Shares one below the other on one axis."""
    return _draw("shares", title, subtitle=subtitle, bars=bars)


def over_time_svg(title: Title, trajectory: Trajectory) -> str:
    """The best models' lines."""
    return _draw("history", title, drawing=over_time.draw(trajectory))


def _draw(name: str, title: Title, **context: Any) -> str:
    return (
        _templates()
        .get_template(f"leaderboard/{name}.svg")
        .render(title=title.text, simulated=title.simulated, **context)
    )


@cache
def _templates() -> Environment:
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    made.filters["rank_range"] = lambda row: words.rank_range(asdict(row))
    return made
