"""Checking who somebody is, a limited number of times."""

import ipaddress
import re
from datetime import timedelta
from typing import NamedTuple, Self

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, db
from app.accounts import passwords
from app.accounts.forms import SignInIn
from app.errors import Forbidden, Invalid, TooMany
from app.models import Account, SignInFailure, now

WINDOW = timedelta(minutes=15)

# How many times as often an account may fail from everywhere, and an address with any account: colleagues
# share an address, and a stranger's guesses must not close somebody else's account.
WIDER = 10

_WITH_PORT = re.compile(r"^\[(.+)\](?::\d+)?$|^([^:]+):\d+$")

# Letters of what a proxy may give in place of an address: no more than an address has, as keys are short.
_LONGEST = 39


class Keys(NamedTuple):
    """What failures are counted for: an account from one address, that address, and that account."""

    both: str
    address: str
    account: str

    @classmethod
    def of(cls, email: str, address: str | None) -> Self:
        """Those of an attempt."""
        where = network(address)
        return cls(f"both:{where} {email}", f"address:{where}", f"email:{email}")


def authenticate(engine: sa.Engine, form: SignInIn, address: str | None, limit: int) -> Account:
    """The account whose password this is.

    An attempt counts as failed until its password proves right, so that guesses sent at once
    cannot slip past the count.

    Raises TooMany after ``limit`` failures for the account from the address within fifteen minutes, or
    ten times as many for either alone, Invalid where address or password is wrong, Forbidden where the
    account is disabled.
    """
    keys = Keys.of(form.email, address)
    with db.transaction(engine) as session:
        _count_attempt(session, keys, limit)
    with db.new_session(engine, write=False) as session:
        found = session.exec(select(Account).where(Account.email == form.email)).one_or_none()
    kept = found.password_hash if found else None
    if not passwords.fits(kept, form.password) or found is None or kept is None:
        raise _wrong()
    renewed = passwords.renewed(kept, form.password)
    with db.transaction(engine) as session:
        account = session.get_one(Account, found.id)
        _forgive(session, keys)
        _accept(session, account, found.session_key, renewed)
    return account


def _wrong() -> Invalid:
    return Invalid(_("Email or password is wrong. Check both and try again."))


def network(address: str | None) -> str:
    """What of an address is counted: an IPv6 customer has a whole /64 to try from.

    Some proxies send the port too, and a server that hears both kinds wraps IPv4 addresses into IPv6.
    What is no address counts by how it begins.
    """
    given = address or "unknown"
    try:
        found = ipaddress.ip_address(_WITH_PORT.sub(r"\1\2", given))
    except ValueError:
        return given[:_LONGEST]
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped
        return str(wrapped or ipaddress.IPv6Network((int(found), 64), strict=False))
    return str(found)


def _count_attempt(session: Session, keys: Keys, limit: int) -> None:
    _one_at_a_time(session)
    key, at = col(SignInFailure.key), col(SignInFailure.at)
    session.execute(sa.delete(SignInFailure).where(at < now() - WINDOW))
    counts = select(key, sa.func.count(), sa.func.min(at)).where(key.in_(keys)).group_by(key)
    full = [
        (first, which)
        for which, count, first in session.exec(counts)
        if count >= (limit if which == keys.both else limit * WIDER)
    ]
    if full:
        first, which = max(full)
        wait = first + WINDOW - now()
        minutes = max(1, round(wait / timedelta(minutes=1)))
        raise TooMany(_too_many(keys, which, minutes), retry_after=int(wait.total_seconds()) + 1)
    session.add_all(SignInFailure(key=key) for key in keys)


def _one_at_a_time(session: Session) -> None:
    # Attempts made together would not count each other. SQLite's write transactions are alone anyway.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('tiebreak sign-in'), 0)"))


def _too_many(keys: Keys, which: str, minutes: int) -> str:
    if which == keys.both:
        limited = _("Too many failed sign-ins with this email from your network.")
    elif which == keys.address:
        limited = _("Too many failed sign-ins from your network, with whatever email.")
    else:
        limited = _("Too many failed sign-ins with this email, from wherever.")
    return f"{limited} {_('Nothing is lost; try again in %(minutes)s min.', minutes=minutes)}"


def _forgive(session: Session, keys: Keys) -> None:
    """Clear the count of the account from here, but take only this attempt off the wider ones.

    Otherwise an attacker could reset the address by signing in to an account of their own.
    """
    key, id_ = col(SignInFailure.key), col(SignInFailure.id)
    session.execute(sa.delete(SignInFailure).where(key == keys.both))
    newest = select(sa.func.max(id_)).where(key.in_(keys)).group_by(key)
    session.execute(sa.delete(SignInFailure).where(id_.in_(newest)))


def _accept(session: Session, account: Account, session_key: str, renewed: str | None) -> None:
    if not account.is_active:
        raise Forbidden(_("This account is disabled. Ask an admin of this site."))
    if account.session_key != session_key:
        # Its sessions were ended while the password was checked, perhaps with another password.
        raise _wrong()
    account.password_hash = renewed or account.password_hash
    audit.record(session, "account.sign_in", f"account:{account.email}", by=account)
