"""Judgments, a reviewer's final verdicts, and the tallies rankings are computed from."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, enum_type, now, one_live
from app.models.comparison import Outcome


class Source(StrEnum):
    """The door a judgment came in by."""

    PAGE = "page"
    API = "api"
    IMPORT = "import"
    DEMO = "demo"


def outside_id(submission_id: str) -> str:
    """What a judgment is called where its annotator goes by a pseudonym: 32 hexadecimal digits.

    A program makes submission ids up, and may have put a name in them.
    """
    return hashlib.sha256(submission_id.encode()).hexdigest()[:32]


class Judgment(SQLModel, table=True):
    """One annotator's verdict on a comparison; never changed, only retired by a later one.

    ``submission_id`` is chosen by the client: a repeat of it is the same judgment, and it is the
    judgment's name within the site; ``outside_id`` is the one outside. A live judgment has no
    ``retired_at``; a withdrawn one is retired with no successor. ``preference`` keeps a judge's
    graded verdict: the weight of response a, 0 to 1.

    Everything in it names responses in the comparison's stored order: ``criteria`` {key: verdict},
    ``ratings`` {key: {"a": 1–5, "b": 1–5}} (whose verdicts are in ``criteria`` too), ``tags``
    {"a": [key], "b": [key]}, ``spans`` [{response, start, end, quote, tag, note}] with offsets in
    the response's source text, ``answers`` {key: text or chosen options}.
    """

    __tablename__ = "judgments"
    __table_args__ = (
        one_live("uq_judgments_live", "comparison_id", "annotator_id", where="retired_at IS NULL"),
        one_live("uq_judgments_supersedes_id", "supersedes_id", where="supersedes_id IS NOT NULL"),
        # The live ones have theirs above; together they find a comparison's whole history.
        sa.Index(
            "ix_judgments_retired",
            "comparison_id",
            sqlite_where=sa.text("retired_at IS NOT NULL"),
            postgresql_where=sa.text("retired_at IS NOT NULL"),
        ),
        sa.CheckConstraint("strength IS NULL OR strength BETWEEN 1 AND 3", name="strength_range"),
        sa.CheckConstraint("strength IS NULL OR outcome IN ('a', 'b')", name="strength_of_a_winner"),
        sa.CheckConstraint("preference IS NULL OR preference BETWEEN 0 AND 1", name="preference_range"),
        sa.CheckConstraint("confidence IS NULL OR confidence BETWEEN 1 AND 3", name="confidence_range"),
        sa.CheckConstraint("better_answer IS NULL OR better_answer <> ''", name="better_answer_not_empty"),
        sa.CheckConstraint("duration_ms IS NULL OR duration_ms >= 0", name="duration_not_negative"),
        # The order they were made in, which Elo follows and a time window cuts.
        sa.Index(None, "project_id", "created_at", "id"),
        sa.Index(
            "ix_judgments_retired_in_time",
            "project_id",
            "created_at",
            "id",
            sqlite_where=sa.text("retired_at IS NOT NULL"),
            postgresql_where=sa.text("retired_at IS NOT NULL"),
        ),
        # One supersedes only one's own judgment of the same comparison, of which one alone is live:
        # what a live judgment supersedes is retired.
        sa.UniqueConstraint("annotator_id", "id", "comparison_id"),
        sa.ForeignKeyConstraint(
            ["annotator_id", "supersedes_id", "comparison_id"],
            ["judgments.annotator_id", "judgments.id", "judgments.comparison_id"],
        ),
        sa.ForeignKeyConstraint(["project_id", "rubric_id"], ["rubrics.project_id", "rubrics.id"]),
    )

    id: int | None = Field(default=None, primary_key=True)
    submission_id: str = Field(unique=True, max_length=64)
    project_id: int = Field(foreign_key="projects.id")
    comparison_id: int = Field(foreign_key="comparisons.id")
    annotator_id: int = Field(foreign_key="annotators.id")
    assignment_id: int | None = Field(default=None, foreign_key="assignments.id")
    outcome: Outcome = Field(sa_type=enum_type(Outcome, "outcome"))
    # The order it was shown in, copied from the assignment; unknown for most imports.
    swapped: bool | None = None
    strength: int | None = None
    preference: float | None = None
    criteria: dict[str, Any] | None = Field(default=None, sa_type=Json)
    ratings: dict[str, Any] | None = Field(default=None, sa_type=Json)
    tags: dict[str, Any] | None = Field(default=None, sa_type=Json)
    spans: list[dict[str, Any]] | None = Field(default=None, sa_type=Json)
    rationale: str | None = None
    better_answer: str | None = None
    confidence: int | None = None
    answers: dict[str, Any] | None = Field(default=None, sa_type=Json)
    duration_ms: int | None = None
    guideline_id: int | None = Field(default=None, foreign_key="guidelines.id")
    # None where no more than a verdict was asked for, or nobody knows.
    rubric_id: int | None = None
    source: Source = Field(sa_type=enum_type(Source, "source"))
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    supersedes_id: int | None = None


# Two of the four outcomes, in words that both databases know.
DIVIDED = "a * (b + tie + both_bad) + b * (tie + both_bad) + tie * both_bad > 0"


class VoteCount(SQLModel, table=True):
    """Live judgments of one comparison by outcome, of gold ones too; kept in each judgment's transaction.

    So that those whose annotators are divided are found without reading any judgment. No foreign keys, as
    in Tally.
    """

    __tablename__ = "vote_counts"
    __table_args__ = (
        sa.CheckConstraint("a >= 0 AND b >= 0 AND tie >= 0 AND both_bad >= 0", name="not_negative"),
        sa.Index(
            "ix_vote_counts_divided",
            "project_id",
            "comparison_id",
            sqlite_where=sa.text(DIVIDED),
            postgresql_where=sa.text(DIVIDED),
        ),
    )

    comparison_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    project_id: int
    a: int
    b: int
    tie: int
    both_bad: int


class Adjudication(SQLModel, table=True):
    """A reviewer's final verdict on a comparison; a later one retires it."""

    __tablename__ = "adjudications"
    __table_args__ = (one_live("uq_adjudications_live", "comparison_id", where="retired_at IS NULL"),)

    id: int | None = Field(default=None, primary_key=True)
    comparison_id: int = Field(foreign_key="comparisons.id")
    account_id: int = Field(foreign_key="accounts.id")
    outcome: Outcome = Field(sa_type=enum_type(Outcome, "outcome"))
    rationale: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Tally(SQLModel, table=True):
    """Live judgments of two models counted by outcome and slice, in annotator groups.

    Kept in each judgment's own transaction, so that a leaderboard reads counts and never votes.
    ``model_a_id < model_b_id`` always, the outcome turned to match; ``n`` counts all, ``straight`` those
    shown in that order, ``swapped`` those shown in the other. ``slice_by`` is "category", "language",
    "kind", "group", …; a "criterion" counts the verdicts on it. Both kinds together are all there is.
    Gold comparisons are not counted.

    No foreign keys: the ids are those of a comparison that the judgment's own names, nothing that they name
    is ever deleted, and PostgreSQL would lock each named row, a model's for all who judge it at the time.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        sa.CheckConstraint("model_a_id < model_b_id", name="models_ordered"),
        sa.CheckConstraint("n >= 0", name="n_not_negative"),
        sa.CheckConstraint("straight >= 0 AND swapped >= 0 AND straight + swapped <= n", name="shown_of_all"),
        {"sqlite_with_rowid": False},
    )

    project_id: int = Field(primary_key=True)
    slice_by: str = Field(primary_key=True, max_length=32)
    slice_value: str = Field(primary_key=True, max_length=200)
    model_a_id: int = Field(primary_key=True)
    model_b_id: int = Field(primary_key=True)
    cluster: int = Field(primary_key=True)
    outcome: Outcome = Field(sa_type=enum_type(Outcome, "outcome"), primary_key=True)
    n: int
    straight: int
    swapped: int
