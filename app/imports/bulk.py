"""Many rows at once, by the fastest way each database has: the raw driver, or COPY."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, count
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import SQLModel

SQLITE = "sqlite"

# Sequence values taken at once on PostgreSQL; unused ones are lost, which does no harm.
BLOCK = 1000

# Rows that one statement adds on SQLite, which then opens the table and its indexes once for all of them.
TOGETHER = 100


def is_sqlite(connection: sa.Connection) -> bool:
    return connection.dialect.name == SQLITE


def insert(
    connection: sa.Connection, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Add rows given as tuples in the columns' order; JSON as bytes, times by ``moment``."""
    if not rows:
        return
    names = ", ".join(columns)
    of = SQLModel.metadata.tables[table].c
    json = [isinstance(of[name].type, sa.JSON) for name in columns]
    if is_sqlite(connection):
        # As text, long JSON would be decoded here only to be encoded again.
        marks = ", ".join("CAST(? AS TEXT)" if column else "?" for column in json)
        add = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 -- our own names
        whole = len(rows) - len(rows) % TOGETHER
        if whole:
            batches = [
                tuple(chain.from_iterable(rows[at : at + TOGETHER])) for at in range(0, whole, TOGETHER)
            ]
            connection.exec_driver_sql(add + f", ({marks})" * (TOGETHER - 1), batches)
        if rows[whole:]:
            connection.exec_driver_sql(add, rows[whole:])
        return
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(
                [text(value) if column else value for value, column in zip(row, json, strict=True)]
            )


def text(json: bytes | None) -> str | None:
    """Stored JSON as COPY and single statements take it."""
    return None if json is None else json.decode()


def moment(connection: sa.Connection, value: datetime) -> Any:
    """A time as the driver stores it, the way SQLAlchemy would have written it."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if is_sqlite(connection) else value


def among(connection: sa.Connection, table: str, column: str, where: str = "1 = 1") -> str:
    """A table, for FROM, of which only rows with one of the values bound as ``wanted`` are looked at.

    The condition ``where`` may bind more; with the column it must be what an index begins with.
    """
    chosen = f"SELECT * FROM {table} WHERE {where} AND {column}"  # noqa: S608 -- our own names
    if is_sqlite(connection):
        return f"({chosen} IN (SELECT value FROM json_each(:wanted))) AS {table}"  # noqa: S608
    # Value by value, come what may: a table that grows as fast as here has no statistics yet, and
    # PostgreSQL would compare each row of the project with each value. OFFSET 0 keeps it from that.
    each = f"CROSS JOIN LATERAL ({chosen} = wanted.value OFFSET 0) AS {table}"
    kind = "bigint" if isinstance(SQLModel.metadata.tables[table].c[column].type, sa.Integer) else "text"
    return f"unnest(CAST(:wanted AS {kind}[])) AS wanted(value) {each}"


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
    named = sa.text("SELECT pg_get_serial_sequence(:table, 'id')")
    sequence = {"name": connection.execute(named, {"table": table}).scalar_one()}
    block = sa.text(f"SELECT nextval(CAST(:name AS regclass)) FROM generate_series(1, {BLOCK})")  # noqa: S608
    while True:
        yield from connection.execute(block, sequence).scalars().all()


def begin(connection: sa.Connection, project_id: int) -> None:
    """Let one import or pairing of a project write at a time; SQLite has one writer anyway."""
    if is_sqlite(connection):
        # Keys are random, so that every page of their indexes is needed again and again.
        connection.exec_driver_sql("PRAGMA cache_size=-16384")
    else:
        # A plan made while a table is small is kept while it grows: not one that reads it whole.
        indexes = "set_config('enable_seqscan', 'off', true)"
        sql = f"SELECT pg_advisory_xact_lock(hashtext('tiebreak'), :id), {indexes}"
        connection.execute(sa.text(sql), {"id": project_id})
