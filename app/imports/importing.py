"""The import itself: look at every file, then read, check and write it chunk by chunk."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any

import orjson
import sqlalchemy as sa
from sqlmodel import select

from app import audit, db
from app.imports import building, loading, shapes
from app.imports.forms import ImportIn
from app.imports.items import Item
from app.imports.shapes import Shape
from app.imports.sources import MB, Refusal, Source, open_source
from app.imports.writing import Target
from app.jobs import StoppedError
from app.models import Account, Batch, Project, row_id

# A chunk holds SQLite's one write lock: small enough that nobody waits long, large enough that
# syncing to disk does not dominate.
CHUNK_ROWS = 1500
CHUNK_BYTES = 2 * MB

# Refused rows kept in the report itself; all of them go to the file.
SHOWN = 100
LONG_REFUSED_ROW = 500

Progress = Callable[[int, int], None]


@dataclass
class FileReport:
    """What became of one file; ``new`` counts what was added by kind, ``reasons`` why rows were refused."""

    name: str
    shape: str
    format: str
    unit: str
    read: int = 0
    added: int = 0
    already_there: int = 0
    refused: int = 0
    # Responses in which nothing is answered.
    empty: int = 0
    # Rows whose prompt kept another category, language, tags or metadata.
    differing: int = 0
    # Judgments that a later one by the same annotator took the place of.
    replaced: int = 0
    # Further votes on the same texts, in rows that name no annotator.
    unnamed: int = 0
    new: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class Report:
    """What became of an import."""

    dry_run: bool = False
    batch: str | None = None
    files: list[FileReport] = field(default_factory=list)
    refused_rows: list[dict[str, Any]] = field(default_factory=list)

    def total(self, name: str) -> int:
        """A count over all files."""
        return sum(getattr(file, name) for file in self.files)

    @property
    def all_refused(self) -> bool:
        """Whether it came to its end and could take nothing."""
        return 0 < self.total("read") == self.total("refused")

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the totals beside each file's counts."""
        totals = {name: self.total(name) for name in ("read", "added", "already_there", "refused")}
        return {**totals, "all_refused": self.all_refused, **asdict(self)}


@dataclass(frozen=True)
class File:
    """A file to import and the name to tell people."""

    path: Path
    name: str


def import_files(
    engine: sa.Engine,
    project: Project,
    files: Sequence[File],
    asked: ImportIn,
    *,
    by: Account | None,
    max_row_mb: int,
    progress: Progress | None = None,
    refused_file: IO[bytes] | None = None,
) -> Report:
    """Import files into a project; importing them again adds nothing.

    Every file is opened, unpacked to its end and recognised before anything is written. Rows are
    then added in chunks, each in its own transaction: a run that is cut off has added whole rows,
    and running it again adds the rest. Raises Invalid for a file that cannot be taken at all, and
    what ``progress`` raises.
    """
    looked_at = [_look_at(file, asked, max_row_mb) for file in files]
    report = Report(asked.dry_run, asked.batch)
    meter = _Meter(report, progress, sum(rows for _, _, rows in looked_at))
    run = _Run(report, meter, refused_file)
    batch_id = None if asked.dry_run else _batch(engine, project, asked.batch, by)
    target = Target(engine, project, by, batch_id, asked.batch or "", asked.dry_run)
    try:
        with closing(target.scratch), _rare_collections():
            for target.file, (source, shape, _) in enumerate(looked_at):
                target.name, target.annotator = source.name, _annotator(source)
                run.file(source, shape, target)
    except StoppedError as stopped:
        stopped.result = report.as_dict()
        raise
    finally:
        if not asked.dry_run:
            _finish(engine, project, report, by)
    return report


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let a chunk come and go without the cycle collector walking it: a third of the time (measured)."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _look_at(file: File, asked: ImportIn, max_row_mb: int) -> tuple[Source, Shape, int]:
    source = open_source(file.path, file.name, max_row_mb * MB)
    rows = source.verify()
    return source, shapes.find(source, asked.shape.value if asked.shape else None), rows


