"""How ratings came about: Elo replayed over the judgments, in the order they were made."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from sqlmodel import Session

from app.leaderboard import replay
from app.leaderboard.charts import Axis, axis
from app.leaderboard.forms import StandingsQuery
from app.models import Project

MILESTONES = 12
# As many lines as colours tell apart; the table has every model.
LINES = 6


@dataclass(frozen=True)
class Line:
    """One model's ratings at each position; None before its first judgment. Best at the end first."""

    model: str
    ratings: tuple[float | None, ...]

    @property
    def last(self) -> float:
        """Where it stands now."""
        return self.ratings[-1] or 0.0


@dataclass(frozen=True)
class Trajectory:
    """Ratings after so many judgments."""

    positions: tuple[int, ...]
    lines: tuple[Line, ...]

    def axis(self) -> Axis:
        """One axis for the lines drawn."""
        return axis(rating for line in self.lines[:LINES] for rating in line.ratings)

    def milestones(self) -> list[tuple[int, list[float | None]]]:
        """About a dozen samples for a table, the last among them: (judgments, each line's rating)."""
        last = len(self.positions) - 1
        step = max(1, ceil(len(self.positions) / MILESTONES))
        return [
            (position, [line.ratings[i] for line in self.lines])
            for i, position in enumerate(self.positions)
            if (last - i) % step == 0
        ]


def load(session: Session, project: Project, query: StandingsQuery) -> Trajectory:
    """The trajectory, caught up with the last judgment."""
    run = replay.load(session, project, query)
    found = run.ratings()
    lines = [
        Line(name, tuple(None if np.isnan(rating) else float(rating) for rating in found[:, i]))
        for i, name in enumerate(run.models)
        if np.isfinite(found[-1:, i]).all()
    ]
    positions = tuple(mark.votes for mark in run.marks)
    return Trajectory(positions, tuple(sorted(lines, key=lambda line: -line.last)) if positions else ())


@dataclass(frozen=True)
class Drawing:
    """A chart's geometry, in its own units: the frame, ticks as (place, label), lines as paths."""

    width: int
    height: int
    left: int
    right: int
    bottom: int
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    paths: list[tuple[str, str, float]]


def draw(trajectory: Trajectory, width: int = 560, height: int = 300) -> Drawing:
    """The best models' lines; labels stand at their ends, kept apart."""
    left, right, top, bottom = 44, 130, 12, 28
    low, high, ticks = trajectory.axis()
    total = trajectory.positions[-1] if trajectory.positions else 1

    def x(position: float) -> float:
        return round(left + (width - left - right) * position / total, 1)

    def y(rating: float) -> float:
        return round(top + (height - top - bottom) * (high - rating) / (high - low), 1)

    lines = trajectory.lines[:LINES]
    ends = _apart([y(line.last) for line in lines], 15.0)
    paths = []
    for line, end in zip(lines, ends, strict=True):
        points = zip(trajectory.positions, line.ratings, strict=True)
        drawn = [f"{x(position)} {y(rating)}" for position, rating in points if rating is not None]
        paths.append((line.model, f"M{' L'.join(drawn)}", end))
    _, _, counts = axis((0.0, float(total)))
    return Drawing(
        width=width,
        height=height,
        left=left,
        right=width - right,
        bottom=height - bottom,
        x_ticks=[(x(count), f"{count:,}") for count in counts if 0 <= count <= total],
        y_ticks=[(y(tick), str(tick)) for tick in ticks],
        paths=paths,
    )


def _apart(places: list[float], gap: float) -> list[float]:
    """Places from the top down, moved so that none is nearer than the gap to the one above."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    return moved
