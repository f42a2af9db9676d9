"""An export as a stream of bytes that knows, at its end, what it wrote."""

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import audit, db
from app.errors import NotFound
from app.exports import exclusions, files, filters, formats
from app.exports.exclusions import Unit
from app.exports.forms import ExportSpec, Part
from app.exports.lines import Rows
from app.models import Account, Project, opaque_id


@dataclass
class Receipt:
    """What an export wrote: complete only when its last byte was taken."""

    uid: str = field(default_factory=opaque_id)
    rows: int = 0
    size: int = 0
    sha256: str = ""
    excluded: Counter[str] = field(default_factory=Counter)
    # What of each reason is counted.
    units: dict[str, Unit] = field(default_factory=dict)
    complete: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON and the audit event."""
        return {
            "export": self.uid,
            "rows": self.rows,
            "bytes": self.size,
            "sha256": self.sha256,
            "excluded": dict(self.excluded),
            "excluded_units": self.units,
            "complete": self.complete,
        }


def stream(
    engine: sa.Engine, project: Project, spec: ExportSpec, receipt: Receipt, by: Account | None
) -> Generator[bytes]:
    """The file in blocks, from one snapshot of the database, with an audit event at the end.

    Raises NotFound before the first byte where there is nothing to write.
    """
    if spec.part is Part.DATASET_INFO:
        # It tells of a file that would be refused.
        require_rows(engine, project, spec)
        yield from _counted(iter([formats.dataset_info(project.slug, spec)]), receipt)
    else:
        with snapshot(engine) as connection:
            yield from write(connection, project, spec, receipt)
            receipt.excluded += filters.left_out(connection, project, spec)
        receipt.units = exclusions.units(spec, receipt.excluded)
    with db.transaction(engine) as session:
        # What it is, even where that is usual; of the rest, what was asked beyond it.
        asked = spec.model_dump(mode="json", include={"format", "file", "part"})
        asked |= spec.model_dump(mode="json", exclude_defaults=True)
        detail = receipt.as_dict() | {"spec": asked}
        audit.record(session, "export.finish", f"export:{receipt.uid}", by=by, project=project, detail=detail)


def write(connection: sa.Connection, project: Project, spec: ExportSpec, receipt: Receipt) -> Iterator[bytes]:
    """The rows' file in blocks; the receipt is complete once the last was taken.

    It lacks what the filters left out, which is no split's own.
    """
    return _counted(files.encoded(_rows(connection, project, spec, receipt), spec), receipt)


def _counted(blocks: Iterator[bytes], receipt: Receipt) -> Iterator[bytes]:
    digest = hashlib.sha256()
    # Beside the making of the next block: hashing needs no interpreter, and half as long as the rest.
    with ThreadPoolExecutor(1) as hashing:
        hashed: Future[None] | None = None
        for block in blocks:
            if hashed is not None:
                hashed.result()
            hashed = hashing.submit(digest.update, block)
            receipt.size += len(block)
            yield block
    receipt.sha256 = digest.hexdigest()
    receipt.complete = True


def snapshot(engine: sa.Engine) -> sa.Connection:
    """A connection whose reads all see the same moment."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    connection = engine.connect()
    connection.begin()
    return connection


def _rows(connection: sa.Connection, project: Project, spec: ExportSpec, receipt: Receipt) -> Iterator[Rows]:
    make = formats.make_pairs if formats.in_columns(spec) else formats.make_lines
    for rows in make(connection, project, spec, receipt.excluded):
        if rows:
            receipt.rows += len(rows)
            yield rows
    if not receipt.rows:
        raise nothing(receipt.excluded + filters.left_out(connection, project, spec), spec)


def require_rows(engine: sa.Engine, project: Project, spec: ExportSpec) -> None:
    """Raises NotFound where this export would have no row; reads as far as the first that it has."""
    with snapshot(engine) as connection:
        next(_rows(connection, project, spec, Receipt()))


def nothing(excluded: Counter[str], spec: ExportSpec) -> NotFound:
    """What an export without a row is: a problem that tells what was left out, by reason."""
    problem = NotFound(_nothing(excluded, spec))
    problem.members["excluded"] = dict(excluded.most_common())
    problem.members["excluded_units"] = exclusions.units(spec, excluded)
    return problem


def _nothing(excluded: Counter[str], spec: ExportSpec) -> str:
    if not excluded:
        return _("There are no rows to write: nothing that was judged passes these filters.")
    reasons = ", ".join(exclusions.listed(spec, excluded))
    return _("There are no rows to write. Left out: %(reasons)s.", reasons=reasons)
