"""API tokens: told once, kept as a digest, revocable."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app import audit, db
from app.errors import NotFound
from app.models import Account, Token, now, row_id

PREFIX = "tb_"
# How exactly "last used" is kept: a write for each request would cost more than it tells.
LAST_USED_RESOLUTION = timedelta(minutes=1)


def digest(secret: str) -> str:
    """What is kept of a secret; it is random and long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(session: Session, account: Account, name: str, *, by: Account | None) -> tuple[Token, str]:
    """Make a token; its secret is told only here."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        account_id=row_id(account), name=name, digest=digest(secret), hint=f"{PREFIX}…{secret[-4:]}"
    )
    session.add(token)
    audit.record(session, "token.add", f"token:{token.uid}", by=by, detail={"name": name})
    return token, secret


def of(session: Session, account: Account) -> Sequence[Token]:
    """An account's tokens that work, newest first."""
    mine = select(Token).where(Token.account_id == account.id, col(Token.revoked_at).is_(None))
    return session.exec(mine.order_by(col(Token.id).desc())).all()


def revoke(session: Session, account: Account, uid: str) -> None:
    """Stop one of the account's tokens.

    Raises NotFound where it has no such token.
    """
    query = select(Token).where(Token.uid == uid, Token.account_id == account.id)
    token = session.exec(query).one_or_none()
    if token is None:
        raise NotFound("You have no such token.")
    if token.revoked_at:
        return
    token.revoked_at = now()
    audit.record(session, "token.revoke", f"token:{token.uid}", by=account, detail={"name": token.name})


def account_of(engine: sa.Engine, secret: str) -> Account | None:
    """The active account a live token belongs to.

    Uses short transactions of its own, before the request's begins.
    """
    query = (
        select(Token, Account)
        .join(Account, col(Account.id) == Token.account_id)
        .where(Token.digest == digest(secret), col(Token.revoked_at).is_(None))
    )
    with db.new_session(engine, write=False) as session:
        found = session.exec(query).one_or_none()
    if found is None or not found[1].is_active:
        return None
    token, account = found
    if token.last_used_at is None or now() - token.last_used_at > LAST_USED_RESOLUTION:
        with db.transaction(engine) as session:
            session.execute(sa.update(Token).where(col(Token.id) == token.id).values(last_used_at=now()))
    return account
