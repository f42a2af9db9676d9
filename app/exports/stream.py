"""An export as a stream of bytes that knows, at its end, what it wrote."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import sqlalchemy as sa

from app import audit, db
from app.exports import formats
from app.exports.forms import ExportSpec
from app.exports.preferences import iter_preferences
from app.exports.records import names, read, submission_ids
from app.models import Account, Project, opaque_id

# Rows handed on together: one at a time costs half the speed.
BLOCK = 500


@dataclass
class Receipt:
    """What an export wrote: complete only when its last byte was taken."""

    uid: str = field(default_factory=opaque_id)
    rows: int = 0
    size: int = 0
    sha256: str = ""
    excluded: Counter[str] = field(default_factory=Counter)
    complete: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON and the audit event."""
        return {
            "export": self.uid,
            "rows": self.rows,
            "bytes": self.size,
            "sha256": self.sha256,
            "excluded": dict(self.excluded),
            "complete": self.complete,
        }


def stream(
    engine: sa.Engine, project: Project, spec: ExportSpec, receipt: Receipt, by: Account | None
) -> Iterator[bytes]:
    """The file in blocks, from one snapshot of the database, with an audit event at the end."""
    digest = hashlib.sha256()
    with snapshot(engine) as connection:
        rows = _rows(connection, project, spec, receipt)
        for block in _blocks(rows, spec):
            digest.update(block)
            receipt.size += len(block)
            yield block
    receipt.sha256 = digest.hexdigest()
    receipt.complete = True
    with db.transaction(engine) as session:
        detail = receipt.as_dict() | {"spec": spec.model_dump(mode="json", exclude_defaults=True)}
        audit.record(session, "export.finish", f"export:{receipt.uid}", by=by, project=project, detail=detail)


def snapshot(engine: sa.Engine) -> sa.Connection:
    """A connection whose reads all see the same moment."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    return engine.connect()


def _rows(
    connection: sa.Connection, project: Project, spec: ExportSpec, receipt: Receipt
) -> Iterator[formats.Row]:
    for row in make_rows(connection, project, spec, receipt.excluded):
        receipt.rows += 1
        yield row


def make_rows(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[formats.Row]:
    """The rows of a format, in stable order."""
    wrap = formats.wrap_for(spec)
    if spec.format.for_training:
        for preference in iter_preferences(connection, project, spec, excluded):
            yield formats.preference_row(preference, spec, wrap)
    else:
        known = names(connection, project)
        for record in read(connection, project, spec, live=False):
            earlier = [row.supersedes_id for row in record.judgments if row.supersedes_id is not None]
            yield from formats.judgment_rows(record, wrap, known, submission_ids(connection, earlier))


def _blocks(rows: Iterator[formats.Row], spec: ExportSpec) -> Iterator[bytes]:
    if spec.file == "jsonl":
        return _json_lines(rows)
    # Loaded when it is asked for: pyarrow takes long to start.
    from app.exports import parquet

    return parquet.write(rows, spec)


def _json_lines(rows: Iterator[formats.Row]) -> Iterator[bytes]:
    while block := [formats.line(row) for row in islice(rows, BLOCK)]:
        yield b"".join(block)
