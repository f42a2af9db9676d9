"""Tells which pairs of texts were written before, in a few bytes a pair."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from operator import lt
from typing import Any, NamedTuple

import numpy as np

from app.exports.verdicts import Verdict
from app.words import N_

DUPLICATE = N_("repeats an earlier row")
CONTRADICTS = N_("contradicts an earlier row")

# Keys kept in a dictionary until they are sorted in with the others, where each takes eight bytes.
RECENT = 50_000


class Preferences(NamedTuple):
    """Training pairs, column by column: what is done a million times is done sooner to all at once.

    A prompt and its two answers are JSON lists of messages as text; `judged_at` is when the last judgment
    was, and `is_plain` whether each of the three is known to be one plain turn.
    """

    prompt: Sequence[str]
    chosen: Sequence[str]
    rejected: Sequence[str]
    pair_id: Sequence[str]
    prompt_id: Sequence[str]
    chosen_model: Sequence[str]
    rejected_model: Sequence[str]
    verdict: Sequence[Verdict]
    judged_at: Sequence[str]
    language: Sequence[str]
    category: Sequence[str]
    split: Sequence[str]
    is_plain: Sequence[bool]

    def rows(self) -> "Iterator[Preference]":
        """One by one."""
        return zip(*self, strict=True)

    def only(self, wanted: Sequence[bool]) -> "Preferences":
        """Those that are wanted; of each must be told whether it is."""
        return Preferences._make(list(compress(column, wanted)) for column in self)


# The same of one.
Preference = tuple[str, str, str, str, str, str, str, Verdict, str, str, str, str, bool]


def _hashes(texts: Sequence[str]) -> "np.ndarray[Any, Any]":
    return np.fromiter(map(hash, texts), np.int64, len(texts))


class Seen:
    """The pairs written so far, so that none is written twice, or both ways round.

    A pair's key is a hash of its texts whichever way round, but for the last bit, which tells the way.
    """

    def __init__(self) -> None:
        # Without the last bit -> with it.
        self._recent: dict[int, int] = {}
        self._sorted = np.empty(0, dtype=np.int64)

    def new(self, pairs: Preferences, excluded: Counter[str]) -> Preferences:
        """The pairs that were not seen before; the others are counted."""
        prompt, chosen, rejected, *_ = pairs
        texts = (_hashes(prompt) * 31 ^ _hashes(chosen) ^ _hashes(rejected)) & ~1
        keys = (texts | np.fromiter(map(lt, chosen, rejected), np.int64)).tolist()
        fresh = dict(zip(texts.tolist(), keys, strict=True))
        if len(fresh) < len(keys) or self._knows_any(texts, fresh):
            return pairs.only(self._sifted(pairs.pair_id, keys, excluded))
        self._remember(fresh)
        return pairs

    def _knows_any(self, wanted: "np.ndarray[Any, Any]", fresh: dict[int, int]) -> bool:
        if not self._recent.keys().isdisjoint(fresh):
            return True
        if not self._sorted.size:
            return False
        # In order, because their neighbours are in the processor's cache then.
        wanted.sort()
        places = np.searchsorted(self._sorted, wanted).clip(max=self._sorted.size - 1)
        return bool((self._sorted[places] & ~1 == wanted).any())

    def _sifted(self, owners: Sequence[str], keys: list[int], excluded: Counter[str]) -> list[bool]:
        """One by one, where some were seen; other judgments of a pair just written are no repeats."""
        new: list[bool] = []
        owned: dict[int, str] = {}
        for owner, key in zip(owners, keys, strict=True):
            before = self._before(key)
            if before is None:
                self._remember({key & ~1: key})
                owned[key] = owner
            new.append(before is None or owned.get(key) == owner)
            if not new[-1]:
                excluded[DUPLICATE if before == key else CONTRADICTS] += 1
        return new

    def _before(self, key: int) -> int | None:
        """The key of the same texts written before, whichever way round."""
        found = self._recent.get(key & ~1)
        if found is not None or not self._sorted.size:
            return found
        place = min(int(np.searchsorted(self._sorted, key & ~1)), self._sorted.size - 1)
        old = int(self._sorted[place])
        return old if old & ~1 == key & ~1 else None

    def _remember(self, fresh: dict[int, int]) -> None:
        self._recent.update(fresh)
        if len(self._recent) > RECENT:
            known = self._sorted.size
            # In place: copies of millions of keys would show in the memory of a worker.
            self._sorted.resize(known + len(self._recent), refcheck=False)
            self._sorted[known:] = np.fromiter(self._recent.values(), np.int64, len(self._recent))
            self._sorted[known:].sort()
            self._sorted.sort(kind="stable")
            self._recent.clear()
