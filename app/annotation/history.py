"""What an annotator has judged, and how it looked to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from flask_babel import lazy_gettext
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from app import text
from app.annotation import marks, statements
from app.annotation.asked import SAID, turned
from app.annotation.claim import Assigned, own_id
from app.annotation.forms import HistoryQuery, as_form
from app.annotation.judge import Told
from app.annotation.sensitive import is_sensitive
from app.annotation.statements import annotators, assignments, comparisons, judgments, prompts
from app.errors import NotFound
from app.models import AssignmentState, Message, Model, Outcome, Project, SkipReason
from app.permissions import Access
from app.prepared import table
from app.tallies import TURNED

NOT_AMONG_YOURS = lazy_gettext("This judgment is not among yours. It may have been changed or taken back.")

A_PAGE = 25
EXCERPT = 160
EVERYTHING = HistoryQuery()


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
    # What it was asked by; None where it was a plain verdict.
    rubric_id: int | None
    excerpt: str
    sensitive: bool
    category: str | None
    language: str | None
    # As A and B on the screen; only where the project names them and they asked to be told.
    models: tuple[str, str] | None
    # Whoever knows the models, or the right verdict of a gold comparison, judges it no more.
    final: bool
    # What they were told of a gold comparison they missed.
    told: Told | None
    assigned: Assigned

    @property
    def marks(self) -> list[dict[str, Any]]:
        """The faulty places, of responses as they are named on the screen."""
        spans = self.stored["spans"] or []
        return turned({"spans": spans})["spans"] if self.assigned.swapped else spans


@dataclass(frozen=True)
class Skipped:
    """A pair that was passed on, and why."""

    id: int
    uid: str
    at: Any
    reason: SkipReason | None
    excerpt: str
    sensitive: bool
    category: str | None


Row = TypeVar("Row", Judged, Skipped)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some judgments or skips, newest first; ``older`` continues where these end."""

    rows: Sequence[Row]
    older: int | None


def history(
    session: Session,
    access: Access,
    asked: HistoryQuery = EVERYTHING,
    before: int | None = None,
    *,
    limit: int = A_PAGE,
) -> Page[Judged]:
    """The asker's live judgments in a project, as far as they asked for them."""
    query = _mine(own_id(session, access)).where(*_wanted(asked.show))
    found = _newest(session, query, judgments.c.id, asked, before, limit)
    rows = [_judged(row, access) for row in found[:limit]]
    return Page(rows, rows[-1].id if len(found) > limit else None)


def skips(session: Session, access: Access, asked: HistoryQuery, before: int | None = None) -> Page[Skipped]:
    """The pairs that the asker passed on."""
    query = _skips(own_id(session, access))
    found = _newest(session, query, assignments.c.id, asked, before, A_PAGE)
    rows = [_skipped(row, access.project) for row in found[:A_PAGE]]
    return Page(rows, rows[-1].id if len(found) > A_PAGE else None)


def _newest(
    session: Session,
    query: "sa.Select[Any]",
    place: "sa.Column[Any]",
    asked: HistoryQuery,
    before: int | None,
    limit: int,
) -> Sequence[Any]:
    """One row more than the page holds, where there is one."""
    if asked.category:
        query = query.where(prompts.c.category == asked.category)
    if before is not None:
        query = query.where(place < before)
    return session.execute(query.order_by(place.desc()).limit(limit + 1)).all()


def _wanted(show: str) -> list["sa.ColumnElement[bool]"]:
    """A verdict names a place on the screen: stored, it is another one where that was swapped."""
    if show in ("", "skipped"):
        return []
    if show == "changed":
        return [judgments.c.supersedes_id.is_not(None)]
    outcome, swapped = Outcome(show), TURNED.get(Outcome(show), Outcome(show))
    as_shown = sa.case((assignments.c.swapped, sa.literal(swapped, judgments.c.outcome.type)), else_=outcome)
    return [judgments.c.outcome == as_shown]


def categories_of_mine(session: Session, access: Access) -> list[tuple[str, str]]:
    """The categories, as choices, of all that the asker had in hand here."""
    query = (
        sa.select(prompts.c.category)
        .select_from(
            sa.join(assignments, comparisons, assignments.c.comparison_id == comparisons.c.id).join(
                prompts, comparisons.c.prompt_id == prompts.c.id
            )
        )
        .where(assignments.c.annotator_id == own_id(session, access), prompts.c.category.is_not(None))
    )
    found = session.execute(query.distinct().order_by(prompts.c.category)).scalars()
    return [(category, category) for category in found]


