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
from app.models.care import Care, CareCount, Decline
from app.models.comparison import (
    Assignment,
    AssignmentState,
    Comparison,
    Draft,
    GoldUse,
    Outcome,
    SkipReason,
    Slot,
    Trial,
)
from app.models.flag import Flag, FlagKind, FlagState
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
    Stage,
    Visibility,
)
from app.models.prompt import Message, Prompt, RenderedPrompt, RenderedResponse, Response
from app.models.snapshot import Snapshot, SnapshotState
from app.models.webhook import Alert, Delivery, DeliveryState, Event, Webhook

__all__ = [
    "ANNOTATOR_GROUPS",
    "Account",
    "Adjudication",
    "Alert",
    "Annotator",
    "AnnotatorKind",
    "Assignment",
    "AssignmentState",
    "AuditEvent",
    "Batch",
    "Care",
    "CareCount",
    "Comparison",
    "Decline",
    "Delivery",
    "DeliveryState",
    "Draft",
    "Event",
    "Flag",
    "FlagKind",
    "FlagState",
    "GoldUse",
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
    "Snapshot",
    "SnapshotState",
    "Source",
    "Stage",
    "StoredAnswer",
    "Tally",
    "TextSize",
    "Token",
    "Trial",
    "Visibility",
    "Webhook",
    "metadata",
    "now",
    "opaque_id",
    "row_id",
]
