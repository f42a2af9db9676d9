"""Who may do what in a project: one table, and one way in."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_pgettext
from sqlmodel import Session, col, select

from app import db, language, web
from app.errors import Conflict, Forbidden, NotFound, Unauthorized
from app.models import Account, Membership, Project, Role, Visibility

LEAD, REVIEWER, ANNOTATOR = Role.LEAD, Role.REVIEWER, Role.ANNOTATOR
RESEARCHER, VIEWER = Role.RESEARCHER, Role.VIEWER

# Read it aloud: "members who may judge are the lead, reviewers and annotators".
# An admin may do everything everywhere.
MAY: dict[str, frozenset[Role]] = {
    "see the project": frozenset(Role),
    "read the leaderboard": frozenset({LEAD, REVIEWER, RESEARCHER, VIEWER}),
    "read the responses": frozenset({LEAD, REVIEWER, RESEARCHER}),
    "judge": frozenset({LEAD, REVIEWER, ANNOTATOR}),
    "read your judgments": frozenset({LEAD, REVIEWER, ANNOTATOR}),
    "read the guideline": frozenset(Role),
    "review": frozenset({LEAD, REVIEWER}),
    "export": frozenset({LEAD, RESEARCHER}),
    "import": frozenset({LEAD}),
    "queue": frozenset({LEAD}),
    "manage": frozenset({LEAD}),
}
# The same, as the end of a sentence.
_ABILITIES = {
    "see the project": lazy_pgettext("does not let you …", "see the project"),
    "read the leaderboard": lazy_pgettext("does not let you …", "read the leaderboard"),
    "read the responses": lazy_pgettext("does not let you …", "read the responses"),
    "judge": lazy_pgettext("does not let you …", "judge"),
    "read your judgments": lazy_pgettext("does not let you …", "read your judgments"),
    "read the guideline": lazy_pgettext("does not let you …", "read the guideline"),
    "review": lazy_pgettext("does not let you …", "review"),
    "export": lazy_pgettext("does not let you …", "export"),
    "import": lazy_pgettext("does not let you …", "import"),
    "queue": lazy_pgettext("does not let you …", "queue"),
    "manage": lazy_pgettext("does not let you …", "manage"),
}
# Anybody may do these in a public project, signed in or not.
IN_PUBLIC = frozenset({"see the project", "read the leaderboard"})
# Nobody may do these in an archived one.
WHILE_OPEN = frozenset({"judge", "import", "queue"})


@dataclass(frozen=True)
class Access:
    """A project as one account may see it."""

    project: Project
    account: Account | None
    role: Role | None

    def can(self, ability: str) -> bool:
        """Whether the account may do this now."""
        closed = self.project.archived_at is not None and ability in WHILE_OPEN
        return not closed and self.allows(ability)

    def allows(self, ability: str) -> bool:
        """Whether the table, being an admin, or the project being public allows it."""
        if self.account is not None and self.account.is_admin:
            return True
        if ability in IN_PUBLIC and self.project.visibility == Visibility.PUBLIC:
            return True
        return self.role in MAY[ability]

    @property
    def visible(self) -> bool:
        """Whether the project may be known of at all."""
        return self.allows("see the project")


class Archived(Conflict):
    """It is allowed, but not while the project is archived; ``access`` is what it would be allowed by."""

    def __init__(self, detail: str, access: Access) -> None:
        super().__init__(detail)
        self.access = access


def enter(session: Session, account: Account | None, slug: str, ability: str) -> Access:
    """The project behind a slug, if the account may do this there.

    Raises NotFound where the project is not theirs to know of, Forbidden where it is visible but
    the role does not allow it, Archived where it is archived, Unauthorized where signing in could
    help.
    """
    project = _by_slug(session, slug)
    access = access_to(session, account, project) if project else None
    if access is not None and access.can(ability):
        return access
    if account is None:
        raise Unauthorized(_("Sign in to go on."))
    if access is None or not access.visible:
        raise NotFound(_("There is no such project, or you are not a member of it."))
    if access.allows(ability):
        raise Archived(_why_archived(session, access), access)
    raise Forbidden(
        _(
            "Your role in this project does not let you %(ability)s. Ask its lead.",
            ability=_ABILITIES[ability],
        )
    )


def _why_archived(session: Session, access: Access) -> str:
    if access.allows("manage"):
        return _("This project is archived. Its lead can open it again in the settings.")
    kept = _("This project is archived: what was judged is kept, but nothing more can be judged.")
    leads = (
        select(Account.name)
        .join(Membership, col(Membership.account_id) == Account.id)
        .where(Membership.project_id == access.project.id, Membership.role == LEAD)
        .order_by(Account.name)
    )
    names = session.exec(leads).all()
    if not names:
        return kept
    whom = _("Ask who leads it: %(names)s.", names=language.listed(names))
    return f"{kept} {whom}"


def here(slug: str, ability: str) -> Access:
    """The same for a page, and whoever asks for it."""
    return enter(db.session(), web.account(), slug, ability)


def enter_signed_in(slug: str, ability: str) -> tuple[Access, Account]:
    """The same where somebody must be signed in, and who is."""
    account = web.signed_in()
    return enter(db.session(), account, slug, ability), account


def manage(slug: str) -> tuple[Access, Account]:
    """The same where a project is managed."""
    return enter_signed_in(slug, "manage")


def access_to(session: Session, account: Account | None, project: Project) -> Access:
    """What an account is in a project."""
    role = None
    if account is not None:
        membership = session.get(Membership, (account.id, project.id))
        role = membership.role if membership else None
    return Access(project, account, role)


def visible_projects(session: Session, account: Account | None, *, archived: bool = False) -> list[Access]:
    """The projects an account may know of, by name, public ones included: open ones or archived ones."""
    by = account.id if account is not None else None
    mine = sa.and_(col(Membership.project_id) == Project.id, col(Membership.account_id) == by)
    is_open = col(Project.archived_at).is_(None)
    query = select(Project, col(Membership.role)).join(Membership, mine, isouter=True)
    query = query.where(sa.not_(is_open) if archived else is_open)
    if account is None or not account.is_admin:
        # What no role and no visibility allows need not be read to be left out below.
        known = col(Membership.role).is_not(None), col(Project.visibility) == Visibility.PUBLIC
        query = query.where(sa.or_(*known))
    found = session.exec(query.order_by(Project.name, col(Project.id)))
    accesses = [Access(project, account, role) for project, role in found]
    return [access for access in accesses if access.visible]


def project_named(engine: sa.Engine, slug: str) -> Project:
    """The project behind a slug, for a terminal, which may do everything; nothing stays locked.

    Raises NotFound.
    """
    with db.new_session(engine, write=False) as session:
        project = _by_slug(session, slug)
    if project is None:
        raise NotFound(f"There is no project {slug}. See them all: tiebreak project list")
    return project


def _by_slug(session: Session, slug: str) -> Project | None:
    return session.exec(select(Project).where(Project.slug == slug)).one_or_none()
