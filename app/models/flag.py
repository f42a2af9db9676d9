"""What annotators tell the lead about a pair."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import UTCDateTime, enum_type, now, opaque_id


class FlagKind(StrEnum):
    """What is the matter with a pair."""

    BROKEN = "broken"
    HARMFUL = "harmful"
    IDENTITY = "identity"
    OTHER = "other"


class FlagState(StrEnum):
    """Whether the lead is done with a flag."""

    OPEN = "open"
    CLOSED = "closed"


class Flag(SQLModel, table=True):
    """What an annotator says of a pair they were handed, and the lead's answer.

    ``message`` may be empty where ``kind`` says it.
    ``seen_at`` is when its annotator saw the answer. The same words of the same pair are one open flag.
    """

    __tablename__ = "flags"
    __table_args__ = (
        sa.CheckConstraint("message <> '' OR kind <> 'other'", name="other_says_what"),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_once_answered"),
        sa.CheckConstraint("answer IS NULL OR answered_by_id IS NOT NULL", name="answered_by_somebody"),
        sa.CheckConstraint("seen_at IS NULL OR answer IS NOT NULL", name="answer_seen"),
        sa.Index(None, "project_id", "state", "id"),
        sa.Index(None, "assignment_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    project_id: int = Field(foreign_key="projects.id")
    assignment_id: int = Field(foreign_key="assignments.id")
    kind: FlagKind = Field(sa_type=enum_type(FlagKind, "flag_kind"))
    message: str = Field(max_length=2_000)
    state: FlagState = Field(default=FlagState.OPEN, sa_type=enum_type(FlagState, "flag_state"))
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    answer: str | None = Field(default=None, max_length=2_000)
    answered_by_id: int | None = Field(default=None, foreign_key="accounts.id")
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
