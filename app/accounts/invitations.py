"""Links that let their holder make an account, join a project, or both, once."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app import annotators, audit
from app.accounts import people
from app.accounts.forms import AccountIn, InvitationIn, InvitationsIn, NewcomerIn
from app.accounts.tokens import digest
from app.errors import Conflict, FieldError, Forbidden, Gone, Invalid, NotFound, Problem
from app.models import Account, Invitation, Membership, Project, Role, now, row_id

LIFETIME = timedelta(days=14)


class Invited(NamedTuple):
    """An invitation just made, and the token for its link."""

    invitation: Invitation
    token: str


def invite(session: Session, form: InvitationIn, *, by: Account, project: Project | None = None) -> Invited:
    """Make an invitation; the token for its link is told only here.

    Raises Invalid where a project's has no role, or is for a judge model in a role that may not judge, and
    for an address that is in already or has an open invitation in the same role.
    """
    _refuse_role(form, project)
    if form.email and (known := _known(session, [form.email], form.role, project)):
        raise Invalid.at("email", known[form.email])
    return _make(session, form, by=by, project=project)


def _refuse_role(form: InvitationIn | InvitationsIn, project: Project | None) -> None:
    if project is not None and form.role is None:
        raise Invalid.at("role", _("Say which role they will have."))
    if form.role and form.kind:
        annotators.refuse_without_judging(form.role, form.kind)


def _known(
    session: Session, emails: Sequence[str], role: Role | None, project: Project | None
) -> dict[str, str]:
    """Those of some addresses that need no invitation, with why."""
    invited = _open(project).where(
        col(Invitation.email).in_(emails), Invitation.role == (role if project else None)
    )
    there = select(Account.email).where(col(Account.email).in_(emails))
    if project is not None:
        there = there.join(Membership).where(Membership.project_id == project.id)
    again = _("%(email)s has an open invitation already. Take it back to make another.")
    inside = _("%(email)s is a member already.") if project else _("%(email)s has an account already.")
    known = {one.email: again % {"email": one.email} for one in session.exec(invited) if one.email}
    return known | {email: inside % {"email": email} for email in session.exec(there)}


def _make(session: Session, form: InvitationIn, *, by: Account, project: Project | None) -> Invited:
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        digest=digest(token),
        name=form.name,
        email=form.email,
        project_id=project.id if project else None,
        role=form.role if project else None,
        kind=form.kind if project else None,
        created_by=by.id,
        expires_at=now() + LIFETIME,
    )
    session.add(invitation)
    session.flush()
    audit.record(
        session, "invitation.add", _subject(invitation), by=by, project=project, detail=_what(invitation)
    )
    return Invited(invitation, token)


def invite_each(
    session: Session, form: InvitationsIn, *, by: Account, project: Project | None = None
) -> list[Invited]:
    """Make several invitations, in the order asked for. Raises what ``invite`` raises."""
    _refuse_role(form, project)
    asked = form.each()
    known = _known(session, [one.email for _place, one in asked if one.email], form.role, project)
    errors = [FieldError(f"/people/{place}", known[one.email]) for place, one in asked if one.email in known]
    if errors:
        raise Invalid(_("Some values are missing or do not fit."), errors)
    return [_make(session, one, by=by, project=project) for _place, one in asked]


def _what(made: Invitation) -> dict[str, str]:
    what = {"role": made.role.value if made.role else "account", "email": made.email or "anybody"}
    more = {"name": made.name, "kind": made.kind.value if made.kind else None}
    return what | {key: value for key, value in more.items() if value}


def _subject(invitation: Invitation) -> str:
    return f"invitation:{invitation.uid}"


def pending(session: Session, project: Project | None) -> Sequence[Invitation]:
    """A project's (or the site's) invitations that can still be accepted, newest first."""
    return session.exec(_open(project).order_by(col(Invitation.id).desc())).all()


def _open(project: Project | None) -> SelectOfScalar[Invitation]:
    return select(Invitation).where(
        Invitation.project_id == (project.id if project else None),
        col(Invitation.accepted_at).is_(None),
        col(Invitation.revoked_at).is_(None),
        Invitation.expires_at > now(),
    )


def revoke(session: Session, uid: str, *, by: Account, project: Project | None) -> None:
    """Take an invitation back.

    Raises NotFound where this project (or the site) has no such invitation, Conflict where somebody
    has accepted it.
    """
    project_id = project.id if project else None
    query = select(Invitation).where(Invitation.uid == uid, Invitation.project_id == project_id)
    invitation = session.exec(query).one_or_none()
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    if invitation.accepted_at:
        raise Conflict(_("Somebody has accepted this invitation already. Remove the member instead."))
    if invitation.revoked_at:
        return
    invitation.revoked_at = now()
    audit.record(session, "invitation.revoke", _subject(invitation), by=by, project=project)


def find(session: Session, token: str) -> Invitation:
    """The invitation of a link, whatever became of it. Raises NotFound for an unknown link."""
    invitation = session.exec(select(Invitation).where(Invitation.digest == digest(token))).one_or_none()
    if invitation is None:
        raise NotFound(_("This invitation link is not complete. Copy all of it and try again."))
    return invitation


def has_let_in(session: Session, invitation: Invitation, account: Account) -> bool:
    """Whether somebody is in what an invitation is to: a member of its project, or of the site by it."""
    if invitation.project_id is None:
        return invitation.accepted_by == account.id
    return session.get(Membership, (account.id, invitation.project_id)) is not None


def closed(invitation: Invitation, account: Account | None) -> Gone | None:
    """Why nobody can accept an invitation any more, if so: it was used, taken back or is too old."""
    if invitation.accepted_at and account:
        return Gone(_("This invitation was used already. Ask for a new one."))
    if invitation.accepted_at:
        return Gone(_("This invitation was used already. Sign in, or ask for a new one."))
    if invitation.revoked_at:
        return Gone(_("This invitation was taken back. Ask whoever sent it for a new one."))
    return _expired() if invitation.expires_at <= now() else None


def _expired() -> Gone:
    return Gone(_("This invitation has expired. Ask whoever sent it for a new one."))


def refuse_closed(invitation: Invitation, account: Account | None) -> None:
    """Raises Gone for an invitation that is ``closed``."""
    if gone := closed(invitation, account):
        raise gone


def newcomer_accepts(
    session: Session, invitation: Invitation, form: NewcomerIn, password_hash: str
) -> Account:
    """Make an account for the holder of a link, with the hash of its password, and join.

    Raises Invalid where the address has an account already or is not the invited one.
    """
    if invitation.email not in (None, form.email):
        raise Invalid.at("email", _("This invitation is for %(email)s.", email=invitation.email))
    account = people.add(session, AccountIn(**form.model_dump()), password_hash, by=None)
    # If somebody else was first, the account is gone again.
    _use(session, invitation, account, known=None)
    return account


def hindrance(session: Session, invitation: Invitation, account: Account) -> Problem | None:
    """Why somebody who has an account cannot join with an open invitation, if they cannot.

    Forbidden where it is for somebody else, Conflict where they are in already.
    """
    if invitation.email not in (None, account.email):
        return Forbidden(
            _(
                "This invitation is for %(email)s, and you are signed in as %(own)s. "
                "Sign out and open the link again.",
                email=invitation.email,
                own=account.email,
            )
        )
    if invitation.project_id is None:
        return Conflict(_("You have an account already, so there is nothing to accept."))
    if has_let_in(session, invitation, account):
        return Conflict(_("You are a member of this project already. The invitation is still unused."))
    return None


def member_accepts(session: Session, invitation: Invitation, account: Account) -> None:
    """Let somebody who has an account join the project.

    Raises their ``hindrance``; the invitation is then left for whom it is meant.
    """
    if hindered := hindrance(session, invitation, account):
        raise hindered
    _use(session, invitation, account, known=account)


def _use(session: Session, invitation: Invitation, account: Account, *, known: Account | None) -> None:
    """Raises Gone, as whoever has the account ``known`` is told, where it cannot be used any more."""
    # One UPDATE decides who was first, however many open the link at once.
    claim = (
        sa.update(Invitation)
        .where(
            col(Invitation.id) == invitation.id,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.revoked_at).is_(None),
            col(Invitation.expires_at) > now(),
        )
        .values(accepted_at=now(), accepted_by=account.id)
    )
    if session.execute(claim).rowcount == 0:  # type: ignore[attr-defined]
        # Used, taken back or run out since it was read.
        session.refresh(invitation)
        raise closed(invitation, known) or _expired()
    project = session.get(Project, invitation.project_id) if invitation.project_id else None
    if project is not None:
        role = invitation.role or Role.VIEWER
        join(session, project, account, role, by=account)
        if invitation.kind is not None:
            annotators.recast_account(session, project, account, role, invitation.kind, by=account)
    audit.record(session, "invitation.accept", _subject(invitation), by=account, project=project)


def join(session: Session, project: Project, account: Account, role: Role, *, by: Account | None) -> None:
    """Make an account a member of a project."""
    session.add(Membership(account_id=row_id(account), project_id=row_id(project), role=role))
    audit.record(
        session,
        "member.add",
        f"account:{account.email}",
        by=by,
        project=project,
        detail={"role": role.value},
    )
