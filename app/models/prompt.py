"""Prompts, the models' responses to them, and their rendered form."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json

Message = dict[str, Any]


class Prompt(SQLModel, table=True):
    """The messages up to the turn to be answered; without messages it came with votes only."""

    __tablename__ = "prompts"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "key"),
        # Those without text are told apart by counting a few, not by reading all.
        sa.Index(
            "ix_prompts_without_text",
            "project_id",
            sqlite_where=sa.text("messages IS NULL"),
            postgresql_where=sa.text("messages IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    batch_id: int | None = Field(default=None, foreign_key="batches.id")
    # The importer's prompt_id, or a digest of the messages; exports call it prompt_id.
    key: str = Field(max_length=200)
    messages: list[Message] | None = Field(default=None, sa_type=Json)
    category: str | None = Field(default=None, max_length=100)
    language: str | None = Field(default=None, max_length=35)
    tags: list[str] | None = Field(default=None, sa_type=Json)
    meta: dict[str, Any] | None = Field(default=None, sa_type=Json)


class Response(SQLModel, table=True):
    """One model's completion of one prompt; without messages it came with votes only."""

    __tablename__ = "responses"
    __table_args__ = (
        sa.UniqueConstraint("prompt_id", "model_id", "sample"),
        sa.CheckConstraint("sample >= 0", name="sample_not_negative"),
    )

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompts.id")
    model_id: int = Field(foreign_key="models.id")
    sample: int = 0
    messages: list[Message] | None = Field(default=None, sa_type=Json)
    # Always of the messages: tells a repeated import from a conflicting one, and in exports one response's
    # text from another's, without reading them.
    digest: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    meta: dict[str, Any] | None = Field(default=None, sa_type=Json)


class RenderedPrompt(SQLModel, table=True):
    """A prompt's sanitised HTML, made on first show by a renderer of this version."""

    __tablename__ = "rendered_prompts"

    prompt_id: int = Field(foreign_key="prompts.id", primary_key=True)
    version: int
    html: str


class RenderedResponse(SQLModel, table=True):
    """A response's sanitised HTML, made on first show by a renderer of this version."""

    __tablename__ = "rendered_responses"

    response_id: int = Field(foreign_key="responses.id", primary_key=True)
    version: int
    html: str