def _skips(annotator_id: int) -> "sa.Select[Any]":
    return (
        sa.select(
            *(assignments.c[name] for name in ("id", "uid", "closed_at", "skip_reason")),
            *(prompts.c[name] for name in ("messages", "category", "tags")),
        )
        .select_from(
            sa.join(assignments, comparisons, assignments.c.comparison_id == comparisons.c.id).join(
                prompts, comparisons.c.prompt_id == prompts.c.id
            )
        )
        .where(assignments.c.annotator_id == annotator_id, assignments.c.state == AssignmentState.SKIPPED)
    )


def _skipped(row: Any, project: Project) -> Skipped:
    return Skipped(
        id=row.id,
        uid=row.uid,
        at=row.closed_at,
        reason=row.skip_reason,
        excerpt=excerpt(row.messages or []),
        sensitive=is_sensitive(project, row.category, row.tags),
        category=row.category,
    )


def one_of_mine(session: Session, access: Access, submission_id: str) -> Judged:
    """One of the asker's live judgments; raises NotFound where it is none."""
    mine = _mine(own_id(session, access)).where(judgments.c.submission_id == submission_id)
    row = session.execute(mine).one_or_none()
    if row is None:
        raise NotFound(str(NOT_AMONG_YOURS))
    return _judged(row, access)


def replaced_by(session: Session, access: Access, submission_id: str) -> str | None:
    """The submission_id of the asker's live judgment of the same pair; None where it was taken back.

    Raises NotFound where the asker never gave such a judgment.
    """
    own = own_id(session, access)
    pair = session.execute(
        sa.select(judgments.c.comparison_id).where(
            judgments.c.submission_id == submission_id, judgments.c.annotator_id == own
        )
    ).scalar()
    if pair is None:
        raise NotFound(str(NOT_AMONG_YOURS))
    live = statements.LIVE_JUDGMENT.first(session, comparison_id=pair, annotator_id=own)
    return None if live is None else str(live.submission_id)


def said_again(session: Session, judged: Judged) -> MultiDict[str, str]:
    """What was said, in the fields of the page that shows the pair: its places are those on that page."""
    if not judged.marks:
        return judged.said
    spans = marks.on_screen(session, judged.assigned.comparison_id, judged.stored["spans"])
    shown = judged.stored | {"spans": spans}
    return as_form(turned(shown) if judged.assigned.swapped else shown)


_first, _second = table(Model).alias("model_a"), table(Model).alias("model_b")


def _mine(annotator_id: int) -> "sa.Select[Any]":
    columns = (
        *(judgments.c[name] for name in ("id", "submission_id", "created_at", "supersedes_id", "rubric_id")),
        *(judgments.c[name] for name in SAID),
        assignments.c.id.label("assignment_id"),
        *(
            assignments.c[name]
            for name in ("uid", "comparison_id", "swapped", "revealed_at", "told_at", "draft")
        ),
        *(prompts.c[name] for name in ("messages", "category", "language", "tags")),
        *(comparisons.c[name] for name in ("gold", "gold_reason")),
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
    told = row.told_at and row.gold
    return Judged(
        id=row.id,
        submission_id=row.submission_id,
        at=row.created_at,
        stored=stored,
        said=as_form(turned(stored) if swapped else stored),
        changed=row.supersedes_id is not None,
        rubric_id=row.rubric_id,
        excerpt=excerpt(row.messages or []),
        sensitive=is_sensitive(access.project, row.category, row.tags),
        category=row.category,
        language=row.language,
        models=names if row.revealed_at and access.project.reveals_models else None,
        final=bool(row.revealed_at or row.told_at),
        told=Told(row.outcome, row.gold, row.gold_reason, swapped) if told else None,
        assigned=Assigned(row.assignment_id, row.uid, row.comparison_id, swapped, False, row.draft),
    )


def excerpt(messages: list[Message]) -> str:
    """The beginning of the last thing that was asked."""
    return text.asked(messages, EXCERPT)
