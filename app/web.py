"""What every page shares: page or fragment, headers, the signed-in account."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_htmx import HTMX
from flask_login import current_user
from jinja2_fragments.flask import render_block
from werkzeug.datastructures import MultiDict
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from app import db
from app.errors import Input, Invalid, NotFound, Problem, Unauthorized, checked
from app.models import Account
from app.settings import Settings
from app.words import counted

ROOT = Path(__file__).parent.parent

htmx = HTMX()

# What both databases can hold in a column of whole numbers.
LARGEST = 2**31 - 1

# Bytes: the longest guideline, every letter of it escaped, and nothing but files is longer.
LARGEST_FORM = 2 * 2**20

# Shows that a form is one of ours; it was looked at before any view runs.
FORM_SEAL = "csrf_token"

View = TypeVar("View", bound=Callable[..., Any])

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# No view sets these itself.
FIXED_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


def flask_config(settings: Settings) -> dict[str, Any]:
    """This project's settings in Flask's and its extensions' words."""
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SETTINGS": settings,
        "MAX_CONTENT_LENGTH": settings.max_upload_mb * 2**20,
        "SESSION_COOKIE_NAME": "tiebreak",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=settings.session_days),
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
    }


def settings() -> Settings:
    """The current app's settings."""
    return cast(Settings, current_app.config["SETTINGS"])


def init_app(app: Flask, settings: Settings) -> None:
    """Headers, template globals and htmx."""
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    htmx.init_app(app)
    app.before_request(_limit_body)
    app.before_request(_refuse_nul)
    app.after_request(_headers)
    app.add_template_filter(counted)
    app.context_processor(lambda: {"theme": theme(), "wants_fragment": wants_fragment})


def account() -> Account | None:
    """The signed-in account, or None."""
    return cast(Account, current_user._get_current_object()) if current_user.is_authenticated else None


def signed_in() -> Account:
    """The signed-in account. Raises Unauthorized where there is none."""
    found = account()
    if found is None:
        raise Unauthorized(_("Sign in to go on."))
    return found


def is_api() -> bool:
    """Whether the answer must be JSON."""
    return request.path.startswith("/api/")


def wants_fragment() -> bool:
    """Whether htmx will swap the answer into a part of the page.

    Boosted and history requests carry the same header but replace the whole page.
    """
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_fragment(template: str, block: str, **context: Any) -> Response:
    """One URL, one context: the whole page, or the named block for htmx to swap."""
    if wants_fragment():
        response = make_response(render_block(template, block, **context))
    else:
        response = make_response(render_template(template, **context))
    response.headers["Vary"] = "HX-Request, HX-Boosted"
    return response


def row_number(given: str) -> int:
    """A whole number of an address that a column can hold.

    Raises ValueError, which ``request.args.get`` takes for a number that was not given.
    """
    number = int(given)
    if abs(number) > LARGEST:
        raise ValueError(given)
    return number


def see_other(endpoint: str, **values: Any) -> BaseResponse:
    """Where to go after a POST."""
    return redirect(url_for(endpoint, **values), code=303)


def saved(message: str, endpoint: str, **values: Any) -> BaseResponse:
    """Keep what was done, say so, and go to the page where it shows."""
    db.session().commit()
    flash(message, "success")
    return see_other(endpoint, **values)


def public_url(endpoint: str, **values: Any) -> str:
    """A whole address, for a link to be sent to somebody."""
    base = settings().base_url.rstrip("/")
    return base + url_for(endpoint, **values) if base else url_for(endpoint, **values, _external=True)


def submitted(model: type[Input]) -> Input:
    """The posted form as this input model. Raises Invalid where it does not fit."""
    return checked(model, fields().to_dict())


def fields() -> MultiDict[str, str]:
    """The posted form without the token that every form carries."""
    given = MultiDict(request.form)
    given.poplist(FORM_SEAL)
    return given


def form_page(
    template: str, problem: Problem | None = None, *, values: dict[str, Any] | None = None, **context: Any
) -> Response:
    """A page with a form: as it starts, or as it was refused, with what is wrong beside each field."""
    shown = request.form if problem else values or {}
    errors = problem.by_field() if isinstance(problem, Invalid) else {}
    page = render_template(template, values=shown, errors=errors, problem=problem, **context)
    response = make_response(page, problem.status if problem else 200)
    response.headers.update(problem.headers if problem else {})
    return response


def theme() -> str:
    """The colour scheme the reader chose: light, dark or auto."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in ("light", "dark") else "auto"


def takes_files(view: View) -> View:
    """Mark a view whose requests may be as large as an upload; all others are read into memory.

    Nothing of the body is read before the view does: neither its token nor its texts are checked.
    """
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def _takes_files() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "takes_files", False)


def _limit_body() -> None:
    if not _takes_files():
        request.max_content_length = LARGEST_FORM


def _refuse_nul() -> None:
    # PostgreSQL keeps no text with a NUL character, and nobody types one.
    if "\x00" in request.path:
        raise NotFound(_("There is nothing at this address."))
    if any("\x00" in value for value in _typed()):
        raise Invalid(_("There is a NUL character in what was sent. Take it out and send it again."))


def _typed() -> Iterator[str]:
    yield from request.args.values()
    if not is_api() and not _takes_files():
        # The API and uploads read their bodies themselves, once they know who is asking.
        yield from request.form.values()


def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.extend(FIXED_HEADERS)
    headers.setdefault("Cache-Control", "no-store")
    return response
