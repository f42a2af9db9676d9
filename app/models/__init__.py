"""All tables, one file per subject."""

from app.models.account import (
    Account,
    Invitation,
    Membership,
    Role,
    Scope,
    SignInFailure,
    SiteRole,
    TextSize,
    Token,
)
from app.models.api import StoredAnswer
from app.models.audit import AuditEvent
from app.models.base import metadata, now, opaque_id, row_id
from app.models.comparison import (
    Assignment,
    AssignmentState,
    Comparison,
    Draft,
    Outcome,
    SkipReason,
    Slot,
)
from app.models.job import Job, JobState
from app.models.judgment import Adjudication, Judgment, Source, Tally
from app.models.project import (
    ANNOTATOR_GROUPS,
    Annotator,
    AnnotatorKind,
    Batch,
    Guideline,
    Model,
    Project,
    RubricVersion,
    Selection,
    Visibility,
)
from app.models.prompt import Message, Prompt, RenderedPrompt, RenderedResponse, Response

__all__ = [
    "ANNOTATOR_GROUPS",
    "Account",
    "Adjudication",
    "Annotator",
    "AnnotatorKind",
    "Assignment",
    "AssignmentState",
    "AuditEvent",
    "Batch",
    "Comparison",
    "Draft",
    "Guideline",
    "Invitation",
    "Job",
    "JobState",
    "Judgment",
    "Membership",
    "Message",
    "Model",
    "Outcome",
    "Project",
    "Prompt",
    "RenderedPrompt",
    "RenderedResponse",
    "Response",
    "Role",
    "RubricVersion",
    "Scope",
    "Selection",
    "SignInFailure",
    "SiteRole",
    "SkipReason",
    "Slot",
    "Source",
    "StoredAnswer",
    "Tally",
    "TextSize",
    "Token",
    "Visibility",
    "metadata",
    "now",
    "opaque_id",
    "row_id",
]
