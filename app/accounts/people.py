"""The accounts of the site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit
from app.accounts.forms import AccountIn
from app.errors import Conflict, Invalid, NotFound
from app.models import Account, Membership, SiteRole, now

A_PAGE = 50

# Browsers signed out that an account remembers, read with every request.
MOST_ENDED = 50


def add(session: Session, form: AccountIn, password_hash: str, *, by: Account | None) -> Account:
    """Make an account, with the hash of its password.

    Raises Invalid where the address has one already.
    """
    account = Account(email=form.email, name=form.name, role=form.role, password_hash=password_hash)
    try:
        with session.begin_nested():
            session.add(account)
    except sa.exc.IntegrityError as error:
        raise Invalid.at("email", _("There is an account with this address already.")) from error
    audit.record(
        session, "account.add", f"account:{account.email}", by=by, detail={"role": account.role.value}
    )
    return account


def by_email(session: Session, email: str) -> Account:
    """The account of an address.

    Raises NotFound where there is none.
    """
    account = session.exec(select(Account).where(Account.email == email.strip().lower())).one_or_none()
    if account is None:
        raise NotFound(_("There is no account of %(email)s.", email=email))
    return account


def by_uid(session: Session, uid: str) -> Account:
    """The account of an opaque id.

    Raises NotFound where there is none.
    """
    account = session.exec(select(Account).where(Account.uid == uid)).one_or_none()
    if account is None:
        raise NotFound(_("There is no such account."))
    return account


def everybody(session: Session) -> Sequence[Account]:
    """Every account, by address."""
    return session.exec(select(Account).order_by(Account.email)).all()


@dataclass(frozen=True)
class Listing:
    """A page of the site's accounts by name, each with how many projects it is in."""

    rows: Sequence[tuple[Account, int]]
    total: int
    page: int

    @property
    def has_next(self) -> bool:
        return self.page * A_PAGE < self.total


def listing(session: Session, wanted: str, page: int) -> Listing:
    """The accounts whose name or address contains something."""
    name, email = col(Account.name), col(Account.email)
    matches = sa.or_(name.icontains(wanted, autoescape=True), email.icontains(wanted, autoescape=True))
    total = session.exec(select(sa.func.count(col(Account.id))).where(matches)).one()
    page = max(1, min(page, -(-total // A_PAGE)))
    projects = sa.func.count(col(Membership.project_id))
    query = (
        select(Account, projects)
        .outerjoin(Membership, col(Membership.account_id) == Account.id)
        .where(matches)
        .group_by(col(Account.id))
        .order_by(name, col(Account.id))
    )
    rows = session.exec(query.limit(A_PAGE).offset((page - 1) * A_PAGE)).all()
    return Listing(rows, total, page)


def rename(session: Session, account: Account, name: str) -> None:
    """Change what somebody is called."""
    detail = audit.changed({"name": account.name}, {"name": name})
    if not detail:
        return
    account.name = name
    audit.record(session, "account.rename", f"account:{account.email}", by=account, detail=detail)


def choose_language(session: Session, account: Account, language: str) -> None:
    """Remember what language somebody reads."""
    detail = audit.changed({"language": account.language}, {"language": language})
    if not detail:
        return
    account.language = language
    audit.record(session, "account.language", f"account:{account.email}", by=account, detail=detail)


def set_role(session: Session, account: Account, role: SiteRole, *, by: Account | None) -> None:
    """Make somebody an admin, or a member again.

    Raises Conflict for the last admin.
    """
    if role != SiteRole.ADMIN:
        _keep_an_admin(session, account)
    detail = audit.changed({"role": account.role.value}, {"role": role.value})
    if not detail:
        return
    account.role = role
    audit.record(session, "account.role", f"account:{account.email}", by=by, detail=detail)


def disable(session: Session, account: Account, *, by: Account | None) -> None:
    """Shut an account out: its sessions and tokens stop at once, its judgments stay.

    Raises Conflict for the last admin.
    """
    _keep_an_admin(session, account)
    _set_disabled(session, account, now(), "account.disable", by=by)


def enable(session: Session, account: Account, *, by: Account | None) -> None:
    """Let an account in again."""
    _set_disabled(session, account, None, "account.enable", by=by)


def _set_disabled(
    session: Session, account: Account, moment: datetime | None, verb: str, *, by: Account | None
) -> None:
    if (account.disabled_at is None) == (moment is None):
        return
    account.disabled_at = moment
    account.end_sessions()
    audit.record(session, verb, f"account:{account.email}", by=by)


def _keep_an_admin(session: Session, account: Account) -> None:
    # Locked, so that two admins cannot remove each other at the same moment.
    active = select(Account).where(Account.role == SiteRole.ADMIN, col(Account.disabled_at).is_(None))
    if {admin.id for admin in session.exec(active.with_for_update())} == {account.id}:
        raise Conflict(_("This is the only admin. Make somebody else an admin first."))


def end_session(session: Session, account: Account, own: str) -> None:
    """Sign one browser out: its cookie, and every copy of it, opens nothing any more.

    A cookie without a part of its own, or one too many, ends all sessions.
    """
    session.refresh(account, with_for_update=True)
    ended = [*account.ended_sessions.split(), own]
    if own and len(ended) <= MOST_ENDED:
        account.ended_sessions = " ".join(ended)
    else:
        account.end_sessions()
    session.flush()  # before the next refresh, which takes what is not written for stale
    audit.record(session, "account.sign_out", f"account:{account.email}", by=account)


def end_sessions(session: Session, account: Account) -> None:
    """Sign an account out everywhere."""
    account.end_sessions()
    audit.record(session, "account.sign_out_everywhere", f"account:{account.email}", by=account)
