"""Votes aggregated: cells, and the win matrix every method starts from.

A vote is (a, b, outcome): two models, as integer codes 0..n_models-1, and what was said of them. Which of
the two stood on the left of the screen is no business of this module: swapping a and b and flipping the
outcome is the same vote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, Ints, Mask, check_choice, check_range, check_weights, frozen, integers
from ranking.codes import BothBad, Outcome, Ties

# 32k votes keep the packed keys and a 100-model counter within the second-level cache.
_CHUNK = 1 << 15
# Above this many possible cells (128 MB of counters) keys are sorted instead of counted in place.
_DENSE_LIMIT = 1 << 24


@dataclass(frozen=True, eq=False)
class Cells:
    """Votes aggregated by (left, right[, cluster]): one row per cell, n of them.

    `left` and `right` (n,) are model codes, `counts` (4, n) how many votes said each `Outcome` of the pair (a
    frequency: fractions are allowed, 2.0 means the same vote twice), `cluster` (n,) any integer that names
    who or what the votes share (annotator, prompt, ...). Rows of a tally table can be given as they are, and
    stay in their types: many are read sooner in narrow ones. Cells that occur twice add up. Raises ValueError
    for self-pairs, codes out of range, and counts that are negative or not finite.
    """

    left: NDArray[np.integer[Any]]
    right: NDArray[np.integer[Any]]
    counts: NDArray[Any]
    n_models: int
    cluster: NDArray[np.integer[Any]] | None = None

    def __post_init__(self) -> None:
        for name in ("left", "right") + (() if self.cluster is None else ("cluster",)):
            object.__setattr__(self, name, frozen(integers(getattr(self, name), name)))
        object.__setattr__(self, "counts", frozen(self.counts))
        self._check()

    def _check(self) -> None:
        n = len(self.left)
        columns = [self.right] + ([] if self.cluster is None else [self.cluster])
        if any(column.shape != (n,) for column in columns):
            raise ValueError("cells need one-dimensional columns of one length")
        if self.counts.shape != (len(Outcome), n) or self.counts.dtype.kind not in "iuf":
            expected = f"expected numbers of shape {(len(Outcome), n)}"
            raise ValueError(f"counts: {expected}, got {self.counts.dtype} of {self.counts.shape}")
        check_range(self.left, self.n_models, "left: model code")
        check_range(self.right, self.n_models, "right: model code")
        for outcome in Outcome:
            check_weights(self.counts[outcome], f"count of {outcome.label}")
        _check_self_pairs(self.left, self.right)

    def __len__(self) -> int:
        return len(self.left)

    @property
    def n_votes(self) -> Floats:
        """(n,) votes in each cell, whatever they said."""
        return np.asarray(self.counts.sum(axis=0))

    def where(self, rows: Mask) -> Cells:
        """Some of the cells."""
        cluster = None if self.cluster is None else self.cluster[rows]
        return Cells(self.left[rows], self.right[rows], self.counts[:, rows], self.n_models, cluster)

    def by_outcome(self) -> tuple[Ints, Ints, Ints, Floats, Ints | None]:
        """(left, right, outcome, count, cluster): columns with a row for each outcome that a cell has."""
        outcome, row = np.nonzero(self.counts)
        cluster = None if self.cluster is None else self.cluster[row].astype(np.intp)
        left, right = self.left[row].astype(np.intp), self.right[row].astype(np.intp)
        return left, right, outcome, self.counts[outcome, row].astype(np.float64), cluster

    def chunks(self, size: int) -> Iterator[tuple[slice, Ints, Ints]]:
        """(rows, left, right) of a cache's worth of cells at a time, or of `size` for sums of so many.

        The sums are not to be swept more often than the cells are read.
        """
        step = max(_CHUNK, size)
        for start in range(0, len(self), step):
            rows = slice(start, start + step)
            left, right = (side[rows].astype(np.intp, copy=False) for side in (self.left, self.right))
            yield rows, left, right

    @classmethod
    def from_votes(
        cls,
        a: ArrayLike,
        b: ArrayLike,
        outcome: ArrayLike,
        n_models: int,
        *,
        cluster: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Self:
        """Aggregate votes given as (n,) integer columns; `weight` repeats a vote (2 is twice, 0 is never)."""
        votes = _Votes.check(a, b, outcome, n_models, weight)
        clusters, codes = None, None
        if cluster is not None:
            clusters, codes = np.unique(integers(cluster, "cluster"), return_inverse=True)
            votes.check_length(codes, "cluster")
        keys, count = votes.count(codes, 1 if clusters is None else len(clusters))
        cell, outcome = np.divmod(keys, len(Outcome))
        first = np.ones(len(cell), bool)
        first[1:] = cell[1:] != cell[:-1]
        rest, right = np.divmod(cell[first], max(n_models, 1))
        group, left = np.divmod(rest, max(n_models, 1))
        if np.any(left == right):
            _check_self_pairs(votes.a, votes.b)
        counts = np.zeros((len(Outcome), len(left)))
        counts[outcome, np.cumsum(first) - 1] = count
        return cls(left, right, counts, n_models, None if clusters is None else clusters[group])


@dataclass(frozen=True, eq=False)
class WinMatrix:
    """How often each model beat, tied with, and was called as bad as each other: three (M, M) arrays.

    `wins[i, j]` counts the votes that preferred i to j; `ties` and `both_bad` are symmetric and count each
    vote once in either triangle. Raises ValueError when a matrix is not square, not finite, negative, not
    symmetric where it must be, or has self-pairs on its diagonal.
    """

    wins: Floats
    ties: Floats
    both_bad: Floats

    def __post_init__(self) -> None:
        for name in ("wins", "ties", "both_bad"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
        for name in ("wins", "ties", "both_bad"):
            _check_matrix(getattr(self, name), len(self.wins), name, symmetric=name != "wins")

    @property
    def n_models(self) -> int:
        return len(self.wins)

    @property
    def judgments(self) -> Floats:
        """Votes each model took part in, whatever was said: shape (M,)."""
        return np.asarray((self.wins + self.wins.T + self.ties + self.both_bad).sum(axis=1))

    @property
    def both_bad_rate(self) -> Floats:
        """Share of a model's judgments that called both responses bad: shape (M,), NaN without judgments."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.both_bad.sum(axis=1) / self.judgments)

    @classmethod
    def from_wins(
        cls, wins: ArrayLike, ties: ArrayLike | None = None, both_bad: ArrayLike | None = None
    ) -> Self:
        """From (M, M) counts; what is not given is zero."""
        beat = np.asarray(wins, np.float64)
        empty = np.zeros_like(beat)
        return cls(
            beat,
            empty if ties is None else np.asarray(ties, np.float64),
            empty if both_bad is None else np.asarray(both_bad, np.float64),
        )

    @classmethod
    def from_cells(cls, cells: Cells) -> Self:
        M = cells.n_models
        counts = np.zeros((len(Outcome), M * M))
        for rows, left, right in cells.chunks(M * M):
            pair = left * M + right
            for total, votes in zip(counts, cells.counts[:, rows], strict=True):
                if votes.any():  # hardly anybody calls both bad
                    total += np.bincount(pair, votes, M * M)
        return cls._fold(counts.reshape(len(Outcome), M, M))

    @classmethod
    def from_votes(
        cls,
        a: ArrayLike,
        b: ArrayLike,
        outcome: ArrayLike,
        n_models: int,
        *,
        weight: ArrayLike | None = None,
    ) -> Self:
        """From votes given as (n,) integer columns: the same as by way of `Cells`, without making them."""
        if len(Outcome) * n_models * n_models > _DENSE_LIMIT:
            return cls.from_cells(Cells.from_votes(a, b, outcome, n_models, weight=weight))
        votes = _Votes.check(a, b, outcome, n_models, weight)
        counts = votes.count_dense(None, 1).reshape(n_models, n_models, len(Outcome))
        if counts.trace().any():
            _check_self_pairs(votes.a, votes.b)
        return cls._fold(np.moveaxis(counts, -1, 0))

    @classmethod
    def _fold(cls, counts: NDArray[Any]) -> Self:
        tie, both_bad = counts[Outcome.TIE], counts[Outcome.BOTH_BAD]
        return cls(counts[Outcome.A] + counts[Outcome.B].T, tie + tie.T, both_bad + both_bad.T)

    def select(self, models: ArrayLike) -> WinMatrix:
        """The votes among some of the models (codes or a boolean mask), in that order."""
        index = np.arange(self.n_models)[np.asarray(models)]
        grid = np.ix_(index, index)
        return WinMatrix(self.wins[grid], self.ties[grid], self.both_bad[grid])

    def counted(self, ties: Ties = "half", both_bad: BothBad = "exclude") -> tuple[Floats, Floats]:
        """(decisive, tied) (M, M) counts that enter a fit under the stated policies.

        `ties="drop"` leaves out every tie; `both_bad` says whether a both-bad vote is a tie or left out.
        """
        check_choice("ties", ties, ("half", "davidson", "drop"))
        check_choice("both_bad", both_bad, ("exclude", "tie"))
        if ties == "drop":
            return self.wins, np.zeros_like(self.ties)
        return self.wins, self.ties + self.both_bad if both_bad == "tie" else self.ties

    def half_wins(self, ties: Ties = "half", both_bad: BothBad = "exclude") -> Floats:
        """(M, M) scores: wins plus half of each counted tie."""
        decisive, tied = self.counted(ties, both_bad)
        return decisive + tied / 2


