"""Tells an error as a page, a fragment or an RFC 9457 problem document."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from app import language
from app.errors import FieldError, Problem, Unauthorized
from app.permissions import Access, Archived
from app.web import account, htmx, is_api, is_file, settings, wants_fragment

log = logging.getLogger(__name__)

SENT_AGAIN = frozenset({"annotation.submit"})


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(sa.exc.OperationalError, _database)
    app.register_error_handler(sa.exc.TimeoutError, _database)
    app.register_error_handler(Exception, _unexpected)


def _problem(error: Problem) -> BaseResponse:
    if isinstance(error, Unauthorized) and not is_api():
        return _sign_in_first()
    if isinstance(error, Archived) and not is_api():
        return _archived(error)
    response = tell(error.status, error.detail, error.errors, error.members)
    response.headers.update(error.headers)
    return response


def _archived(error: Archived) -> Response:
    # Whoever sends something saw the page while the project was open.
    lost = _("What you sent was not saved.") if request.method == "POST" else ""
    return tell(error.status, f"{error.detail} {lost}".strip(), closed=error.access)


def _sign_in_first() -> BaseResponse:
    if request.method == "GET" and not wants_fragment():
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")), HTTPStatus.SEE_OTHER)
    # Whoever sends something from a page was signed in when it was shown.
    target = url_for("accounts.sign_in", next=_came_from(), ended=_kept_or_lost())
    if wants_fragment():
        return Response(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": target})
    return redirect(target, HTTPStatus.SEE_OTHER)


def _came_from() -> str | None:
    """The page of this site that sent the request, as its browser says."""
    page = urlsplit((htmx.current_url if htmx else None) or request.referrer or "")
    ours = {request.host, urlsplit(settings().base_url).netloc}
    return urlunsplit(("", "", page.path, page.query, "")) if page.netloc and page.netloc in ours else None


def _kept_or_lost() -> str:
    if request.method == "GET":
        return "unharmed"
    # static/js/outbox.js keeps a verdict in the browser before it sends it.
    return "kept" if wants_fragment() and request.endpoint in SENT_AGAIN else "lost"


def _csrf(error: CSRFError) -> BaseResponse:
    if account() is None and request.blueprint != "accounts":
        # Its token went with the session; where signing in is what the form is for, it is only old.
        return _sign_in_first()
    return tell(HTTPStatus.BAD_REQUEST, _("This form is out of date. Reload the page and send it again."))


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    response = tell(HTTPStatus(error.code), str(_HTTP_SENTENCES.get(error.code, error.description or "")))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


_HTTP_SENTENCES = {
    404: lazy_gettext(
        "There is nothing at this address. It may have moved, or you may not be a member of its project."
    ),
    405: lazy_gettext("This address does not take that kind of request."),
    413: lazy_gettext("That is too large to be accepted in one request."),
}


def _database(error: sa.exc.OperationalError | sa.exc.TimeoutError) -> Response:
    said = str(getattr(error, "orig", error))
    log.error("database: %s", said)
    if any(word in said for word in ("disk is full", "disk I/O error", "No space left")):
        return tell(
            HTTPStatus.INSUFFICIENT_STORAGE, _("The disk is full, so nothing was saved. Try again later.")
        )
    return tell(
        HTTPStatus.SERVICE_UNAVAILABLE, _("The database is not answering, so nothing was saved. Try again.")
    )


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error", exc_info=error)
    return tell(
        HTTPStatus.INTERNAL_SERVER_ERROR, _("Something broke on our side, and nothing was saved. Try again.")
    )


def tell(
    status: HTTPStatus,
    detail: str,
    errors: list[FieldError] | None = None,
    members: dict[str, Any] | None = None,
    closed: Access | None = None,
) -> Response:
    """The same error as the asker reads it: problem document, fragment or page.

    ``closed`` is the archived project that it is about, if it is about one.
    """
    if is_api() or is_file():
        response = jsonify(problem_document(status, detail, errors or []) | (members or {}))
        response.content_type = "application/problem+json"
        response.headers["Content-Language"] = language.current()
        response.vary.add("Accept-Language")
    else:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # The page's frame greets whoever is signed in; asking a broken database who would fail again,
            # also of an account already read: what failed may have expired it.
            g._login_user = AnonymousUserMixin()
        template = "errors/_problem.html" if wants_fragment() else "errors/problem.html"
        around = {"access": closed, "project": closed.project} if closed else {}
        page = render_template(template, status=status, detail=detail, errors=errors or [], **around)
        response = make_response(page)
    response.status_code = status
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE):
        response.headers["Retry-After"] = "5"
    return response


def problem_document(status: HTTPStatus, detail: str, errors: list[FieldError]) -> dict[str, Any]:
    """An RFC 9457 problem document."""
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "instance": request.path,
        "errors": [{"pointer": item.pointer, "detail": item.detail} for item in errors],
    }
