"""A slice's counts, of which only those are read again that may have changed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app.leaderboard import reading
from app.leaderboard.memory import kept_up
from app.leaderboard.reading import Integers
from app.models import Annotator, Project
from ranking import Cells

# Where judgments changed in more of the clusters, to read all counts takes no longer.
FEW = 1 / 4

Codes = NDArray[np.integer[Any]]
Changes = dict[int, int]


@dataclass(frozen=True, eq=False)
class _Part:
    """One cluster's counts."""

    left: Codes
    right: Codes
    counts: Codes


@dataclass(frozen=True, eq=False)
class _Read:
    """Counts by cluster, and what they were read at: the project's structure, and each cluster's changes."""

    structure: int
    changes: Changes
    parts: dict[int, _Part]

    def cells(self, n_models: int) -> Cells:
        """All of them."""
        clusters, parts = list(self.parts), list(self.parts.values())
        if not parts:
            return reading.nothing(n_models)
        return Cells(
            np.concatenate([part.left for part in parts]),
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.counts for part in parts], axis=1),
            n_models,
            np.repeat(np.array(clusters, np.int16), [len(part.left) for part in parts]),
        )


def load(session: Session, project: Project, codes: Integers, by: str = "", value: str = "") -> Cells:
    """The kept counts of one slice, over all time; ``codes`` are the ids of the project's models."""

    def read(before: _Read | None) -> _Read:
        return _read(session, project, codes, (by, value), before)

    return kept_up(session, project, ("counts", by, value), read).cells(len(codes))


def _read(
    session: Session, project: Project, codes: Integers, part: tuple[str, str], before: _Read | None
) -> _Read:
    # Read before the counts: what changes between is then read twice, and never missed.
    changes = _changes(session, project)
    changed = [one for one, times in changes.items() if before and before.changes.get(one) != times]
    if before is None or before.structure != project.revision or len(changed) > FEW * len(changes):
        parts = _by_cluster(reading.tallied(session, project, codes, *part))
    else:
        fresh = _by_cluster(reading.tallied(session, project, codes, *part, clusters=changed))
        kept = {one: known for one, known in before.parts.items() if one not in changed}
        parts = {**kept, **fresh}
    return _Read(project.revision, changes, parts)


def _changes(session: Session, project: Project) -> Changes:
    """How many judgments of each cluster of annotators were made, changed or withdrawn."""
    cluster, times = col(Annotator.cluster), sa.func.sum(col(Annotator.changes))
    found = sa.select(cluster, times).where(col(Annotator.project_id) == project.id).group_by(cluster)
    return {one: int(n) for one, n in session.execute(found)}


def _by_cluster(cells: Cells) -> dict[int, _Part]:
    cluster = np.asarray(cells.cluster)
    order = np.argsort(cluster, kind="stable")
    clusters, first = np.unique(cluster[order], return_index=True)
    columns = (cells.left[order], cells.right[order], cells.counts[:, order])
    split = (np.split(column, first[1:], axis=-1) for column in columns)
    return (
        {one: _Part(*part) for one, *part in zip(clusters.tolist(), *split, strict=True)}
        if len(first)
        else {}
    )
