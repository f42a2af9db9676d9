"""What every page shares: page or fragment, headers, the signed-in account."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar, cast

from flask import (
    Flask,
    Request,
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
from pydantic import SecretStr
from werkzeug.datastructures import MultiDict
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from app import db
from app.errors import Input, Invalid, NotFound, Problem, Unauthorized, checked
from app.models import Account
from app.settings import SHORTEST_KEY, Settings

ROOT = Path(__file__).parent.parent
# For a terminal: no page can say these.
NO_FOLDER = "TIEBREAK_DATA_DIR must be a folder that can be written to; {}: {}"
NO_LINK = (
    "No secret key can be kept in {}: {}. Where the file system makes no hard links, set TIEBREAK_SECRET_KEY"
)
CUT_KEY = "The key in {} has fewer than {} characters. Delete it and start again"
NO_TEMPLATES = (
    f"There are no templates in {ROOT}: Tiebreak runs from its source folder. "
    "Install it there: pip install -e ."
)

htmx = HTMX()


class Synchronous(Flask):
    """An app without a function that waits: asking each of them whether it does costs as much as a query."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


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
# For what a view did not set itself.
HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


@contextmanager
def _told_of_folder() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Problem(NO_FOLDER.format(error.filename, error.strerror)) from error


def have_folder(settings: Settings) -> None:
    """Make the data directory. Raises Problem where it cannot be."""
    with _told_of_folder():
        settings.data_dir.mkdir(parents=True, exist_ok=True)


def have_key(settings: Settings) -> None:
    """Make a secret key for settings without one, as in development only.

    It is kept in the data directory, so that sessions survive a restart. Raises Problem where it cannot be.
    """
    if settings.secret_key.get_secret_value():
        return
    have_folder(settings)
    with _told_of_folder():
        settings.secret_key = SecretStr(_development_key(settings.data_dir / "secret_key"))


def _development_key(path: Path) -> str:
    if not path.exists():
        # Named once it is whole: another process that starts now reads all of it, or none.
        with NamedTemporaryFile("w", dir=path.parent) as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            try:
                os.link(file.name, path)
            except FileExistsError:
                pass
            except OSError as error:
                raise Problem(NO_LINK.format(path, error.strerror)) from error
    key = path.read_text()
    # What was cut off while it was written signs nothing.
    if len(key) < SHORTEST_KEY:
        raise Problem(CUT_KEY.format(path, SHORTEST_KEY))
    return key


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
    """Headers, template globals and htmx. Raises Problem where the templates are not beside the code."""
    if not (ROOT / "templates").is_dir():
        raise Problem(NO_TEMPLATES)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    htmx.init_app(app)
    app.before_request(_look_over)
    app.after_request(_headers)
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


def is_file() -> bool:
    """Whether the address is that of a file for programs, spreadsheets or slides, and no page."""
    return request.path.endswith((".json", ".csv", ".svg"))


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


def number_asked(name: str) -> int | None:
    """A whole number of the address, None where none is given. Raises Invalid for anything else."""
    given = request.args.get(name, "").strip()
    try:
        return row_number(given) if given else None
    except ValueError:
        raise Invalid.at(name, _("Give a whole number.")) from None


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


def page(
    template: str,
    problem: Problem | None = None,
    *,
    values: dict[str, Any] | None = None,
    kept: Mapping[str, Any] | None = None,
    **context: Any,
) -> Response:
    """A page, most with a form: as it starts, or as it was refused, with what is wrong beside each field.

    ``values`` is what it starts with, ``kept`` what it is refused with where that is not what was sent.
    """
    sent = request.form if kept is None else kept
    shown = sent if problem else values or {}
    errors = problem.by_field() if problem else {}
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


def _look_over() -> None:
    """Refuse what no view should be asked: a body that is too large, a NUL character."""
    asked = cast(LocalProxy[Request], request)._get_current_object()
    files = getattr(current_app.view_functions.get(asked.endpoint or ""), "takes_files", False)
    if not files:
        asked.max_content_length = LARGEST_FORM
    # PostgreSQL keeps no text with a NUL character, and nobody types one.
    if "\x00" in asked.path:
        raise NotFound(_("There is nothing at this address."))
    typed = list(asked.args.items(multi=True))
    if not files and not is_api():
        # The API and uploads read their bodies themselves, once they know who is asking.
        typed += asked.form.items(multi=True)
    if any("\x00" in name + value for name, value in typed):
        raise Invalid(_("There is a NUL character in what was sent. Take it out and send it again."))


def _headers(response: Response) -> Response:
    headers = response.headers
    given = {name.lower() for name, _value in headers}
    headers.extend([(name, value) for name, value in HEADERS if name.lower() not in given])
    return response
