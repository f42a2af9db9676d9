"""Makes a snapshot: every file from one moment of the database, in a draft that is then published whole."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col

from app import audit, db
from app.errors import NotFound
from app.exports import exclusions, filters, formats, judged, preview, stream
from app.exports.choices import known
from app.exports.forms import Aggregate, ExportSpec, File, Format, Part
from app.exports.preferences import OTHER_SPLIT
from app.models import Account, Job, Project, Snapshot, SnapshotState, now, row_id
from app.snapshots import asking, card, croissant
from app.snapshots.asking import Asked
from app.snapshots.card import Measured
from app.snapshots.forms import SnapshotIn
from app.snapshots.store import Store

# Files done, of how many; it may raise to make an end.
Progress = Callable[[int, int], None]
# How often that is asked within one file.
SECONDS = 1.0

INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY


@dataclass
class Draft:
    """What was written so far."""

    folder: Path
    files: list[dict[str, Any]] = field(default_factory=list)
    # By format and split.
    excluded: dict[Format, dict[str, Counter[str]]] = field(default_factory=dict)

    def add(self, path: str, data: bytes) -> None:
        """A small file, written at once."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.files.append({"path": path, "bytes": len(data), "sha256": digest})

    @property
    def rows(self) -> int:
        """Preferences in all splits."""
        return sum(file["rows"] for file in self.files if file["path"].startswith("data/"))


def fitting(session: Session, project: Project, asked: SnapshotIn) -> SnapshotIn:
    """What is asked for, its names told apart; commits: nobody waits to write while rows are looked for.

    Raises Invalid for names the project does not have, and NotFound where there would be no row, as far as
    that is quickly told: a larger project is looked through when the snapshot is made.
    """
    asked = known(session, project, asked)
    session.commit()
    preview.require_rows(db.engine(), project, asked.preferences)
    return asked


def reserve(session: Session, project: Project, asked: SnapshotIn, *, by: Account | None) -> Snapshot:
    """The next version of this name, not ready yet."""
    mine = (col(Snapshot.project_id) == project.id, col(Snapshot.name) == asked.name)
    last = session.execute(sa.select(sa.func.max(Snapshot.version)).where(*mine)).scalar()
    made = Snapshot(
        project_id=row_id(project),
        name=asked.name,
        version=(last or 0) + 1,
        account_id=by.id if by else None,
    )
    session.add(made)
    session.flush()
    return made


def make(
    engine: sa.Engine, store: Store, asked: SnapshotIn, snapshot: Snapshot, progress: Progress
) -> Snapshot:
    """Write and publish a reserved snapshot. Raises NotFound where there would be no preference in it."""
    with db.new_session(engine, write=False) as session:
        project = session.get_one(Project, snapshot.project_id)
        account = session.get(Account, snapshot.account_id) if snapshot.account_id else None
        asked = known(session, project, asked)
    key = f"{project.id}/{snapshot.label}"
    store.discard(key)
    draft = Draft(store.draft(key))
    try:
        with stream.snapshot(engine) as connection:
            _write(connection, project, asked, snapshot, draft, progress)
        sums = "".join(f"{file['sha256']}  {file['path']}\n" for file in draft.files).encode()
        draft.add("SHA256SUMS", sums)
        _sync(draft.folder)
        store.publish(draft.folder, key)
        return _ready(engine, project, snapshot, draft, account)
    except BaseException:
        store.discard(key)
        raise


def _write(
    connection: sa.Connection,
    project: Project,
    asked: SnapshotIn,
    snapshot: Snapshot,
    draft: Draft,
    progress: Progress,
) -> None:
    planned = plan(asked)
    for number, (path, spec) in enumerate(planned):
        alive = partial(progress, number, len(planned))
        alive()
        _write_file(connection, project, path, spec, draft, alive)
    progress(len(planned), len(planned))
    if not draft.rows:
        raise stream.nothing(left_out(connection, project, asked, draft)[Format.TRL], asked.preferences)
    if Format.LLAMAFACTORY in asked.formats:
        draft.add("llamafactory/dataset_info.json", _dataset_info(snapshot, draft))
    said = asking.read(connection, project, asked)
    for one in said.held:
        draft.add(one.path, one.content)
    measured = card.measure(sorted((draft.folder / "data").glob("*.parquet")))
    found = judged.of(connection, project, asked.preferences)
    manifest = _manifest(connection, project, asked, snapshot, draft, said, measured)
    manifest["judged"] = found.as_dict()
    told = card.gather(connection, project, asked, manifest, said, measured, found)
    draft.add("README.md", card.write(told).encode())
    draft.add("manifest.json", orjson.dumps(manifest, option=INDENTED))
    described = croissant.describe(manifest, draft.files, told.description, told.tags)
    draft.add("croissant.json", orjson.dumps(described, option=INDENTED))


