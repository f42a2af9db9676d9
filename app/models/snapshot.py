"""Exports that stay as they are."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, enum_type, now


class SnapshotState(StrEnum):
    """A snapshot is being made, or ready and never changed again."""

    MAKING = "making"
    READY = "ready"


class Snapshot(SQLModel, table=True):
    """One version of a named snapshot; its files lie in the snapshot store.

    ``digest`` is that of its SHA256SUMS, which names the digest of every other file.
    """

    __tablename__ = "snapshots"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "name", "version"),
        sa.CheckConstraint("version >= 1", name="version_positive"),
        sa.CheckConstraint("(state = 'ready') = (digest IS NOT NULL)", name="digest_when_ready"),
        sa.CheckConstraint("(state = 'ready') = (ready_at IS NOT NULL)", name="moment_when_ready"),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_reason IS NULL)", name="reason_when_withdrawn"
        ),
        sa.CheckConstraint("withdrawn_reason <> ''", name="withdrawn_reason_not_empty"),
        sa.CheckConstraint("withdrawn_at IS NULL OR state = 'ready'", name="ready_before_withdrawn"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    name: str = Field(max_length=60)
    version: int
    state: SnapshotState = Field(
        default=SnapshotState.MAKING, sa_type=enum_type(SnapshotState, "snapshot_state")
    )
    # What makes it; none where a terminal does. It finds its own again after a restart.
    job_id: int | None = Field(default=None, foreign_key="jobs.id", unique=True)
    account_id: int | None = Field(default=None, foreign_key="accounts.id")
    digest: str | None = Field(default=None, max_length=64)
    # Preferences in its Parquet files, bytes of all files.
    rows: int = 0
    size: int = Field(default=0, sa_type=sa.BigInteger)
    # [{path, bytes, sha256, rows?, format?, split?}], each file of it.
    files: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    ready_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    # That it turned out wrong, and a word beside it: of the snapshot, not in its files.
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_reason: str | None = Field(default=None, max_length=500)
    note: str = Field(default="", max_length=1000)

    @property
    def label(self) -> str:
        """Its name and version, as addresses and folders say them."""
        return f"{self.name}-v{self.version}"
