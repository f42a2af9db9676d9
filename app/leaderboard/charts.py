"""Geometry of the charts; templates draw them."""

from collections.abc import Iterable
from math import ceil, floor, log10

from app.leaderboard.ranked import Row

Axis = tuple[float, float, list[int | float]]


def axis(values: Iterable[float | None], ticks: int = 5) -> Axis:
    """(lowest, highest, round ticks between) that holds all values with a little room."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = 0.04 * (high - low) or 10.0
    low, high = low - room, high + room
    step = _round_step((high - low) / ticks)
    places = [round(step * i, 10) for i in range(ceil(low / step), floor(high / step) + 1)]
    return low, high, [int(place) if place == int(place) else place for place in places]


def axis_of(rows: Iterable[Row]) -> Axis:
    """One axis for the ratings of all rows, so that the eye compares them."""
    return axis(value for row in rows for value in (row.lower, row.rating, row.upper))


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, 20, 25, 50, … that is not smaller."""
    power = 10.0 ** floor(log10(rough))
    # A quarter of ten is no whole number.
    digits = (1, 2, 2.5, 5, 10) if power >= 10 else (1, 2, 5, 10)
    return next(power * digit for digit in digits if power * digit >= rough)
