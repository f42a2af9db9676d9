"""What every table shares: naming convention, column types, opaque ids."""

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa
from sqlmodel import SQLModel

# Named constraints let a migration drop or change them on both databases; the names must be
# settled before the first table exists.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Tables skip validation, so nobody needs the validators that pydantic would build for each of them.
SQLModel.model_config["defer_build"] = True

metadata = SQLModel.metadata


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime on both databases; a naive value is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _utc(value)

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        # What SQLite's own processor writes, at a quarter of the time.
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"naive datetime {value!r}: times are stored as UTC")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    return None if value is None else _utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


# Text on both databases: exports pass it through as it was stored, key order and all.
Json = sa.JSON(none_as_null=True)


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def opaque_id() -> str:
    """A random identifier of 16 URL-safe characters (96 bits), safe to show."""
    return secrets.token_urlsafe(12)


class Row(Protocol):
    """A row of any table whose key is a number."""

    id: int | None


def row_id(row: Row) -> int:
    """The id of a row that has been flushed: its type cannot say that it is there.

    Raises ValueError where it has not.
    """
    if row.id is None:
        raise ValueError(f"{row!r} is not in the database yet")
    return row.id


def enum_type(enum: type[StrEnum], name: str) -> sa.Enum:
    """A column that stores the enum's values as text and checks them in the database."""
    return sa.Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=max(len(member.value) for member in enum),
        values_callable=lambda members: [member.value for member in members],
    )


def one_live(name: str, *columns: str, where: str) -> sa.Index:
    """A unique index over the rows that meet a condition, on both databases."""
    clause = sa.text(where)
    return sa.Index(name, *columns, unique=True, sqlite_where=clause, postgresql_where=clause)