def plan(asked: SnapshotIn) -> list[tuple[str, ExportSpec]]:
    """Each file of rows and the export that it is."""
    planned: list[tuple[str, ExportSpec]] = []
    for split in asked.splits:
        planned.append((f"data/{split}.parquet", asked.spec(Format.TRL, File.PARQUET, split)))
        sides = [Format.TRL, *(one for one in asked.formats if one in formats.STRICT)]
        planned += [
            (f"provenance/{side}-{split}.parquet", asked.spec(side, File.PARQUET, split, Part.PROVENANCE))
            for side in sides
        ]
        for one in asked.formats:
            # LLaMA-Factory goes by the last ending, and knows none of a packed file.
            file = File.JSONL if one is Format.LLAMAFACTORY else File.ZSTD
            planned.append((f"{one}/{split}.{file}", asked.spec(one, file, split)))
    return planned


def _write_file(
    connection: sa.Connection,
    project: Project,
    path: str,
    spec: ExportSpec,
    draft: Draft,
    alive: Callable[[], object],
) -> None:
    receipt = stream.Receipt()
    target = draft.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    asked_at = time.monotonic()
    try:
        with target.open("wb") as file:
            for block in stream.write(connection, project, spec, receipt):
                file.write(block)
                if time.monotonic() - asked_at > SECONDS:
                    alive()
                    asked_at = time.monotonic()
    except NotFound:
        target.unlink()
    else:
        told = {"path": path, "bytes": receipt.size, "sha256": receipt.sha256, "rows": receipt.rows}
        kind = {name: str(getattr(spec, name)) for name in ("format", "part", "split")}
        draft.files.append(told | kind)
    if spec.part is Part.ROWS:
        # The same for each file of a format.
        draft.excluded.setdefault(spec.format, {})[str(spec.split)] = receipt.excluded


def _dataset_info(snapshot: Snapshot, draft: Draft) -> bytes:
    found: dict[str, Any] = {}
    for file in draft.files:
        folder, _, name = file["path"].partition("/")
        if folder == Format.LLAMAFACTORY:
            split = name.partition(".")[0]
            found[f"{snapshot.label}-{split}"] = formats.dataset_entry(name)
    return orjson.dumps(found, option=INDENTED)


def _manifest(
    connection: sa.Connection,
    project: Project,
    asked: SnapshotIn,
    snapshot: Snapshot,
    draft: Draft,
    said: Asked,
    measured: Measured,
) -> dict[str, Any]:
    excluded = left_out(connection, project, asked, draft)
    return {
        "snapshot": snapshot.label,
        "name": snapshot.name,
        "version": snapshot.version,
        "project": {"slug": project.slug, "name": project.name},
        "made_at": now().isoformat(),
        "code": {"tiebreak": version("tiebreak")},
        "licence": asked.licence,
        "filters": asked.filters,
        "policy": asked.policy,
        "guidelines": [one.as_dict() | {"rows": measured.guidelines[one.number]} for one in said.guidelines],
        "rubrics": [one.as_dict() for one in said.rubrics],
        "rows": draft.rows,
        "pairs": measured.pairs,
        "excluded": {name.value: dict(found.most_common()) for name, found in excluded.items()},
        "excluded_units": {
            name.value: exclusions.units(asked.spec(name, File.JSONL, asked.splits[0]), found)
            for name, found in excluded.items()
        },
        "files": list(draft.files),
    }


def left_out(
    connection: sa.Connection, project: Project, asked: SnapshotIn, draft: Draft
) -> dict[Format, Counter[str]]:
    """By format, of all its splits; what stands in the other of two is in the snapshot."""
    found: dict[Format, Counter[str]] = {}
    unread: dict[tuple[bool, bool], Counter[str]] = {}
    for name, by_split in draft.excluded.items():
        spec = asked.spec(name, File.JSONL, asked.splits[0])
        # Each count reads the whole project, and formats differ in no more than what is counted.
        counted = spec.aggregating is Aggregate.EACH, name is Format.JUDGMENTS
        if counted not in unread:
            unread[counted] = filters.left_out(connection, project, spec)
        found[name] = sum(by_split.values(), unread[counted])
        if asked.split is None:
            del found[name][OTHER_SPLIT]
    return found


def _sync(folder: Path) -> None:
    """What is named as published must be on the disk, power cut or not."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _ready(
    engine: sa.Engine, project: Project, snapshot: Snapshot, draft: Draft, by: Account | None
) -> Snapshot:
    with db.transaction(engine) as session:
        made = session.get_one(Snapshot, snapshot.id)
        made.state, made.ready_at = SnapshotState.READY, now()
        made.digest = draft.files[-1]["sha256"]
        made.rows, made.size = draft.rows, sum(file["bytes"] for file in draft.files)
        made.files = draft.files
        detail = {"rows": made.rows, "bytes": made.size, "digest": made.digest}
        audit.record(
            session, "snapshot.publish", f"snapshot:{made.label}", by=by, project=project, detail=detail
        )
    return made


def forget(session: Session, job: Job) -> None:
    """Free the version of a job that came to no end; started again, it takes the next."""
    unready = (col(Snapshot.job_id) == job.id, col(Snapshot.state) == SnapshotState.MAKING)
    session.execute(sa.delete(Snapshot).where(*unready))
