"""Tells which pairs of texts were written before, in a few bytes a pair."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from app.exports.verdicts import Verdict
from app.words import N_

DUPLICATE = N_("repeats an earlier row")
CONTRADICTS = N_("contradicts an earlier row")

# Keys kept by themselves until they are sorted in with all others.
RECENT = 15_000

Keys = np.ndarray[Any, np.dtype[np.int64]]


class Preferences(NamedTuple):
    """Training pairs, column by column: what is done a million times is done sooner to all at once.

    A prompt and its two answers are JSON lists of messages as text; `judged_at` is when the last judgment
    was, and `is_plain` whether each of the three is known to be one plain turn.
    """

    prompt: Sequence[str]
    chosen: Sequence[str]
    rejected: Sequence[str]
    chosen_digest: Sequence[bytes]
    rejected_digest: Sequence[bytes]
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

    def beside_texts(self) -> tuple[Sequence[Any], ...]:
        """What is told of a pair beside its texts."""
        return tuple(self)[5:-1]

    def only(self, wanted: Sequence[bool]) -> "Preferences":
        """Those that are wanted; of each must be told whether it is."""
        return Preferences._make(list(compress(column, wanted)) for column in self)


# The same of one.
Preference = tuple[str, str, str, bytes, bytes, str, str, str, str, Verdict, str, str, str, str, bool]


def _hashes(texts: Sequence[bytes | str]) -> Keys:
    return np.fromiter(map(hash, texts), np.int64, len(texts))


class Seen:
    """The pairs written so far, so that none is written twice, or both ways round.

    A pair's key is a hash of its prompt and its answers' digests whichever way round, but for the last bit,
    which tells the way.
    """

    def __init__(self) -> None:
        # Both in order: the latest few, which more are quickly merged into, and all others.
        self._recent = np.empty(0, dtype=np.int64)
        self._others = np.empty(0, dtype=np.int64)

    def new(self, pairs: Preferences, excluded: Counter[str]) -> Preferences:
        """The pairs that were not seen before; the others are counted."""
        chosen, rejected = _hashes(pairs.chosen_digest), _hashes(pairs.rejected_digest)
        texts = (_hashes(pairs.prompt) * 31 ^ chosen ^ rejected) & ~1
        keys = texts | (chosen < rejected)
        # In order, because their neighbours are in the processor's cache then.
        texts.sort()
        before = self._known(texts)
        if before or (texts[1:] == texts[:-1]).any():
            wanted = _sifted(pairs.pair_id, keys.tolist(), before, excluded)
            # Several judgments of a pair have the same key.
            pairs, keys = pairs.only(wanted), np.unique(keys[np.array(wanted)])
        self._remember(keys)
        return pairs

    def _known(self, texts: Keys) -> dict[int, int]:
        """The keys of those that were written before, by what they are without the last bit."""
        found: dict[int, int] = {}
        for known in (self._recent, self._others):
            if known.size:
                there = known[known.searchsorted(texts).clip(max=known.size - 1)]
                there = there[there & ~1 == texts]
                found.update(zip((there & ~1).tolist(), there.tolist(), strict=True))
        return found

    def _remember(self, keys: Keys) -> None:
        self._recent = np.concatenate((self._recent, np.sort(keys)))
        # Of what is two runs in order, this kind makes one by merging them.
        self._recent.sort(kind="stable")
        if self._recent.size > RECENT:
            known = self._others.size
            # In place: copies of millions of keys would show in the memory of a worker.
            self._others.resize(known + self._recent.size, refcheck=False)
            self._others[known:] = self._recent
            self._others.sort(kind="stable")
            self._recent = self._recent[:0]


def _sifted(
    owners: Sequence[str], keys: list[int], before: dict[int, int], excluded: Counter[str]
) -> list[bool]:
    """Which are new, one by one where some were seen; other judgments of a new pair are no repeats."""
    new: list[bool] = []
    owned: dict[int, str] = {}
    for owner, key in zip(owners, keys, strict=True):
        first = before.get(key & ~1)
        if first is None:
            before[key & ~1] = key
            owned[key] = owner
        new.append(first is None or owned.get(key) == owner)
        if not new[-1]:
            excluded[DUPLICATE if first == key else CONTRADICTS] += 1
    return new
