"""Who is asking: a signed-in person's cookie."""

from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer

from app import db, web
from app.models import Account

csrf = CSRFProtect()


class _Sessions(SecureCookieSessionInterface):
    """Flask's signed cookies; the serializer is made once, because making it costs half of reading one."""

    _serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer


def init_app(app: Flask) -> None:
    """Install sign-in sessions and CSRF protection."""
    app.session_interface = _Sessions()
    login_manager = LoginManager(app)
    login_manager.user_loader(load_account)
    csrf.init_app(app)


def load_account(cookie_id: str) -> Account | None:
    """The account of a session cookie, unless it was disabled or its sessions ended.

    The API takes tokens only: its requests carry no CSRF token, so a cookie must open nothing there.
    """
    if web.is_api():
        return None
    account_id, _, key = cookie_id.partition(":")
    account = db.session().get(Account, int(account_id)) if account_id.isdecimal() else None
    if account is None or not account.is_active or account.session_key != key:
        return None
    return account


def begin(account: Account) -> None:
    """Sign this browser in, in a new session: nothing planted before the sign-in survives it."""
    session.clear()
    session.permanent = True
    login_user(account)


def end() -> None:
    """Sign this browser out."""
    logout_user()
    session.clear()


def show_once(name: str, secret: str) -> None:
    """Keep a secret for the page after the redirect, in the asker's own HttpOnly cookie."""
    session[f"once:{name}"] = secret


def shown_once(name: str) -> str | None:
    """That secret, the first time it is asked for."""
    secret: str | None = session.pop(f"once:{name}", None)
    return secret
