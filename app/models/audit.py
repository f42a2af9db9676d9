"""The record of every change."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, now


class AuditEvent(SQLModel, table=True):
    """Who did what to what, when; ``detail`` holds from → to."""

    __tablename__ = "audit_events"
    __table_args__ = (sa.Index(None, "project_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    # Nobody for what a command line or the system itself did.
    account_id: int | None = Field(default=None, foreign_key="accounts.id")
    project_id: int | None = Field(default=None, foreign_key="projects.id")
    verb: str = Field(max_length=64)
    subject: str = Field(max_length=200)
    detail: dict[str, Any] | None = Field(default=None, sa_type=Json)
