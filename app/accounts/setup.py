"""The first admin of a new installation."""

import base64
import hashlib
import hmac

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app.accounts import passwords, people
from app.accounts.forms import AccountIn, WelcomeIn
from app.errors import Conflict, Invalid
from app.models import Account, SiteRole
from app.settings import Settings


def setup_code(settings: Settings) -> str:
    """What the first admin must know: only who can read the server's output does.

    Made from the secret key, so that it is the same in every replica and after a restart.
    """
    key = settings.secret_key.get_secret_value().encode()
    mac = hmac.digest(key, b"tiebreak setup code", hashlib.sha256)
    return base64.b32encode(mac)[:20].decode().lower()


def is_new(session: Session) -> bool:
    """Whether nobody has an account yet."""
    return session.exec(select(col(Account.id)).limit(1)).first() is None


def link(session: Session, settings: Settings, address: str) -> str | None:
    """Where the first admin is made, for the server to print; None once there is an account."""
    return f"{address}/welcome?code={setup_code(settings)}" if is_new(session) else None


def first_admin(session: Session, form: WelcomeIn, settings: Settings) -> Account:
    """Make the first account, an admin's.

    Raises Conflict once there is an account, Invalid where the code is wrong.
    """
    _one_at_a_time(session)
    if not is_new(session):
        raise Conflict(_("This site is set up already. Sign in, or ask its admin for an invitation."))
    if not hmac.compare_digest(form.code.encode(), setup_code(settings).encode()):
        raise Invalid.at("code", _("This is not the code the server printed when it started."))
    account = AccountIn(email=form.email, name=form.name, password=form.password, role=SiteRole.ADMIN)
    # Hashed in the transaction, since strangers must not make the server hash: nobody waits for it yet.
    return people.add(session, account, passwords.digest(form.password), by=None)


def _one_at_a_time(session: Session) -> None:
    # SQLite's write transactions are alone anyway.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE"))
