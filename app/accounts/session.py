"""Who is asking: a signed-in person's cookie."""

from copy import deepcopy
from functools import lru_cache, wraps
from time import time
from typing import Any, NamedTuple, cast

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app import db, language, web
from app.models import Account, opaque_id


class _Csrf(CSRFProtect):  # type: ignore[misc]  # the library has no types
    """A form is ours when the browser says so, or else by the token in it.

    No page can forge Sec-Fetch-Site; browsers leave it out over plain HTTP, and old ones always.
    """

    def protect(self, apply_exemptions: bool = False) -> None:
        if request.headers.get("Sec-Fetch-Site") != "same-origin":
            super().protect(apply_exemptions)


csrf = _Csrf()


class _Sessions(SecureCookieSessionInterface):
    """Flask's signed cookies, each checked once an hour: reading one costs as much as four queries."""

    def __init__(self, app: Flask) -> None:
        self._name = self.get_cookie_name(app)
        self._lifetime = int(app.permanent_session_lifetime.total_seconds())
        self._serializer = cast(URLSafeTimedSerializer, super().get_signing_serializer(app))
        self._content = lru_cache(maxsize=4096)(self._checked)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        return self._serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        cookie = request.cookies.get(self._name)
        content = self._content(cookie, int(time() // 3600)) if cookie else {}
        # Copies of what can change, as the list of flashed messages.
        return SecureCookieSession(
            {
                name: value if isinstance(value, str | bool) else deepcopy(value)
                for name, value in content.items()
            }
        )

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.modified or not session.accessed:
            super().save_session(app, session, response)
        else:
            # All that is left to do for one that was only read; Flask takes the header apart for it.
            response.headers.add("Vary", "Cookie")

    def _checked(self, cookie: str, _hour: int) -> dict[str, Any]:
        try:
            return dict(self._serializer.loads(cookie, max_age=self._lifetime))
        except BadSignature:
            return {}


def init_app(app: Flask) -> None:
    """Install sign-in sessions and CSRF protection."""
    app.session_interface = _Sessions(app)
    login_manager = LoginManager(app)
    login_manager.user_loader(load_account)
    csrf.init_app(app)


def takes_upload(view: web.View) -> web.View:
    """Mark a view of large files that calls ``check_upload`` once it knows that the asker may send any."""
    csrf.exempt(view)
    return web.takes_files(view)


def takes_choice(view: web.View) -> web.View:
    """Mark a view whose form needs a token from those signed in only: others choose for their browser alone.

    A token needs a cookie, with which no answer to them could be kept from one asking to the next.
    """
    csrf.exempt(view)

    @wraps(view)
    def checked(*args: Any, **values: Any) -> Any:
        if web.account():
            _check_token()
        return view(*args, **values)

    return cast(web.View, checked)


def check_upload() -> None:
    """Whether the form is ours, as is checked of every other before its view. Raises CSRFError.

    Reading its token reads its files too, so a browser's word that it comes from elsewhere is heard first.
    """
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise CSRFError("The form comes from another site.")
    _check_token()


def _check_token() -> None:
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()


def load_account(cookie_id: str) -> Account | None:
    """The account of a session cookie, unless it was disabled or its sessions ended.

    The API takes tokens only: its requests carry no CSRF token, so a cookie must open nothing there.
    """
    if web.is_api():
        return None
    cookie = read(cookie_id)
    account = db.session().get(Account, cookie.account_id)
    if account is None or not account.admits(cookie.key, cookie.own):
        return None
    language.prefer(account.language)
    return account


class Cookie(NamedTuple):
    """Who a browser says is signed in: the account and its key, and this browser's own part."""

    account_id: int
    key: str
    own: str


def read(cookie_id: str) -> Cookie:
    """What Flask-Login keeps; of nobody where it is not of our making."""
    account_id, key, own = (*cookie_id.split(":"), "", "")[:3]
    return Cookie(int(account_id) if account_id.isdecimal() else 0, key, own)


def current() -> Cookie:
    """What the request's cookie says."""
    return read(str(session.get("_user_id", "")))


def begin(account: Account) -> None:
    """Sign this browser in, in a new session: nothing planted before the sign-in survives it."""
    session.clear()
    session.permanent = True
    login_user(account)
    session["_user_id"] += f":{opaque_id()}"


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
