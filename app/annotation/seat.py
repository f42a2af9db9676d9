"""The way into a project for a verdict: one statement instead of a mapped object for each table.

It only ever lets in whom ``permissions.enter`` would; everybody else is sent there to be told why not.
"""

from typing import Any

import sqlalchemy as sa

from app import db, language, permissions
from app.accounts import session
from app.models import Account, Membership, Project
from app.permissions import Access
from app.prepared import Prepared, instance, table

accounts, projects, memberships = table(Account), table(Project), table(Membership)


def enter(slug: str) -> Access:
    """The project for whoever is signed in and may judge there.

    Raises what ``permissions.enter`` raises. The access's objects belong to no session.
    """
    cookie = session.current()
    seat: tuple[Access, Account] | None = _SEAT.first(db.session(), account_id=cookie.account_id, slug=slug)
    if seat is not None:
        access, account = seat
        if account.admits(cookie.key, cookie.own) and access.can("judge"):
            language.prefer(account.language)
            return access
    return permissions.here(slug, "judge")


def _access(row: tuple[Any, ...]) -> tuple[Access, Account]:
    *values, role = row
    account = instance(Account, dict(zip(_ACCOUNT, values, strict=False)))
    project = instance(Project, dict(zip(_PROJECT, values[len(_ACCOUNT) :], strict=True)))
    return Access(project, account, role), account


_ACCOUNT = [column.name for column in accounts.c]
_PROJECT = [column.name for column in projects.c]

_SEAT = Prepared(
    sa.select(
        *(column.label(f"account__{column.name}") for column in accounts.c),
        *(column.label(f"project__{column.name}") for column in projects.c),
        memberships.c.role,
    )
    .select_from(
        sa.join(accounts, projects, projects.c.slug == sa.bindparam("slug")).outerjoin(
            memberships,
            sa.and_(memberships.c.account_id == accounts.c.id, memberships.c.project_id == projects.c.id),
        )
    )
    .where(accounts.c.id == sa.bindparam("account_id")),
    makes=_access,
)
