"""Comparisons, their place in the queue, and their assignment to annotators."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, enum_type, now, one_live, opaque_id


class Outcome(StrEnum):
    """A verdict in the comparison's stored order, never the screen's."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class AssignmentState(StrEnum):
    """An assignment is open until judged, skipped, or released when its lease ran out."""

    OPEN = "open"
    JUDGED = "judged"
    SKIPPED = "skipped"
    RELEASED = "released"


class SkipReason(StrEnum):
    """Why somebody passed on a comparison."""

    LANGUAGE = "language"
    SUBJECT = "subject"
    UPSETTING = "upsetting"
    BROKEN = "broken"
    OTHER = "other"


class GoldUse(StrEnum):
    """What a gold comparison is for, where it is not served unannounced among the others."""

    TRAINING = "training"
    TEST = "test"


def _response(side: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["prompt_id", f"model_{side}_id", f"sample_{side}"],
        ["responses.prompt_id", "responses.model_id", "responses.sample"],
    )


class Comparison(SQLModel, table=True):
    """Two responses to the same prompt.

    The responses are named by (prompt, model, sample), so that they answer the same prompt by
    construction. ``pair_id`` is a digest of the prompt's key and the unordered pair: the
    comparison's public name, the same in every database.
    """

    __tablename__ = "comparisons"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "pair_id"),
        _response("a"),
        _response("b"),
        sa.CheckConstraint("model_a_id <> model_b_id OR sample_a <> sample_b", name="responses_differ"),
        sa.CheckConstraint("gold_reason IS NULL OR gold IS NOT NULL", name="reason_of_gold"),
        sa.CheckConstraint("gold_use IS NULL OR gold IS NOT NULL", name="use_of_gold"),
        sa.Index(None, "project_id", "id"),
        # Exports read prompt by prompt.
        sa.Index(None, "project_id", "prompt_id", "id"),
        sa.Index(
            "ix_comparisons_gold",
            "project_id",
            "id",
            # Or SQLite takes the index above for as good, and looks at every comparison.
            "gold",
            "gold_use",
            sqlite_where=sa.text("gold IS NOT NULL"),
            postgresql_where=sa.text("gold IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    pair_id: str = Field(max_length=32)
    prompt_id: int
    model_a_id: int
    sample_a: int = 0
    model_b_id: int
    sample_b: int = 0
    batch_id: int | None = Field(default=None, foreign_key="batches.id")
    gold: Outcome | None = Field(default=None, sa_type=enum_type(Outcome, "gold"))
    gold_reason: str | None = None
    gold_use: GoldUse | None = Field(default=None, sa_type=enum_type(GoldUse, "gold_use"))
    # Taken out of the queue by a lead: who asks for pairs again does not mean this one.
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


def answers(response: Any, comparison: Any, side: str) -> sa.ColumnElement[bool]:
    """Whether a response is on this side, "a" or "b", of a comparison; both as classes or as columns."""
    return sa.and_(
        response.prompt_id == comparison.prompt_id,
        response.model_id == getattr(comparison, f"model_{side}_id"),
        response.sample == getattr(comparison, f"sample_{side}"),
    )


class Slot(SQLModel, table=True):
    """A queued comparison's counters: how many annotators hold or have judged it, of how many.

    Narrow on purpose: SQLite rewrites a whole row for each change.
    """

    __tablename__ = "slots"
    __table_args__ = (
        sa.CheckConstraint("wanted >= 1", name="wanted_positive"),
        sa.CheckConstraint("taken >= 0 AND taken <= wanted", name="taken_range"),
        sa.Index(
            "ix_slots_free",
            "project_id",
            "taken",
            "position",
            "comparison_id",
            sqlite_where=sa.text("taken < wanted"),
            postgresql_where=sa.text("taken < wanted"),
        ),
    )

    comparison_id: int = Field(
        foreign_key="comparisons.id", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    project_id: int = Field(foreign_key="projects.id")
    taken: int = 0
    wanted: int
    # Lower is served first among the least taken: a shuffle, below zero what was chosen to come first.
    position: int = 0


class Assignment(SQLModel, table=True):
    """A comparison handed to one annotator, with the order it is shown in.

    ``swapped`` is a fair coin, stored: true shows response b on the left, as A on the screen. Once
    its annotator has seen which models they are (``revealed_at``), or was told the right verdict of a
    gold comparison (``told_at``), it stays judged as it is.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        sa.UniqueConstraint("comparison_id", "annotator_id"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="open_until_closed"),
        sa.CheckConstraint("skip_reason IS NULL OR state = 'skipped'", name="reason_of_a_skip"),
        sa.CheckConstraint("revealed_at IS NULL OR state = 'judged'", name="judged_once_revealed"),
        sa.CheckConstraint("told_at IS NULL OR state = 'judged'", name="judged_once_told"),
        sa.Index(
            "ix_assignments_open",
            "annotator_id",
            "id",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    comparison_id: int = Field(foreign_key="comparisons.id")
    annotator_id: int = Field(foreign_key="annotators.id")
    swapped: bool
    state: AssignmentState = Field(
        default=AssignmentState.OPEN, sa_type=enum_type(AssignmentState, "assignment_state")
    )
    opened_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    skip_reason: SkipReason | None = Field(default=None, sa_type=enum_type(SkipReason, "skip_reason"))
    revealed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    told_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    # How often a draft of its judgment was saved: 0 says that there is none to look for, and an
    # older tab is known by the number it goes by.
    draft: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Draft(SQLModel, table=True):
    """What was entered for a pair and not sent yet: the fields of its form, as they stand on the screen."""

    __tablename__ = "drafts"

    assignment_id: int = Field(
        foreign_key="assignments.id", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    entered: dict[str, Any] = Field(sa_type=Json)
    saved_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class Trial(SQLModel, table=True):
    """A gold comparison judged to learn, or as part of a test: it counts in nothing that judgments count in.

    ``attempt`` 0 is the training round, each number after it one go at the test. Who starts over
    has new trials; the old ones are retired. ``outcome`` is in the comparison's stored order, and
    ``correct`` what it was worth when it was given. One that was ``passed_over`` unread is retired, too,
    and its comparison is not given to them again.
    """

    __tablename__ = "trials"
    __table_args__ = (
        one_live("uq_trials_live", "annotator_id", "attempt", "comparison_id", where="retired_at IS NULL"),
        sa.CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_at IS NULL) AND (outcome IS NULL) = (correct IS NULL)",
            name="answered_in_full",
        ),
        sa.Index(None, "comparison_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    annotator_id: int = Field(foreign_key="annotators.id")
    comparison_id: int = Field(foreign_key="comparisons.id")
    attempt: int = 0
    swapped: bool
    opened_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    outcome: Outcome | None = Field(default=None, sa_type=enum_type(Outcome, "trial_outcome"))
    correct: bool | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    passed_over: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
