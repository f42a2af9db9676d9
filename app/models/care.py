"""What spares those who judge. Nothing here says who, but for what the queue must know of each."""

from datetime import date
from enum import StrEnum

from sqlmodel import Field, SQLModel

from app.models.base import enum_type


class Care(StrEnum):
    """What is counted for the lead, without names."""

    WARNED = "warned"
    BREAK_TAKEN = "break_taken"
    BREAK_PASSED = "break_passed"
    LIMIT_REACHED = "limit_reached"


class Decline(SQLModel, table=True):
    """A category that somebody would rather not judge; the queue gives them none of it."""

    __tablename__ = "declines"

    annotator_id: int = Field(foreign_key="annotators.id", primary_key=True)
    category: str = Field(primary_key=True, max_length=100)


class CareCount(SQLModel, table=True):
    """How often something happened in a project on a day (UTC)."""

    __tablename__ = "care_counts"

    project_id: int = Field(foreign_key="projects.id", primary_key=True)
    day: date = Field(primary_key=True)
    what: Care = Field(sa_type=enum_type(Care, "care"), primary_key=True)
    n: int = 0
