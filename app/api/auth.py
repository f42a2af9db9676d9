"""Who is asking the API: a bearer token, never a cookie."""

from typing import cast

from flask import g, request

from app import db
from app.accounts import tokens
from app.errors import Unauthorized
from app.models import Account


def api_account() -> Account:
    """The account of the request's token; call it before the request's session is first used.

    Raises Unauthorized where there is no token, or it does not work.
    """
    account = asker()
    if account is None:
        raise Unauthorized("Send an API token: Authorization: Bearer tb_…")
    return account


def asker() -> Account | None:
    """The same, but None for a request without a token, which may read what is public."""
    if "asker" not in g:
        g.asker = _from_header()
    return cast(Account | None, g.asker)


def _from_header() -> Account | None:
    given = request.authorization
    if given is None:
        return None
    account = tokens.account_of(db.engine(), given.token or "") if given.type == "bearer" else None
    if account is None:
        raise Unauthorized("This API token is not valid. It may have been revoked; make a new one.")
    return account
