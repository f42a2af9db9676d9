"""What changed from one snapshot to another: pairs, and the rules they were made by."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

# Pairs named on the page; all are counted.
SHOWN = 20


@dataclass(frozen=True)
class Changes:
    """Pairs that came, went, or say something else now; and rules as (name, before, after)."""

    added: list[str]
    removed: list[str]
    turned: list[str]
    rewritten: list[str]
    same: int
    rules: list[tuple[str, Any, Any]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "added": self.added,
            "removed": self.removed,
            "turned": self.turned,
            "rewritten": self.rewritten,
            "same": self.same,
            "rules": [{"name": name, "before": old, "after": new} for name, old, new in self.rules],
        }


# Of each pair: what was chosen, and the digests of its rows.
Pairs = dict[str, tuple[frozenset[str], frozenset[str]]]


def compare(
    before: Iterable[BinaryIO], after: Iterable[BinaryIO], manifests: tuple[dict[str, Any], dict[str, Any]]
) -> Changes:
    """Compare two snapshots by their provenance files. A pair is turned where another side is chosen."""
    old, new = _pairs(before), _pairs(after)
    both = old.keys() & new.keys()
    turned = {pair for pair in both if old[pair][0] != new[pair][0]}
    rewritten = {pair for pair in both - turned if old[pair][1] != new[pair][1]}
    return Changes(
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys()),
        turned=sorted(turned),
        rewritten=sorted(rewritten),
        same=len(both) - len(turned) - len(rewritten),
        rules=_rules(*manifests),
    )


def _pairs(files: Iterable[BinaryIO]) -> Pairs:
    # Not at the top: pyarrow takes long to start.
    import pyarrow.parquet as pq

    chosen: dict[str, set[str]] = defaultdict(set)
    rows: dict[str, set[str]] = defaultdict(set)
    for file in files:
        with file:
            for batch in pq.ParquetFile(file).iter_batches(columns=["pair_id", "chosen_model", "sha256"]):
                columns = (batch[name].to_pylist() for name in ("pair_id", "chosen_model", "sha256"))
                for pair, model, digest in zip(*columns, strict=True):
                    chosen[pair].add(model)
                    rows[pair].add(digest)
    return {pair: (frozenset(chosen[pair]), frozenset(rows[pair])) for pair in rows}


def _rules(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Filters, policy, guidelines and code that are not the same."""
    old, new = (
        {**one["policy"], **one["code"], "guidelines": len(one["guidelines"])} for one in (before, after)
    )
    return [
        (name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