def check_votes(
    a: ArrayLike, b: ArrayLike, outcome: ArrayLike, n_models: int, weight: ArrayLike | None = None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Floats | None]:
    """The same (n,) columns as arrays, for methods that read votes one by one.

    Raises ValueError for columns of unequal length, codes out of range, self-pairs, and weights that are
    negative or not finite.
    """
    votes = _Votes.check(a, b, outcome, n_models, weight)
    votes.check_codes(slice(None))
    _check_self_pairs(votes.a, votes.b)
    return votes.a, votes.b, votes.outcome, votes.weight


@dataclass(frozen=True)
class _Votes:
    """Checked columns of votes, counted chunk by chunk so that memory follows the cells, not the votes."""

    a: NDArray[Any]
    b: NDArray[Any]
    outcome: NDArray[Any]
    n_models: int
    weight: Floats | None

    @classmethod
    def check(
        cls, a: ArrayLike, b: ArrayLike, outcome: ArrayLike, n_models: int, weight: ArrayLike | None
    ) -> Self:
        votes = cls(
            integers(a, "a"),
            integers(b, "b"),
            integers(outcome, "outcome"),
            n_models,
            None if weight is None else np.asarray(weight, np.float64),
        )
        if n_models < 0:
            raise ValueError(f"n_models: {n_models} is negative")
        votes.check_length(votes.b, "b")
        votes.check_length(votes.outcome, "outcome")
        if votes.weight is not None:
            votes.check_length(votes.weight, "weight")
            check_weights(votes.weight, "weight")
        return votes

    def check_length(self, column: NDArray[Any], name: str) -> None:
        if column.shape != self.a.shape:
            raise ValueError(f"{name}: {column.shape} values for {self.a.shape} votes")

    def check_codes(self, rows: slice) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        a, b, outcome = self.a[rows], self.b[rows], self.outcome[rows]
        first = rows.start or 0
        check_range(a, self.n_models, "a: model code", first)
        check_range(b, self.n_models, "b: model code", first)
        check_range(outcome, len(Outcome), "outcome code", first)
        return a, b, outcome

    def count(self, group: Ints | None, n_groups: int) -> tuple[NDArray[np.int64], Floats]:
        """Keys of the cells that occur, ascending, and their counts."""
        size = n_groups * len(Outcome) * self.n_models * self.n_models
        if size <= _DENSE_LIMIT:
            counts = self.count_dense(group, n_groups)
            keys = np.flatnonzero(counts)
            return keys, counts[keys].astype(np.float64)
        if size > np.iinfo(np.int64).max:
            raise ValueError(f"{self.n_models} models in {n_groups} clusters are too many cells to number")
        return self._count_sorted(group, size)

    def count_dense(self, group: Ints | None, n_groups: int) -> NDArray[Any]:
        size = n_groups * len(Outcome) * self.n_models * self.n_models
        total = np.zeros(size, np.intp if self.weight is None else np.float64)
        # A counter larger than the chunk would be swept more often than the votes are read.
        for keys, weight in self._chunks(group, size, max(_CHUNK, size)):
            total += np.bincount(keys, weight, size)
        return total

    def _count_sorted(self, group: Ints | None, cells: int) -> tuple[NDArray[np.int64], Floats]:
        keys: NDArray[np.int64] = np.zeros(0, np.int64)
        counts: Floats = np.zeros(0)
        for chunk, weight in self._chunks(group, cells, 1 << 20):
            found, where = np.unique(np.concatenate([keys, chunk]), return_inverse=True)
            weights = np.ones(len(chunk)) if weight is None else weight
            counts = np.bincount(where, np.concatenate([counts, weights]), len(found)).astype(np.float64)
            keys = found
        present = counts > 0
        return keys[present], counts[present]

    def _chunks(
        self, group: Ints | None, cells: int, size: int
    ) -> Iterator[tuple[NDArray[Any], Floats | None]]:
        """Yield (packed keys, weights) of at most `size` votes, for `cells` keys; the buffer is reused."""
        # Keys of 32 bits, where they suffice, are packed twice as fast.
        dtype = np.int32 if cells <= np.iinfo(np.int32).max else np.int64
        buffer: NDArray[Any] = np.empty(min(size, len(self.a)), dtype)
        for start in range(0, len(self.a), size):
            rows = slice(start, start + size)
            a, b, outcome = self.check_codes(rows)
            keys = buffer[: len(a)]
            parts = [(a, self.n_models), (b, self.n_models), (outcome, len(Outcome))]
            keys[:] = parts.pop(0)[0] if group is None else group[rows]
            for code, of in parts:
                keys *= of
                np.add(keys, code, out=keys, dtype=dtype, casting="unsafe")
            yield keys, None if self.weight is None else self.weight[rows]


def _check_self_pairs(left: NDArray[Any], right: NDArray[Any]) -> None:
    same = left == right
    if same.any():
        row = int(np.argmax(same))
        raise ValueError(f"row {row}: model {left[row]} is compared with itself")


def _check_matrix(matrix: Floats, size: int, name: str, *, symmetric: bool) -> None:
    if matrix.shape != (size, size):
        raise ValueError(f"{name}: expected shape {(size, size)}, got {matrix.shape}")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError(f"{name}: counts must be finite and at least 0")
    if np.diagonal(matrix).any():
        raise ValueError(f"{name}: model {int(np.argmax(np.diagonal(matrix) > 0))} is compared with itself")
    if symmetric and not np.array_equal(matrix, matrix.T):
        raise ValueError(f"{name}: must be symmetric")
