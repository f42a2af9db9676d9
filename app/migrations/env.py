"""Runs migrations on the engine handed over by ``app.db``; offline mode is not offered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, cast

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString

from app.models import metadata
from app.models.base import UTCDateTime


def _render(kind: str, value: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write plain SQLAlchemy types, so that a migration never changes with the models."""
    if kind == "type" and isinstance(value, AutoString):
        return f"sa.String(length={value.length})" if value.length else "sa.String()"
    if kind == "type" and isinstance(value, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _ours(_object: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Leave the job queue's own tables alone; it makes them itself."""
    return not (kind == "table" and reflected and (name or "").startswith("huey_"))


@contextmanager
def _connected(engine: sa.Engine) -> Iterator[sa.Connection]:
    """SQLite changes a table by filling a new one: what refers to the old must not stop its end."""
    with engine.execution_options(sqlite_begin="IMMEDIATE").connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection
            return
        # Outside any transaction: within one the pragma does nothing.
        driver = cast(Any, connection.connection.dbapi_connection)
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            connection.rollback()
            driver.execute("PRAGMA foreign_keys=ON")


def _run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=_render,
        include_object=_ours,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


with _connected(context.config.attributes["engine"]) as _connection:
    _run(_connection)
