"""Tells which pairs of texts were written before, in a few bytes a pair."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from app.exports.verdicts import Verdict
from app.words import N_

DUPLICATE = N_("repeats an earlier row")
CONTRADICTS = N_("contradicts an earlier row")

# Keys kept in a dictionary until they are sorted in with the others, where each takes eight bytes.
RECENT = 16_000


# One training pair: its prompt, chosen and rejected, each a JSON list of messages as text; then where
# it comes from: pair_id, prompt_id, the chosen and the rejected model, the verdict, the time of its last
# judgment, language, category, split; and whether the first three are one plain turn each. A plain
# tuple, because it is made a million times.
Preference = tuple[str, str, str, str, str, str, str, Verdict, str, str, str, str, bool]


class Preferences(NamedTuple):
    """The same of many, column by column."""

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


class Seen:
    """The pairs written so far, so that none is written twice, or both ways round.

    A pair's key is a hash of its texts whichever way round, but for the last bit, which tells the way.
    """

    def __init__(self) -> None:
        # Without the last bit -> with it.
        self._recent: dict[int, int] = {}
        self._sorted = np.empty(0, dtype=np.int64)

    def new(self, pairs: list[Preference], excluded: Counter[str]) -> list[Preference]:
        """The pairs that were not seen before; the others are counted."""
        hashes = [hash((pair[0], hash(pair[1]) ^ hash(pair[2]))) for pair in pairs]
        ways = [pair[1] < pair[2] for pair in pairs]
        texts = np.array(hashes, np.int64) & ~1
        keys = (texts | np.array(ways, np.int64)).tolist()
        fresh = dict(zip(texts.tolist(), keys, strict=True))
        if len(fresh) < len(keys) or self._knows_any(texts, fresh):
            return self._sifted(pairs, keys, excluded)
        self._remember(fresh)
        return pairs

    def _knows_any(self, wanted: "np.ndarray[Any, Any]", fresh: dict[int, int]) -> bool:
        if not self._recent.keys().isdisjoint(fresh):
            return True
        if not self._sorted.size:
            return False
        places = np.searchsorted(self._sorted, wanted).clip(max=self._sorted.size - 1)
        return bool((self._sorted[places] & ~1 == wanted).any())

    def _sifted(self, pairs: list[Preference], keys: list[int], excluded: Counter[str]) -> list[Preference]:
        """One by one, where some were seen; other judgments of a pair just written are no repeats."""
        kept: list[Preference] = []
        owners: dict[int, str] = {}
        for pair, key in zip(pairs, keys, strict=True):
            owner = pair[3]
            before = self._before(key)
            if before is None:
                self._remember({key & ~1: key})
                owners[key] = owner
            if before is None or owners.get(key) == owner:
                kept.append(pair)
            else:
                excluded[DUPLICATE if before == key else CONTRADICTS] += 1
        return kept

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
