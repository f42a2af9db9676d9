"""Who is asking: a signed-in person's cookie."""

from flask import Flask
from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect

from app import db
from app.models import Account

csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Install sign-in sessions and CSRF protection."""
    login_manager = LoginManager(app)
    login_manager.user_loader(load_account)
    csrf.init_app(app)


def load_account(cookie_id: str) -> Account | None:
    """The account of a session cookie, unless it was disabled or its sessions ended."""
    account_id, _, key = cookie_id.partition(":")
    account = db.session().get(Account, int(account_id)) if account_id.isdecimal() else None
    if account is None or not account.is_active or account.session_key != key:
        return None
    return account
