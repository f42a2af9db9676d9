"""What tells other programs of what happened in a project."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, enum_type, now, one_live, opaque_id


class Event(StrEnum):
    """What a webhook may be told of."""

    JUDGMENT = "judgment"
    BATCH = "batch"
    ALERT = "alert"


class DeliveryState(StrEnum):
    """Where a delivery stands; one that waits may have been tried."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Webhook(SQLModel, table=True):
    """An address that is told of a project's events.

    The secret signs what is sent, so it cannot be kept as a digest; it is shown once.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        sa.CheckConstraint("on_judgment OR on_batch OR on_alert", name="tells_something"),
        sa.Index(None, "project_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    project_id: int = Field(foreign_key="projects.id")
    url: str = Field(max_length=2000)
    secret: str = Field(max_length=100)
    on_judgment: bool = False
    on_batch: bool = False
    on_alert: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    # Since when nothing has arrived there; so long, and it is switched off.
    failing_since: datetime | None = Field(default=None, sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @property
    def events(self) -> list[Event]:
        """What it is told of."""
        return [event for event in Event if getattr(self, f"on_{event}")]


class Delivery(SQLModel, table=True):
    """One event for one webhook, written in the transaction of what happened, and what became of it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.Index(None, "webhook_id", "id"),
        sa.Index(
            "ix_deliveries_due",
            "next_at",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index(
            "ix_deliveries_by_hand",
            "webhook_id",
            "id",
            sqlite_where=sa.text("by_hand = 1"),
            postgresql_where=sa.text("by_hand"),
        ),
        sa.CheckConstraint("attempts >= 0", name="attempts_not_negative"),
    )

    id: int | None = Field(default=None, primary_key=True)
    # The webhook-id header: the same at every attempt, so that a receiver can tell a repeat.
    uid: str = Field(default_factory=opaque_id, unique=True)
    webhook_id: int = Field(foreign_key="webhooks.id")
    payload: dict[str, Any] = Field(sa_type=Json)
    state: DeliveryState = Field(
        default=DeliveryState.WAITING, sa_type=enum_type(DeliveryState, "delivery_state")
    )
    attempts: int = 0
    # A lead asked for its next attempt, which waits for no other delivery.
    by_hand: bool = False
    next_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    # Of the last attempt.
    status: int | None = None
    answer: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    tried_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Alert(SQLModel, table=True):
    """Something that a project's lead should look at, until it is over."""

    __tablename__ = "alerts"
    __table_args__ = (
        one_live("uq_alerts_live", "project_id", "kind", "subject", where="resolved_at IS NULL"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    kind: str = Field(max_length=32)
    subject: str = Field(max_length=100)
    detail: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    resolved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
