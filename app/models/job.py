"""Work that outlives a request."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, enum_type, now, opaque_id


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(SQLModel, table=True):
    """A piece of long work: what was asked, how far it is, what came of it."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.CheckConstraint(
            "(state IN ('queued', 'running')) = (finished_at IS NULL)", name="finished_when_ended"
        ),
        sa.Index(None, "project_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    project_id: int | None = Field(default=None, foreign_key="projects.id")
    account_id: int | None = Field(default=None, foreign_key="accounts.id")
    kind: str = Field(max_length=32)
    state: JobState = Field(default=JobState.QUEUED, sa_type=enum_type(JobState, "job_state"))
    params: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    # How often a worker has begun it.
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # Units are the job's own (rows of an import); total is unknown until it is known.
    done: int = 0
    total: int | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=Json)
    error: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    # A running one ends at the next place where nothing is half-done.
    stop_asked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
