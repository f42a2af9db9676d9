"""The way into a project for a verdict: one statement instead of a mapped object for each table.

It only ever lets in whom ``permissions.enter`` would; everybody else is sent there to be told why not.
"""

from functools import lru_cache
from typing import Any

from app import db, language, permissions, web
from app.accounts import session
from app.annotation import statements
from app.models import Account, Project
from app.permissions import Access
from app.prepared import instance


def enter(slug: str) -> Access:
    """The project for whoever is signed in and may judge there.

    Raises what ``permissions.enter`` raises. The access's objects belong to no session.
    """
    cookie = session.current()
    row = statements.SEAT.first(db.session(), account_id=cookie.account_id, slug=slug)
    if row is not None:
        access, account = _access(row)
        if account.admits(cookie.key, cookie.own) and access.can("judge"):
            language.prefer(account.language)
            return access
    return permissions.enter(db.session(), web.account(), slug, "judge")


@lru_cache(maxsize=1024)
def _access(row: tuple[Any, ...]) -> tuple[Access, Account]:
    *values, role = row
    account = instance(Account, dict(zip(_ACCOUNT, values, strict=False)))
    project = instance(Project, dict(zip(_PROJECT, values[len(_ACCOUNT) :], strict=True)))
    return Access(project, account, role), account


_ACCOUNT = [column.name for column in statements.accounts.c]
_PROJECT = [column.name for column in statements.projects.c]
