"""The way into a project for a verdict: one statement instead of a mapped object for each table.

It only ever lets in whom ``permissions.enter`` would; everybody else is sent there to be told why not.
"""

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
        access = _access(row._asdict()) if row is not None else None
        if access is not None and access.can("judge"):
            return access
    return permissions.enter(db.session(), web.account(), slug, "judge")


def _access(row: dict[str, object]) -> Access:
    account, project = (
        {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
        for prefix in ("account__", "project__")
    )
    return Access(instance(Project, project), instance(Account, account), row["role"])  # type: ignore[arg-type]
