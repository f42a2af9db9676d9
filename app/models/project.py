"""A project and what its lead sets up: guidelines, rubrics, batches, models, annotators."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import Json, UTCDateTime, enum_type, now, one_live, opaque_id

# Annotators fall at random into this many groups; the groups are the clusters of the
# leaderboard's intervals, so that their cost does not follow the number of annotators.
ANNOTATOR_GROUPS = 256


def _off() -> Any:
    """A switch that is off unless somebody turns it on."""
    return Field(default=False, sa_column_kwargs={"server_default": sa.false()})


class Visibility(StrEnum):
    """Who may read a project's leaderboard."""

    MEMBERS = "members"
    PUBLIC = "public"


class Selection(StrEnum):
    """Which waiting comparisons come first: any, or those that teach most of the order."""

    RANDOM = "random"
    INFORMATIVE = "informative"


class AnnotatorKind(StrEnum):
    """Whether judgments come from a person or from a judge model."""

    HUMAN = "human"
    MODEL = "model"


class Stage(StrEnum):
    """How far somebody is on the way to live judging."""

    TRAINING = "training"
    TEST = "test"
    LIVE = "live"
    # All attempts at the test are used up; the lead decides.
    FAILED = "failed"


class Project(SQLModel, table=True):
    """One evaluation: its prompts, models, people and rules."""

    __tablename__ = "projects"
    __table_args__ = (
        sa.CheckConstraint("wanted >= 1", name="wanted_positive"),
        sa.CheckConstraint("gold_every >= 0", name="gold_every_not_negative"),
        sa.CheckConstraint("lease_minutes >= 1", name="lease_positive"),
        sa.CheckConstraint("daily_goal IS NULL OR daily_goal >= 1", name="daily_goal_positive"),
        sa.CheckConstraint("test_size >= 0", name="test_size_not_negative"),
        sa.CheckConstraint("test_pass BETWEEN 1 AND 100", name="test_pass_percent"),
        sa.CheckConstraint("test_attempts >= 1", name="test_attempts_positive"),
        sa.CheckConstraint(
            "sensitive_daily IS NULL OR sensitive_daily >= 1", name="sensitive_daily_positive"
        ),
        sa.CheckConstraint("break_minutes IS NULL OR break_minutes >= 1", name="break_minutes_positive"),
    )

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True, max_length=64)
    name: str = Field(max_length=200)
    description: str = ""
    visibility: Visibility = Field(default=Visibility.MEMBERS, sa_type=enum_type(Visibility, "visibility"))
    # Judgments asked for each comparison, by different annotators.
    wanted: int = 1
    selection: Selection = Field(default=Selection.RANDOM, sa_type=enum_type(Selection, "selection"))
    # One gold comparison to so many others; 0 serves none.
    gold_every: int = 10
    # An assignment left open so long goes back to the queue.
    lease_minutes: int = 24 * 60
    daily_goal: int | None = None
    reveals_models: bool = False
    # Who is new does the training round first, and passes a test of so many gold comparisons; 0 for none.
    training: bool = _off()
    test_size: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # Per cent right, and how often one may try.
    test_pass: int = Field(default=80, sa_column_kwargs={"server_default": "80"})
    test_attempts: int = Field(default=2, sa_column_kwargs={"server_default": "2"})
    # A new version of the guideline is read before the next pair.
    rereads: bool = _off()
    # Whoever misses a gold comparison among the others is told at once, and why.
    explains_gold: bool = _off()
    # Read once before the first pair.
    warning: str | None = None
    # Which pairs open on request only, beside those whose category or tags say so.
    all_sensitive: bool = _off()
    # Categories, one a line.
    sensitive_categories: str | None = None
    # So many of them a day for each annotator, at most.
    sensitive_daily: int | None = None
    # Whether annotators may say which categories they would rather not judge.
    may_decline: bool = _off()
    # A break is suggested after so many minutes of active time.
    break_minutes: int | None = None
    # Whether annotators see how they do on gold comparisons.
    shows_gold: bool = _off()
    # Whether a webhook is told of judgments: known with the project, so that judging need not ask.
    tells_judgments: bool = _off()
    # Counts structural changes; with the annotators' counts it is the project's revision.
    revision: int = 0
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Its own sensitive categories."""
        return tuple((self.sensitive_categories or "").splitlines())


class Guideline(SQLModel, table=True):
    """One version of what annotators are asked to do; a change is a new version."""

    __tablename__ = "guidelines"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "version"),
        sa.CheckConstraint("version >= 1", name="version_positive"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    version: int
    text: str
    created_by: int | None = Field(default=None, foreign_key="accounts.id")
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class RubricVersion(SQLModel, table=True):
    """One version of what judgments are asked to say (app.rubric.Rubric); a change is a new version.

    The live one has no ``retired_at``. A project without any asks for a plain verdict.
    """

    __tablename__ = "rubrics"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "version"),
        # What a judgment refers to with its own project's id, so that no other project's will do.
        sa.UniqueConstraint("project_id", "id"),
        one_live("uq_rubrics_live", "project_id", where="retired_at IS NULL"),
        sa.CheckConstraint("version >= 1", name="version_positive"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    version: int
    content: dict[str, Any] = Field(sa_type=Json)
    created_by: int | None = Field(default=None, foreign_key="accounts.id")
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Batch(SQLModel, table=True):
    """A delivery of prompts, responses or comparisons, named so that it can be found again."""

    __tablename__ = "batches"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="projects.id")
    name: str = Field(max_length=200)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    # When its last wanted judgment had come, where webhooks were told so.
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Model(SQLModel, table=True):
    """A model whose responses are compared."""

    __tablename__ = "models"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    project_id: int = Field(foreign_key="projects.id")
    name: str = Field(max_length=200)
    meta: dict[str, Any] | None = Field(default=None, sa_type=Json)


class Annotator(SQLModel, table=True):
    """Whoever judges in a project: a member, a judge model, or someone out of an imported file.

    ``uid`` is the pseudonym exports carry; ``judged`` counts live judgments and ``changes`` every
    judgment made, changed or withdrawn (together over annotators: the project's revision).
    ``group_name`` is what the lead calls those they belong to: the experts, a vendor's crew.
    """

    __tablename__ = "annotators"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "account_id"),
        one_live("uq_annotators_imported", "project_id", "kind", "name", where="account_id IS NULL"),
        sa.CheckConstraint("account_id IS NOT NULL OR name IS NOT NULL", name="known"),
        sa.CheckConstraint("group_name <> ''", name="group_named"),
        sa.CheckConstraint(f"cluster >= 0 AND cluster < {ANNOTATOR_GROUPS}", name="cluster_range"),
        sa.CheckConstraint("judged >= 0 AND judged_today >= 0", name="counts_not_negative"),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    project_id: int = Field(foreign_key="projects.id")
    account_id: int | None = Field(default=None, foreign_key="accounts.id")
    kind: AnnotatorKind = Field(
        default=AnnotatorKind.HUMAN, sa_type=enum_type(AnnotatorKind, "annotator_kind")
    )
    name: str | None = Field(default=None, max_length=200)
    group_name: str | None = Field(default=None, max_length=100)
    # Marked so that simulated judgments are never taken for people's.
    simulated: bool = False
    cluster: int = 0
    judged: int = 0
    changes: int = 0
    # Judgments made on the (UTC) day of the last one.
    today: date | None = None
    judged_today: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # Where the last search of the queue ended, so that the next need not pass what was judged.
    cursor_taken: int = Field(default=-1, sa_column_kwargs={"server_default": "-1"})
    cursor_position: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    cursor_comparison_id: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    stage: Stage = Field(
        default=Stage.LIVE, sa_type=enum_type(Stage, "stage"), sa_column_kwargs={"server_default": "live"}
    )
    # The version they read last, 0 for none, and whether there is a newer one.
    guideline_read: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    guideline_news: bool = _off()
    # Whether they have read the project's warning, how many categories they decline, and how many
    # sensitive pairs they were given on the (UTC) day of the last one.
    warned: bool = _off()
    declined: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    exposed_on: date | None = None
    exposed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
