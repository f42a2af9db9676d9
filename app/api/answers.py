"""What the API answers, and what its description says of it."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.annotation.forms import Ratings
from app.annotation.reading import Reading
from app.exports.exclusions import Unit
from app.models import (
    Account,
    AnnotatorKind,
    AuditEvent,
    JobState,
    Membership,
    Outcome,
    Role,
    Scope,
    Token,
    Visibility,
)
from app.permissions import MAY, Access
from app.projects.forms import SettingsIn
from app.projects.overview import Counts
from app.rubric import Rubric

Messages = list[dict[str, Any]]


class Answer(BaseModel):
    """Read from a row, or from anything with these attributes."""

    model_config = ConfigDict(from_attributes=True)


class FieldProblem(Answer):
    """What is wrong with one value; ``pointer`` is a JSON pointer to it."""

    pointer: str
    detail: str


class ProblemDocument(Answer):
    """What was wrong with a request (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem]
    excluded: dict[str, int] = Field(
        default_factory=dict, description="Of an export without a row: what was left out, by reason."
    )
    excluded_units: dict[str, Unit] = Field(
        default_factory=dict, description="What is counted of each of these reasons."
    )


# The account and its tokens


class TokenOut(Answer):
    """A token; its secret is told once, when it is made."""

    uid: str
    name: str
    hint: str
    scopes: list[Scope]
    project: str | None
    created_at: datetime
    last_used_at: datetime | None
    secret: str | None = None

    @classmethod
    def of(cls, token: Token, project: str | None, secret: str | None = None) -> Self:
        """From a row."""
        return cls(project=project, secret=secret, **token.model_dump(), scopes=token.scopes)


class MeOut(Answer):
    """Who asks, how they read, and with which token; without a language, the browser's is spoken."""

    uid: str
    email: str
    name: str
    language: str | None
    reading: Reading
    token: TokenOut


# Projects


class ProjectOut(Answer):
    """A project as one may know it; ``may`` names what one may do in it now."""

    slug: str
    name: str
    description: str
    visibility: Visibility
    created_at: datetime
    archived_at: datetime | None
    role: Role | None
    may: list[str]

    @classmethod
    def of(cls, access: Access) -> Self:
        """As this asker may see it."""
        may = [ability for ability in MAY if access.can(ability)]
        return cls(**access.project.model_dump(), role=access.role, may=may)


class ProjectWhole(ProjectOut):
    """A project, and for who manages it its settings and numbers."""

    settings: SettingsIn | None = None
    counts: Counts | None = None


class MemberOut(Answer):
    """A member of a project."""

    uid: str
    email: str
    name: str
    role: Role
    judgments: int
    kind: AnnotatorKind
    since: datetime

    @classmethod
    def of(cls, account: Account, membership: Membership, judgments: int, kind: AnnotatorKind | None) -> Self:
        """From their rows."""
        return cls(
            uid=account.uid,
            email=account.email,
            name=account.name,
            role=membership.role,
            judgments=judgments,
            kind=kind or AnnotatorKind.HUMAN,
            since=membership.created_at,
        )


class InvitationOut(Answer):
    """An invitation that can still be accepted; its link is told once, when it is made."""

    uid: str
    name: str | None
    email: str | None
    role: Role | None
    kind: AnnotatorKind | None = Field(description="Said of whoever accepts; null leaves that as it is.")
    created_at: datetime
    expires_at: datetime
    link: str | None = None


class GuidelineOut(Answer):
    """One version of a guideline."""

    version: int
    text: str
    created_at: datetime


class RubricOut(Rubric):
    """What judgments are asked to say, and which version says so; None where none was ever published."""

    version: int | None


class GroupedOut(Answer):
    """An annotator, and the group that the lead put them in."""

    uid: str = Field(description="The pseudonym that exports carry.")
    name: str
    kind: AnnotatorKind
    simulated: bool
    judged: int
    group: str | None = Field(validation_alias="group_name")


class AuditOut(Answer):
    """One change: who did what to what, when."""

    at: datetime
    by: str | None = Field(description="The account's address; null for the system or a terminal.")
    verb: str
    subject: str
    detail: dict[str, Any] | None

    @classmethod
    def of(cls, event: AuditEvent, account: Account | None) -> Self:
        """From a row and whose it is."""
        return cls(by=account.email if account else None, **event.model_dump())


# What is compared


class ModelOut(Answer):
    """A model."""

    uid: str
    name: str
    metadata: dict[str, Any] | None


class PromptOut(Answer):
    """A prompt; without messages it came with votes only."""

    prompt_id: str
    messages: Messages | None
    category: str | None
    language: str | None
    tags: list[str] | None
    batch: str | None
    metadata: dict[str, Any] | None


class ResponseOut(Answer):
    """One model's response to a prompt."""

    prompt_id: str
    model: str
    sample: int
    messages: Messages | None
    metadata: dict[str, Any] | None


class ComparisonOut(Answer):
    """Two responses to a prompt; ``wanted`` is 0 where it is not in the queue, as gold never is."""

    pair_id: str
    prompt_id: str
    model_a: str
    sample_a: int
    model_b: str
    sample_b: int
    batch: str | None
    gold: Outcome | None
    gold_reason: str | None
    wanted: int
    taken: int


# Judging


class Said(Answer):
    """The messages of one side."""

    messages: Messages


class Asked(Said):
    """The prompt."""

    category: str | None
    language: str | None


class BlindOut(Answer):
    """A comparison to judge, blind; ``shown_first`` says which response to show first."""

    prompt: Asked
    response_a: Said
    response_b: Said
    shown_first: Literal["a", "b"]
    content_warning: bool
    rubric: RubricOut


class AssignmentOut(BlindOut):
    """A comparison to judge, blind; ``shown_first`` says which response to show first."""

    assignment_id: str


class TrialOut(BlindOut):
    """A pair of the training round or the test, blind."""

    trial_id: str


class SubmittedOut(Answer):
    """A judgment as it was recorded."""

    submission_id: str
    assignment_id: str
    outcome: Outcome
    created_at: datetime


class JudgmentOut(SubmittedOut):
    """One's own judgment in force. Outcomes name responses, wherever they were shown."""

    strength: int | None
    criteria: dict[str, Outcome] | None
    ratings: dict[str, Ratings] | None
    tags: dict[str, list[str]] | None
    spans: list[dict[str, Any]] | None
    rationale: str | None
    better_answer: str | None
    confidence: int | None
    answers: dict[str, Any] | None
    changed: bool
    model_a: str | None = Field(description="Once the models are revealed.")
    model_b: str | None
    shown_first: Literal["a", "b"]
    excerpt: str = Field(description="The beginning of what was asked.")
    category: str | None
    language: str | None


class ReopenedOut(Answer):
    """The assignment that is open again."""

    assignment_id: str


# Long work


class PairingOut(Answer):
    """Pairs by what becomes of them."""

    prompts: int
    queued: int
    already_there: int
    retired: int = Field(description="Taken out of the queue by a lead.")
    gold: int
    identical_skipped: int
    without_text: int
    prompts_read: int = Field(description="The prompts that were looked at, the project's first.")
    prompts_in_all: int = Field(description="All that are looked at when they are queued.")


class JobOut(Answer):
    """How far long work is, and what came of it."""

    job: str
    kind: str
    state: JobState
    stopping: bool = Field(description="Cancelled, and about to end.")
    project: str | None
    attempts: int
    done: int
    total: int | None
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    url: str
    page: str | None
