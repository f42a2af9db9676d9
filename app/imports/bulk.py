"""Many rows at once, by the fastest way each database has: the raw driver, or COPY."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson
import sqlalchemy as sa

SQLITE = "sqlite"

# Sequence values taken at once on PostgreSQL; unused ones are lost, which does no harm.
BLOCK = 1000


def is_sqlite(connection: sa.Connection) -> bool:
    return connection.dialect.name == SQLITE


def insert(
    connection: sa.Connection, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Add rows given as tuples in the columns' order; JSON as text, times by ``moment``."""
    if not rows:
        return
    names = ", ".join(columns)
    if is_sqlite(connection):
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 -- our own names
        return
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def moment(connection: sa.Connection, value: datetime) -> Any:
    """A time as the driver stores it, the way SQLAlchemy would have written it."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if is_sqlite(connection) else value


def among(connection: sa.Connection, column: str, name: str) -> str:
    """A condition that a column is one of any number of values bound as ``name``."""
    if is_sqlite(connection):
        return f"{column} IN (SELECT value FROM json_each(:{name}))"  # noqa: S608 -- our own names
    return f"{column} = ANY(:{name})"


def values(connection: sa.Connection, found: Iterable[Any]) -> Any:
    """The values for ``among``."""
    return orjson.dumps(list(found)).decode() if is_sqlite(connection) else list(found)


def new_ids(connection: sa.Connection, table: str) -> Iterator[int]:
    """Ids nobody else uses; on SQLite within this write transaction only."""
    if is_sqlite(connection):
        highest = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {table}").scalar_one()  # noqa: S608
        return count(highest + 1)
    return _blocks(connection, table)


def _blocks(connection: sa.Connection, table: str) -> Iterator[int]:
    values = f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, {BLOCK})"  # noqa: S608
    block = sa.text(values)
    while True:
        yield from connection.execute(block).scalars().all()


def begin(connection: sa.Connection, project_id: int) -> None:
    """Let one import or pairing of a project write at a time; SQLite has one writer anyway."""
    if is_sqlite(connection):
        # Keys are random, so that every page of their indexes is needed again and again.
        connection.exec_driver_sql("PRAGMA cache_size=-16384")
    else:
        key = {"id": project_id}
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('tiebreak'), :id)"), key)
