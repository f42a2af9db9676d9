"""What changed from one snapshot to another: pairs, and the rules they were made by."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

# As bytes: a database keeps no longer one, and texts take four times as much.
ID = "S32"
Ids = NDArray[np.bytes_]
Digests = NDArray[np.uint64]

# Pairs named on the page; all are counted.
SHOWN = 20


@dataclass(frozen=True)
class Changes:
    """Pairs that came, went, or say something else now; and rules as (name, before, after).

    ``withdrawn`` names those of the two that turned out wrong: (label, when, why).
    """

    added: list[str]
    removed: list[str]
    turned: list[str]
    rewritten: list[str]
    same: int
    rules: list[tuple[str, Any, Any]]
    withdrawn: list[tuple[str, datetime, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "added": self.added,
            "removed": self.removed,
            "turned": self.turned,
            "rewritten": self.rewritten,
            "same": self.same,
            "rules": [{"name": name, "before": old, "after": new} for name, old, new in self.rules],
            "withdrawn": [
                {"label": label, "withdrawn_at": when, "withdrawn_reason": why}
                for label, when, why in self.withdrawn
            ],
        }


class Pairs(NamedTuple):
    """Pairs in the order of their ids, each once, as columns: a million take 50 MB.

    ``chosen`` and ``rows`` are digests of the models that were chosen and of the rows, each a set.
    """

    ids: Ids
    chosen: Digests
    rows: Digests


def compare(
    before: Iterable[BinaryIO], after: Iterable[BinaryIO], manifests: tuple[dict[str, Any], dict[str, Any]]
) -> Changes:
    """Compare two snapshots by their provenance files. A pair is turned where another side is chosen."""
    old, new = _pairs(before), _pairs(after)
    both, in_old, in_new = np.intersect1d(old.ids, new.ids, assume_unique=True, return_indices=True)
    turned = old.chosen[in_old] != new.chosen[in_new]
    rewritten = ~turned & (old.rows[in_old] != new.rows[in_new])
    return Changes(
        added=_names(np.setdiff1d(new.ids, old.ids, assume_unique=True)),
        removed=_names(np.setdiff1d(old.ids, new.ids, assume_unique=True)),
        turned=_names(both[turned]),
        rewritten=_names(both[rewritten]),
        same=len(both) - int(turned.sum()) - int(rewritten.sum()),
        rules=_rules(*manifests),
    )


def _names(ids: Ids) -> list[str]:
    return [name.decode() for name in ids.tolist()]


def _pairs(files: Iterable[BinaryIO]) -> Pairs:
    # Not at the top: pyarrow takes long to start.
    import pyarrow.parquet as pq

    read = [Pairs(np.empty(0, ID), np.empty(0, np.uint64), np.empty(0, np.uint64))]
    for file in files:
        with file:
            opened = pq.ParquetFile(file)
            # Provenance of earlier versions has the texts' digest alone, under the other name.
            of_texts = "texts_sha256" if "texts_sha256" in opened.schema_arrow.names else "sha256"
            columns = ["pair_id", "chosen_model", of_texts]
            for batch in opened.iter_batches(columns=columns):
                pair, model, row = (batch[name].to_pylist() for name in columns)
                chosen = np.array([_digest(name) for name in model], np.uint64)
                rows = np.array([int(digest[:16], 16) for digest in row], np.uint64)
                read.append(Pairs(np.array(pair, ID), chosen, rows))
    ids, chosen, rows = (np.concatenate(column) for column in zip(*read, strict=True))
    return Pairs(*_folded(ids, chosen), _folded(ids, rows)[1])


@lru_cache(10_000)
def _digest(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def _folded(ids: Ids, values: Digests) -> tuple[Ids, Digests]:
    """Each id once, with the sum of its different values; both ordered by id."""
    order = np.lexsort((values, ids))
    ids, values = ids[order], values[order]
    first = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
    different = first.copy()
    different[1:] |= values[1:] != values[:-1]
    starts = np.flatnonzero(first[different])
    return ids[first], np.add.reduceat(values[different], starts) if len(starts) else values


def _formats(manifest: dict[str, Any]) -> list[str]:
    """Those that have files of their own."""
    files = manifest["files"]
    return sorted({one["format"] for one in files if one["path"].startswith(f"{one.get('format')}/")})


def _versions(given: list[dict[str, Any]], *, told: bool) -> list[int]:
    """Those of a guideline or rubric that judgments were made under, or where that is not told all."""
    return [one["version"] for one in given if not told or "path" in one]


def _rules(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Filters, policy, guidelines, formats, licence and code that are not the same."""
    # By manifests of earlier versions nobody knows what judgments were made under.
    told = "rubrics" in before and "rubrics" in after
    old, new = (
        {
            # Manifests of earlier versions have it among the filters alone.
            "split": one["filters"].get("split"),
            **one["policy"],
            **one["code"],
            "guidelines": _versions(one["guidelines"], told=told),
            "rubrics": _versions(one["rubrics"], told=told) if told else None,
            "formats": _formats(one),
            "licence": one["licence"],
        }
        for one in (before, after)
    )
    return [
        (name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
