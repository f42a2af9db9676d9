"""How ratings came about: Elo replayed over the judgments, in the order they were made."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from app.leaderboard.charts import Axis, axis

MILESTONES = 12
# A trajectory has up to so many samples on the way; then every second one goes.
MOST_MARKS = 120
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


def marks(votes: int) -> list[int]:
    """After how many votes a trajectory of so many is sampled; the last is the end."""
    step = 1
    while votes // step > MOST_MARKS:
        step *= 2
    return [*range(step, votes, step), *([votes] if votes else [])]


def trajectory(models: Sequence[str], positions: Sequence[int], ratings: NDArray[np.float64]) -> Trajectory:
    """Of ratings (positions, models), NaN before a model's first judgment."""
    lines = [
        Line(name, tuple(None if np.isnan(rating) else float(rating) for rating in ratings[:, i]))
        for i, name in enumerate(models)
        if len(positions) and np.isfinite(ratings[-1, i])
    ]
    return Trajectory(tuple(positions), tuple(sorted(lines, key=lambda line: -line.last)))


@dataclass(frozen=True)
class Size:
    """A chart's frame in its own units; where there is no room beside it, the labels stand below."""

    width: int
    height: int
    right: int
    left: int = 44
    top: int = 12
    bottom: int = 28
    below: bool = False


# As a page of each width shows it, so that its letters are about as large as the page's.
WIDE = Size(1120, 400, right=150)
MIDDLE = Size(560, 300, right=130)
SMALL = Size(340, 330, right=10, bottom=100, below=True)
SIZES = {"small": SMALL, "wide": WIDE, "narrow": MIDDLE}


@dataclass(frozen=True)
class Drawing:
    """A chart's geometry: the frame, ticks as (place, label), and lines.

    A line is its model, its path, and where its label stands.
    """

    width: int
    height: int
    left: int
    right: int
    bottom: int
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    paths: list[tuple[str, str, float, float]]


def draw(trajectory: Trajectory, size: Size = MIDDLE) -> Drawing:
    """The best models' lines; labels stand at their ends, kept apart, or in two columns below."""
    low, high, ticks = trajectory.axis()
    total = trajectory.positions[-1] if trajectory.positions else 1
    right, bottom = size.width - size.right, size.height - size.bottom

    def x(position: float) -> float:
        return round(size.left + (right - size.left) * position / total, 1)

    def y(rating: float) -> float:
        return round(size.top + (bottom - size.top) * (high - rating) / (high - low), 1)

    lines = trajectory.lines[:LINES]
    ends = [(right + 8.0, place) for place in _apart([y(line.last) for line in lines], 15.0)]
    below = [(size.left + 150.0 * (i % 2), bottom + 44.0 + 20 * (i // 2)) for i in range(len(lines))]
    paths = []
    for line, label in zip(lines, below if size.below else ends, strict=True):
        points = zip(trajectory.positions, line.ratings, strict=True)
        drawn = [f"{x(position)} {y(rating)}" for position, rating in points if rating is not None]
        # A line of one place is a dot.
        paths.append((line.model, f"M{' L'.join(drawn)} h0", *label))
    _, _, counts = axis((0.0, float(total)), 3 if size.below else 5)
    return Drawing(
        width=size.width,
        height=size.height,
        left=size.left,
        right=right,
        bottom=bottom,
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
