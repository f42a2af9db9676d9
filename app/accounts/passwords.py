"""Passwords, kept as Argon2 hashes, and links that let somebody choose a new one."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlmodel import Session

from app import audit
from app.errors import Invalid, NotFound
from app.models import Account

HASHER = PasswordHasher()
LINK_SECONDS = 24 * 3600


def digest(password: str) -> str:
    """The hash to keep of a password.

    Like all hashing, to be called while no transaction is open: it takes long, and SQLite's writers wait
    for each other.
    """
    return HASHER.hash(password)


def generated() -> str:
    """A password for somebody who is told it once."""
    return secrets.token_urlsafe(12)


def fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one whose hash was kept.

    Without a hash it takes as long, so that the time does not tell which addresses have accounts.
    """
    try:
        HASHER.verify(kept or _nobodys(), password)
    except VerificationError:
        return False
    return kept is not None


@cache
def _nobodys() -> str:
    return HASHER.hash(secrets.token_urlsafe())


def renewed(kept: str, password: str) -> str | None:
    """A stronger hash of a password that fits the one kept, None where that is as strong as any made now."""
    return digest(password) if HASHER.check_needs_rehash(kept) else None


def changed(kept: str | None, current: str, new: str) -> str:
    """The hash to keep of a new password, chosen by somebody who knows the current one.

    Raises Invalid where they do not know it.
    """
    if not fits(kept, current):
        raise Invalid.at("current", _("This is not your current password."))
    return digest(new)


def set_password(session: Session, account: Account, password_hash: str, *, by: Account | None) -> None:
    """Give an account the password that this is the hash of, and end all its sessions."""
    account.password_hash = password_hash
    account.end_sessions()
    audit.record(session, "account.password", f"account:{account.email}", by=by)


def make_link(session: Session, account: Account, secret_key: str, *, by: Account) -> str:
    """What a link must carry to let its holder choose this account's password, once, within a day."""
    audit.record(session, "account.password_link", f"account:{account.email}", by=by)
    return _signer(secret_key).dumps([account.id, account.session_key])


def account_of_link(session: Session, token: str, secret_key: str) -> Account:
    """The account a password link was made for.

    Raises NotFound for a link that is not ours, too old, or used: the signed session key changes
    with the password.
    """
    try:
        account_id, key = _signer(secret_key).loads(token, max_age=LINK_SECONDS)
    except BadSignature as error:
        raise NotFound(_("This link is not valid any more. Ask an admin for a new one.")) from error
    account = session.get(Account, account_id)
    if account is None or not account.admits(key, ""):
        raise NotFound(_("This link was used already. Ask an admin for a new one."))
    return account


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="password link")
