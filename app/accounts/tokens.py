"""API tokens: told once, kept as a digest, revocable; each for some uses, and for all projects or one."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, db, permissions
from app.accounts.forms import TokenIn
from app.errors import Invalid, NotFound
from app.models import Account, Project, Scope, Token, now, row_id

PREFIX = "tb_"
# How exactly "last used" is kept: a write for each request would cost more than it tells.
LAST_USED_RESOLUTION = timedelta(minutes=1)


def digest(secret: str) -> str:
    """What is kept of a secret; it is random and long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(
    session: Session,
    account: Account,
    name: str,
    *,
    by: Account | None,
    scopes: Collection[Scope] = tuple(Scope),
    project: Project | None = None,
) -> tuple[Token, str]:
    """Make a token; its secret is told only here."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        account_id=row_id(account),
        name=name,
        digest=digest(secret),
        hint=f"{PREFIX}…{secret[-4:]}",
        may_read=Scope.READ in scopes,
        may_annotate=Scope.ANNOTATE in scopes,
        may_manage=Scope.MANAGE in scopes,
        project_id=row_id(project) if project else None,
    )
    session.add(token)
    detail = {"name": name, "scopes": token.scopes, "project": project.slug if project else None}
    audit.record(session, "token.add", f"token:{token.uid}", by=by, detail=detail)
    return token, secret


def make(session: Session, account: Account, form: TokenIn, *, by: Account | None) -> tuple[Token, str]:
    """Make the token that somebody asks for. Raises Invalid where its project is not theirs to see."""
    project = None
    if form.project is not None:
        try:
            project = permissions.enter(session, account, form.project, "see the project").project
        except NotFound as problem:
            raise Invalid.at("project", problem.detail) from problem
    return create(session, account, form.name, by=by, scopes=form.scopes, project=project)


def of(session: Session, account: Account) -> Sequence[tuple[Token, Project | None]]:
    """An account's tokens that work, newest first, each with its project where it is for one only."""
    mine = (
        select(Token, Project)
        .outerjoin(Project, col(Project.id) == Token.project_id)
        .where(Token.account_id == account.id, col(Token.revoked_at).is_(None))
        .order_by(col(Token.id).desc())
    )
    return session.exec(mine).all()


def revoke(session: Session, account: Account, uid: str) -> None:
    """Stop one of the account's tokens; once stopped it stays so.

    Raises NotFound where it has no such token.
    """
    query = select(Token).where(Token.uid == uid, Token.account_id == account.id)
    token = session.exec(query).one_or_none()
    if token is None:
        raise NotFound(_("You have no such token."))
    if token.revoked_at is None:
        token.revoked_at = now()
        audit.record(session, "token.revoke", f"token:{token.uid}", by=account, detail={"name": token.name})


@dataclass(frozen=True)
class Bearer:
    """Whoever shows a live token: in whose name, for what, and in which project alone, if in one."""

    account: Account
    token: Token
    project: str | None


def bearer(engine: sa.Engine, secret: str) -> Bearer | None:
    """Who a live token of an active account stands for.

    Uses short transactions of its own, before the request's begins.
    """
    query = (
        select(Token, Account, Project.slug)
        .join(Account, col(Account.id) == Token.account_id)
        .outerjoin(Project, col(Project.id) == Token.project_id)
        .where(Token.digest == digest(secret), col(Token.revoked_at).is_(None))
    )
    with db.new_session(engine, write=False) as session:
        found = session.exec(query).one_or_none()
    if found is None or not found[1].is_active:
        return None
    token, account, slug = found
    if token.last_used_at is None or now() - token.last_used_at > LAST_USED_RESOLUTION:
        with db.transaction(engine) as session:
            session.execute(sa.update(Token).where(col(Token.id) == token.id).values(last_used_at=now()))
    return Bearer(account, token, slug)
