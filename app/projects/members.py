"""Who is in a project, and as what."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import annotators, audit
from app.accounts import invitations, people
from app.errors import Conflict, NotFound
from app.models import Account, Annotator, AnnotatorKind, Membership, Project, Role
from app.projects.forms import MemberIn, RoleIn


def of(session: Session, project: Project) -> Sequence[tuple[Account, Membership, int, AnnotatorKind | None]]:
    """The members by name, each with how many judgments they have made, and as what if they came to judge."""
    annotator = sa.and_(
        col(Annotator.account_id) == Account.id, col(Annotator.project_id) == Membership.project_id
    )
    query = (
        select(Account, Membership, sa.func.coalesce(Annotator.judged, 0), col(Annotator.kind))
        .join(Membership, col(Membership.account_id) == Account.id)
        .outerjoin(Annotator, annotator)
        .where(Membership.project_id == project.id)
        .order_by(Account.name, col(Account.id))
    )
    return session.exec(query).all()


def find(session: Session, project: Project, uid: str) -> tuple[Account, Membership]:
    """A member by their account's opaque id.

    Raises NotFound where the project has no such member.
    """
    query = (
        select(Account, Membership)
        .join(Membership, col(Membership.account_id) == Account.id)
        .where(Membership.project_id == project.id, Account.uid == uid)
    )
    found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound(_("This project has no such member."))
    return found


def put(session: Session, project: Project, form: MemberIn, *, by: Account | None) -> Account:
    """Make an account a member, or change what the member is; the same again changes nothing.

    Raises NotFound where there is no such account, and what ``change`` raises.
    """
    account = people.by_email(session, form.email)
    if session.get(Membership, (account.id, project.id)) is None:
        invitations.join(session, project, account, form.role, by=by)
        session.flush()
    return change(session, project, account.uid, form, by=by)


def change(session: Session, project: Project, uid: str, form: RoleIn, *, by: Account | None) -> Account:
    """Change a member's role, and whether they are a judge model.

    Raises Conflict for the last lead, and Invalid where a role that may not judge would get a judge model.
    """
    account, membership = find(session, project, uid)
    if form.role != Role.LEAD:
        _keep_a_lead(session, project, membership)
    detail = audit.changed({"role": membership.role.value}, {"role": form.role.value})
    if detail:
        membership.role = form.role
        audit.record(
            session, "member.role", f"account:{account.email}", by=by, project=project, detail=detail
        )
    if form.kind is not None:
        annotators.recast_account(session, project, account, form.role, form.kind, by=by)
    return account


def remove(session: Session, project: Project, uid: str, *, by: Account) -> Account:
    """Take a member out; their judgments stay. Raises Conflict for the last lead."""
    account, membership = find(session, project, uid)
    _keep_a_lead(session, project, membership)
    detail = {"role": membership.role.value}
    session.delete(membership)
    audit.record(session, "member.remove", f"account:{account.email}", by=by, project=project, detail=detail)
    return account


def _keep_a_lead(session: Session, project: Project, membership: Membership) -> None:
    # Locked, so that two leads cannot remove each other at the same moment.
    leads = select(Membership).where(Membership.project_id == project.id, Membership.role == Role.LEAD)
    if [lead.account_id for lead in session.exec(leads.with_for_update())] == [membership.account_id]:
        raise Conflict(_("This is the project’s only lead. Make somebody else a lead first."))
