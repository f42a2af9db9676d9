"""Accounts, the ways into them, and who may do what in which project."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.models.base import UTCDateTime, enum_type, now, opaque_id
from app.models.project import AnnotatorKind


class SiteRole(StrEnum):
    """What an account is on the whole site; an admin may do everything everywhere."""

    ADMIN = "admin"
    MEMBER = "member"


class Role(StrEnum):
    """What a member is in one project."""

    LEAD = "lead"
    REVIEWER = "reviewer"
    ANNOTATOR = "annotator"
    RESEARCHER = "researcher"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What a token may be used for, within what its account may do."""

    READ = "read"
    ANNOTATE = "annotate"
    MANAGE = "manage"


class TextSize(StrEnum):
    """How large somebody reads prompts and responses."""

    SMALL = "small"
    NORMAL = "normal"
    LARGE = "large"
    LARGEST = "largest"


_OFF = {"server_default": sa.false()}


class Account(SQLModel, table=True):
    """A person who can sign in."""

    __tablename__ = "accounts"
    __table_args__ = (sa.CheckConstraint("email = lower(email)", name="email_lower"),)

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(max_length=200)
    role: SiteRole = Field(default=SiteRole.MEMBER, sa_type=enum_type(SiteRole, "site_role"))
    password_hash: str | None = None
    # Part of every session cookie: a new key ends all sessions of the account at once.
    session_key: str = Field(default_factory=opaque_id)
    # The browsers that signed out since, by their own part of the cookie, a space between them.
    ended_sessions: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    # The tag of the language they chose; one that a later version does not speak counts as none.
    language: str | None = Field(default=None, max_length=16)
    # How they like to read two responses. Here, because every pair asks for it with the account.
    text_size: TextSize = Field(
        default=TextSize.NORMAL,
        sa_type=enum_type(TextSize, "text_size"),
        sa_column_kwargs={"server_default": TextSize.NORMAL},
    )
    # One response above the other, instead of side by side.
    stacked: bool = Field(default=False, sa_column_kwargs=_OFF)
    # Both in full, moving with the page, instead of each in a box that scrolls by itself.
    together: bool = Field(default=False, sa_column_kwargs=_OFF)
    # With the words marked that only one of them has.
    differences: bool = Field(default=False, sa_column_kwargs=_OFF)

    # Flask-Login's interface.
    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def is_anonymous(self) -> bool:
        return False

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    @property
    def is_admin(self) -> bool:
        return self.role == SiteRole.ADMIN

    def get_id(self) -> str:
        return f"{self.id}:{self.session_key}"

    def admits(self, session_key: str, own: str) -> bool:
        """Whether a browser's session is one that nobody ended."""
        return self.is_active and session_key == self.session_key and own not in self.ended_sessions.split()

    def end_sessions(self) -> None:
        """Make every cookie so far worthless."""
        self.session_key, self.ended_sessions = opaque_id(), ""


class Token(SQLModel, table=True):
    """An API token: shown once, kept as a digest, revocable; good for all projects or for one."""

    __tablename__ = "tokens"
    __table_args__ = (
        sa.CheckConstraint("may_read OR may_annotate OR may_manage", name="may_something"),
        sa.Index(None, "account_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    account_id: int = Field(foreign_key="accounts.id")
    name: str = Field(max_length=100)
    digest: str = Field(unique=True, max_length=64)
    hint: str = Field(max_length=12)
    may_read: bool = True
    may_annotate: bool = True
    may_manage: bool = True
    project_id: int | None = Field(default=None, foreign_key="projects.id")
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @property
    def scopes(self) -> list[Scope]:
        """What it may be used for."""
        return [scope for scope in Scope if getattr(self, f"may_{scope}")]


class Invitation(SQLModel, table=True):
    """A link that lets its holder make an account, and join a project, once.

    With an ``email`` nobody else can use it; a ``name`` alone only says for whom it was made. ``kind``
    says whether a person or a judge model will judge; None leaves that as it is.
    """

    __tablename__ = "invitations"

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=opaque_id, unique=True)
    digest: str = Field(unique=True, max_length=64)
    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=254)
    project_id: int | None = Field(default=None, foreign_key="projects.id")
    role: Role | None = Field(default=None, sa_type=enum_type(Role, "role"))
    kind: AnnotatorKind | None = Field(default=None, sa_type=enum_type(AnnotatorKind, "annotator_kind"))
    created_by: int | None = Field(default=None, foreign_key="accounts.id")
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    accepted_by: int | None = Field(default=None, foreign_key="accounts.id")
    accepted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    __table_args__ = (
        sa.CheckConstraint("(project_id IS NULL) = (role IS NULL)", name="role_with_project"),
        sa.CheckConstraint("kind IS NULL OR role IS NOT NULL", name="kind_with_role"),
        sa.CheckConstraint(
            "kind = 'human' OR role IN ('lead', 'reviewer', 'annotator')", name="judge_model_may_judge"
        ),
        sa.CheckConstraint("(accepted_by IS NULL) = (accepted_at IS NULL)", name="accepted_by_somebody"),
        sa.Index(None, "project_id"),
    )


class SignInFailure(SQLModel, table=True):
    """A failed sign-in, kept for as long as the rate limit looks back."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (sa.Index(None, "key", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=300)
    at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class Membership(SQLModel, table=True):
    """An account's role in a project."""

    __tablename__ = "memberships"
    __table_args__ = (sa.Index(None, "project_id"),)

    account_id: int = Field(foreign_key="accounts.id", primary_key=True)
    project_id: int = Field(foreign_key="projects.id", primary_key=True)
    role: Role = Field(sa_type=enum_type(Role, "role"))
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
