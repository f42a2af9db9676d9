"""What an annotator has judged, and how it looked to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from app.annotation.asked import SAID, turned
from app.annotation.claim import Assigned, annotator_of
from app.annotation.forms import as_form
from app.annotation.pair import is_sensitive
from app.annotation.statements import annotators, assignments, comparisons, judgments, prompts
from app.errors import NotFound
from app.models import Message, Model
from app.permissions import Access
from app.prepared import table

A_PAGE = 25
EXCERPT = 160


@dataclass(frozen=True)
class Judged:
    """One's own live judgment: what was said of the responses, as it is ``stored``, and as it was ``said``.

    The latter names places on the screen as it was shown, in the form's fields.
    """

    id: int
    submission_id: str
    at: Any
    stored: dict[str, Any]
    said: MultiDict[str, str]
    changed: bool
    excerpt: str
    sensitive: bool
    category: str | None
    language: str | None
    # As A and B on the screen; only where the project reveals them.
    models: tuple[str, str] | None
    assigned: Assigned


@dataclass(frozen=True)
class Page:
    """Some judgments, newest first; ``older`` continues where these end."""

    rows: Sequence[Judged]
    older: int | None


def history(session: Session, access: Access, before: int | None = None, *, limit: int = A_PAGE) -> Page:
    """The asker's live judgments in a project."""
    annotator = annotator_of(session, access)
    query = _mine(annotator.id).order_by(judgments.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(judgments.c.id < before)
    found = session.execute(query).all()
    rows = [_judged(row, access) for row in found[:limit]]
    return Page(rows, rows[-1].id if len(found) > limit else None)


def one_of_mine(session: Session, access: Access, submission_id: str) -> Judged:
    """One of the asker's live judgments; raises NotFound where it is none."""
    annotator = annotator_of(session, access)
    row = session.execute(_mine(annotator.id).where(judgments.c.submission_id == submission_id)).one_or_none()
    if row is None:
        raise NotFound("This judgment is not among yours. It may have been changed or taken back.")
    return _judged(row, access)


_first, _second = table(Model).alias("model_a"), table(Model).alias("model_b")


def _mine(annotator_id: int) -> "sa.Select[Any]":
    columns = (
        *(judgments.c[name] for name in ("id", "submission_id", "created_at", "supersedes_id", *SAID)),
        assignments.c.id.label("assignment_id"),
        *(assignments.c[name] for name in ("uid", "comparison_id", "swapped")),
        *(prompts.c[name] for name in ("messages", "category", "language", "tags")),
        _first.c.name.label("model_a"),
        _second.c.name.label("model_b"),
    )
    tables = (
        sa.join(judgments, assignments, judgments.c.assignment_id == assignments.c.id)
        .join(comparisons, judgments.c.comparison_id == comparisons.c.id)
        .join(prompts, comparisons.c.prompt_id == prompts.c.id)
        .join(_first, comparisons.c.model_a_id == _first.c.id)
        .join(_second, comparisons.c.model_b_id == _second.c.id)
        .join(annotators, judgments.c.annotator_id == annotators.c.id)
    )
    return (
        sa.select(*columns)
        .select_from(tables)
        .where(judgments.c.annotator_id == annotator_id, judgments.c.retired_at.is_(None))
    )


def _judged(row: Any, access: Access) -> Judged:
    swapped = bool(row.swapped)
    names = (row.model_b, row.model_a) if swapped else (row.model_a, row.model_b)
    stored = {name: getattr(row, name) for name in SAID}
    return Judged(
        id=row.id,
        submission_id=row.submission_id,
        at=row.created_at,
        stored=stored,
        said=as_form(turned(stored) if swapped else stored),
        changed=row.supersedes_id is not None,
        excerpt=excerpt(row.messages or []),
        sensitive=is_sensitive(row.category, row.tags),
        category=row.category,
        language=row.language,
        models=names if access.project.reveals_models else None,
        assigned=Assigned(row.assignment_id, row.uid, row.comparison_id, swapped, new=False),
    )


def excerpt(messages: list[Message]) -> str:
    """The beginning of the last thing that was asked."""
    said = [message.get("content") for message in messages if message.get("role") == "user"]
    last = said[-1] if said else ""
    if isinstance(last, list):
        last = " ".join(part.get("text", "") for part in last if isinstance(part, dict))
    words = " ".join(str(last or "").split())
    return words if len(words) <= EXCERPT else words[: EXCERPT - 1].rstrip() + "…"
