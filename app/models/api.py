"""What the API must remember between requests."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, now


class StoredAnswer(SQLModel, table=True):
    """The answer to a request that creates something, for when its sender asks again with the same key."""

    __tablename__ = "stored_answers"
    __table_args__ = (sa.UniqueConstraint("account_id", "key"), sa.Index(None, "created_at"))

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    key: str = Field(max_length=255)
    # Of what was asked: the same key with another request is a mistake.
    digest: str = Field(max_length=64)
    answer: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
