"""Finds snapshots that are ready, and reads their files."""

from dataclasses import replace
from typing import Any, BinaryIO

import orjson
import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app.errors import NotFound
from app.models import Account, Project, Snapshot, SnapshotState
from app.snapshots.diff import Changes, compare
from app.snapshots.forms import LABEL
from app.snapshots.store import Store

READY = col(Snapshot.state) == SnapshotState.READY


def of(project: Project) -> "sa.Select[Any]":
    """A project's snapshots with who made them; the last column is greater for later ones."""
    columns: tuple[Any, ...] = (Snapshot, col(Account.name), col(Snapshot.id))
    query = sa.select(*columns).outerjoin(Account, col(Account.id) == col(Snapshot.account_id))
    return query.where(col(Snapshot.project_id) == project.id, READY)


def newest(session: Session, project: Project, limit: int) -> list[tuple[Snapshot, str | None]]:
    """The latest, with who made them."""
    found = session.execute(of(project).order_by(col(Snapshot.id).desc()).limit(limit))
    return [(snapshot, name) for snapshot, name, _ in found]


def find(session: Session, project: Project, label: str) -> Snapshot:
    """One by its label, NAME-vVERSION. Raises NotFound where there is none that is ready."""
    parts = LABEL.match(label)
    found = None
    if parts is not None:
        query = select(Snapshot).where(Snapshot.project_id == project.id, READY)
        query = query.where(Snapshot.name == parts[1], Snapshot.version == int(parts[2]))
        found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound(_("There is no snapshot %(label)s in this project.", label=label))
    return found


def earlier(session: Session, snapshot: Snapshot) -> list[Snapshot]:
    """Snapshots of the same project made before it, the latest first."""
    query = select(Snapshot).where(Snapshot.project_id == snapshot.project_id, READY)
    return list(session.exec(query.where(col(Snapshot.id) < snapshot.id).order_by(col(Snapshot.id).desc())))


def file_of(snapshot: Snapshot, path: str) -> dict[str, Any]:
    """What is known of one of its files. Raises NotFound for any other path."""
    for file in snapshot.files:
        if file["path"] == path:
            return file
    raise NotFound(_("The snapshot %(label)s has no file %(path)s.", label=snapshot.label, path=path))


def key(snapshot: Snapshot, path: str) -> str:
    """Where a file lies in the store."""
    return f"{snapshot.project_id}/{snapshot.label}/{path}"


def text(store: Store, snapshot: Snapshot, path: str) -> bytes:
    """The whole of a small file."""
    with store.open(key(snapshot, path)) as file:
        return file.read()


def manifest(store: Store, snapshot: Snapshot) -> dict[str, Any]:
    """How it was made."""
    found: dict[str, Any] = orjson.loads(text(store, snapshot, "manifest.json"))
    return found


def changes(store: Store, before: Snapshot, after: Snapshot) -> Changes:
    """What is different in the later one, and which of them is not to be used."""
    found = compare(
        _provenance(store, before),
        _provenance(store, after),
        (manifest(store, before), manifest(store, after)),
    )
    marked = [
        (one.label, one.withdrawn_at, one.withdrawn_reason or "")
        for one in (before, after)
        if one.withdrawn_at is not None
    ]
    return replace(found, withdrawn=marked)


def _provenance(store: Store, snapshot: Snapshot) -> list[BinaryIO]:
    paths = [file["path"] for file in snapshot.files if file["path"].startswith("provenance/trl-")]
    return [store.open(key(snapshot, path)) for path in paths]
