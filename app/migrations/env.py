"""Runs migrations on the engine handed over by ``app.db``; offline mode is not offered."""

from typing import Any, Literal

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


with context.config.attributes["engine"].execution_options(sqlite_begin="IMMEDIATE").connect() as _connection:
    _run(_connection)
