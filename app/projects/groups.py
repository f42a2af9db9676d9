"""The groups a lead puts annotators in: the leaderboard ranks by each group's judgments."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, tallies
from app.errors import NotFound
from app.models import Account, Annotator, Project, row_id
from app.projects.forms import GroupIn

# More are a list that nobody reads.
MOST_LISTED = 500


def of(session: Session, project: Project) -> Sequence[Any]:
    """The annotators, most judgments first: (uid, name, kind, simulated, judged, group_name)."""
    name = sa.func.coalesce(col(Account.name), col(Annotator.name)).label("name")
    shown: tuple[Any, ...] = (
        Annotator.uid,
        name,
        Annotator.kind,
        Annotator.simulated,
        Annotator.judged,
        Annotator.group_name,
    )
    found = (
        sa.select(*shown)
        .outerjoin(Account, col(Annotator.account_id) == col(Account.id))
        .where(col(Annotator.project_id) == project.id)
        .order_by(col(Annotator.judged).desc(), col(Annotator.id))
    )
    return session.execute(found.limit(MOST_LISTED)).all()


def put(session: Session, project: Project, form: GroupIn, *, by: Account) -> int:
    """Put annotators in a group, or in none; returns how many were elsewhere before.

    Raises NotFound where one of them is not the project's.
    """
    wanted = select(Annotator).where(
        Annotator.project_id == project.id, col(Annotator.uid).in_(form.annotator)
    )
    # Locked, so that each judgment is counted either before or in the new group.
    annotators = session.exec(wanted.order_by(col(Annotator.id)).with_for_update()).all()
    if len(annotators) < len(set(form.annotator)):
        raise NotFound(_("This project has no such annotator."))
    moved = [one for one in annotators if one.group_name != form.group]
    moves = [(row_id(one), one.group_name, form.group) for one in moved]
    tallies.regroup(session, row_id(project), moves)
    for one in moved:
        detail = audit.changed({"group": one.group_name}, {"group": form.group})
        one.group_name = form.group
        audit.record(
            session, "annotator.group", f"annotator:{one.uid}", by=by, project=project, detail=detail
        )
    if moved:
        changed = sa.update(Project).where(col(Project.id) == project.id)
        session.execute(changed.values(revision=col(Project.revision) + 1))
    return len(moved)
