"""Who is asking the API, and for what: a bearer token, never a cookie."""

from typing import cast

from flask import g, request

from app import db, permissions
from app.accounts import tokens
from app.accounts.signing_in import network
from app.accounts.tokens import Bearer
from app.api import limits
from app.errors import Forbidden, Unauthorized
from app.models import Account, Scope
from app.permissions import Access

NO_TOKEN = "Send an API token: Authorization: Bearer tb_…"  # noqa: S105 -- no secret


def admit(scope: Scope | None, slug: str | None, *, is_open: bool, for_one_project: bool) -> None:
    """Let a request in or raise why not: the one place where a token is held to what it is for.

    ``slug`` is the project that the address names. Called before the request's session is first used.
    """
    found = g.bearer = _bearer()
    if found is None:
        if not is_open:
            raise Unauthorized(NO_TOKEN)
        return
    if scope is not None:
        hold_to_scope(scope)
    if not (slug is None and for_one_project):
        hold_to(slug)


def hold_to_scope(scope: Scope) -> None:
    """Raise Forbidden where the token is not for this."""
    if scope not in bearer().token.scopes:
        raise Forbidden(f"This needs a token that may {scope}. Make another; this one stays as it is.")


def hold_to(slug: str | None) -> None:
    """Raise Forbidden where the token is for another project than this one (None: for no project)."""
    only = bearer().project
    if only is not None and only != slug:
        raise Forbidden(f"This token is for the project {only} alone.")


def _bearer() -> Bearer | None:
    """Whoever the header's token stands for, None without one; each request is counted as somebody's."""
    given = request.authorization
    found = tokens.bearer(db.engine(), given.token or "") if given and given.type == "bearer" else None
    limits.count(f"token:{found.token.uid}" if found else f"address:{network(request.remote_addr)}")
    if given is not None and found is None:
        raise Unauthorized("This API token is not valid. It may have been revoked; make a new one.")
    return found


def bearer() -> Bearer:
    """Who the request's token stands for."""
    return cast(Bearer, g.bearer)


def account() -> Account:
    """The account in whose name the request is made."""
    return bearer().account


def enter(slug: str, ability: str) -> Access:
    """The project behind a slug, if the asker may do this there; raises what ``permissions.enter`` raises."""
    asker = cast(Bearer | None, g.bearer)
    try:
        return permissions.enter(db.session(), asker.account if asker else None, slug, ability)
    except Unauthorized:
        raise Unauthorized(NO_TOKEN) from None
