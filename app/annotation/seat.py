"""The way into a project for a verdict: one statement instead of a mapped object for each table.

It only ever lets in whom ``permissions.enter`` would; everybody else is sent there to be told why not.
"""

from typing import Any

import flask

from app import db, permissions, web
from app.annotation import statements
from app.models import Account, Project
from app.permissions import Access
from app.prepared import instance


def enter(slug: str) -> Access:
    """The project for whoever is signed in and may judge there.

    Raises what ``permissions.enter`` raises. The access's objects belong to no session.
    """
    account_id, _, key = str(flask.session.get("_user_id", "")).partition(":")
    if account_id.isdecimal():
        row = statements.SEAT.first(db.session(), account_id=int(account_id), session_key=key, slug=slug)
        access = _access(row) if row is not None else None
        if access is not None and access.can("judge"):
            return access
    return permissions.enter(db.session(), web.account(), slug, "judge")


def _access(row: tuple[Any, ...]) -> Access:
    *values, role = row
    account = dict(zip(_ACCOUNT, values, strict=False))
    project = dict(zip(_PROJECT, values[len(_ACCOUNT) :], strict=True))
    return Access(instance(Project, project), instance(Account, account), role)


_ACCOUNT = [column.name for column in statements.accounts.c]
_PROJECT = [column.name for column in statements.projects.c]