def _annotator(source: Source) -> str:
    """Whose votes they are where the rows do not say: the file's, by its plain name."""
    return PurePath(source.name).name.partition(".")[0][:200] or "imported"


def _batch(engine: sa.Engine, project: Project, name: str | None, by: Account | None) -> int | None:
    if name is None:
        return None
    with db.transaction(engine) as session:
        batch = session.exec(
            select(Batch).where(Batch.project_id == project.id, Batch.name == name)
        ).one_or_none()
        if batch is None:
            batch = Batch(project_id=row_id(project), name=name)
            session.add(batch)
            session.flush()
            audit.record(session, "batch.add", f"batch:{name}", by=by, project=project)
        return batch.id


def _finish(engine: sa.Engine, project: Project, report: Report, by: Account | None) -> None:
    with db.transaction(engine) as session:
        audit.record(
            session, "import", f"project:{project.slug}", by=by, project=project, detail=_audited(report)
        )


def _audited(report: Report) -> dict[str, Any]:
    detail = report.as_dict()
    del detail["refused_rows"]
    return detail


class _Meter:
    """Rows read over all files, told at most once a second and at the end of each file."""

    def __init__(self, report: Report, progress: Progress | None, total: int) -> None:
        self._report = report
        self._progress = progress
        self._total = total
        self._told = 0.0

    def tell(self, *, now: bool = False) -> None:
        if self._progress is not None and (now or time.monotonic() - self._told >= 1):
            self._told = time.monotonic()
            done = self._report.total("read")
            self._progress(done, max(done, self._total))


@dataclass
class _Run:
    report: Report
    meter: _Meter
    refused_file: IO[bytes] | None

    def file(self, source: Source, shape: Shape, target: Target) -> None:
        file = FileReport(source.name, shape.name, source.format, source.unit)
        self.report.files.append(file)
        new: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for items, refusals in _chunks(source, shape):
            loaded = loading.load(target, items) if items else loading.Loaded()
            refused = sorted([*refusals, *loaded.refused], key=lambda refusal: refusal.number)
            file.read += len(items) + len(refusals)
            file.added += loaded.added
            file.refused += len(refused)
            file.empty += sum(answer.empty for item in items for answer in item.answers)
            file.differing += loaded.differing
            file.replaced += loaded.replaced
            file.unnamed += loaded.unnamed
            file.already_there = file.read - file.added - file.refused
            new.update(loaded.counts)
            for refusal in refused:
                reasons[refusal.reason] += 1
                self._keep(source, refusal)
            while len(reasons) > SHOWN:
                # Reasons that quote the row are many: keep the commonest.
                reasons = Counter(dict(reasons.most_common(SHOWN // 2)))
            file.new = {kind: n for kind, n in new.items() if n}
            file.reasons = dict(reasons.most_common(20))
            self.meter.tell()
        self.meter.tell(now=True)

    def _keep(self, source: Source, refusal: Refusal) -> None:
        row = {
            "file": source.name,
            source.unit: refusal.number,
            "reason": refusal.reason,
            "content": refusal.row,
        }
        if len(self.report.refused_rows) < SHOWN:
            self.report.refused_rows.append({**row, "content": refusal.row[:LONG_REFUSED_ROW]})
        if self.refused_file is not None:
            self.refused_file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _chunks(source: Source, shape: Shape) -> Iterator[tuple[list[Item], list[Refusal]]]:
    """A file's rows, a chunk at a time: its items, and its rows that are refused already.

    Both lists are emptied when the next chunk is asked for: whoever wants more of them copies it before.
    """
    items: list[Item] = []
    refusals: list[Refusal] = []
    before = source.taken
    try:
        for number, record in source.records():
            item = shape.read(number, record) if isinstance(record, dict) else record
            if isinstance(item, Refusal):
                refusals.append(item)
            else:
                item.record = record
                items.append(item)
            if len(items) + len(refusals) >= CHUNK_ROWS or source.taken - before >= CHUNK_BYTES:
                yield items, refusals
                # Whoever was handed them still holds the lists while the next rows are read.
                items.clear()
                refusals.clear()
                building.forget()
                before = source.taken
        if items or refusals:
            yield items, refusals
    finally:
        building.forget()
