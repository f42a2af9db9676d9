"""Arrays as every module here takes them, and what is refused at the door."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Mask = NDArray[np.bool_]


def summed(values: ArrayLike, index: NDArray[Any], *shape: int) -> Floats:
    """Sums of the values with the same flat index, as an array of that shape."""
    return np.asarray(np.bincount(index, np.asarray(values), prod(shape)), np.float64).reshape(shape)


def integers(values: ArrayLike, name: str) -> NDArray[Any]:
    """A one-dimensional column of integer codes. Raises ValueError for any other."""
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        return array.astype(np.intp)
    if array.dtype.kind not in "iu":
        hint = "; encode_outcomes() turns words into codes" if name == "outcome" else ""
        raise ValueError(f"{name}: expected integer codes, got {array.dtype}{hint}")
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got {array.ndim}")
    return array


def frozen(values: ArrayLike, dtype: type | None = None) -> NDArray[Any]:
    """A view that cannot be written to."""
    view: NDArray[Any] = np.asarray(values, dtype).view()
    view.flags.writeable = False
    return view


def check_range(codes: NDArray[Any], bound: int, what: str, first_row: int = 0) -> None:
    """Raises ValueError with the first row whose code is not one of 0..bound - 1."""
    # Seen as unsigned, a negative code is a huge one: one comparison finds both faults.
    unsigned = codes.view(f"u{codes.dtype.itemsize}")
    if len(codes) and unsigned.max() >= bound:
        row = int(np.argmax(unsigned >= bound))
        raise ValueError(f"row {first_row + row}: {what} {codes[row]} is outside 0..{bound - 1}")


def check_weights(weights: NDArray[Any], name: str) -> None:
    """Raises ValueError with the first row that is negative or not finite."""
    if weights.dtype.kind == "u":
        return
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"row {row}: {name} {weights[row]} is not a finite number of at least 0")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises ValueError for a value that is none of the choices."""
    if value not in choices:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(choices)}")
