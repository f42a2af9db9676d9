"""What happened to those who judge, counted by day and without names."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.models import Care, CareCount, Project, now
from app.prepared import Prepared, table

# What the lead's counts look back on.
DAYS = 30


def add(session: Session, project: Project, what: Care) -> None:
    """One more of these today."""
    _COUNT.run(session, project_id=project.id, day=now().date(), what=what)


def _count(insert: Any) -> Any:
    counts = table(CareCount)
    values = {name: sa.bindparam(name, type_=counts.c[name].type) for name in ("project_id", "day", "what")}
    return (
        insert(counts)
        .values(values | {"n": 1})
        .on_conflict_do_update(
            index_elements=["project_id", "day", "what"], set_={"n": counts.c.n + sa.literal(1)}
        )
    )


_COUNT = Prepared(sqlite=_count(sqlite.Insert), postgresql=_count(postgresql.Insert))


def lately(session: Session, project: Project) -> dict[Care, int]:
    """What happened in the last days, for the lead."""
    since = now().date() - timedelta(days=DAYS)
    found = (
        sa.select(col(CareCount.what), sa.func.sum(CareCount.n))
        .where(col(CareCount.project_id) == project.id, col(CareCount.day) > since)
        .group_by(col(CareCount.what))
    )
    return dict.fromkeys(Care, 0) | {what: int(n) for what, n in session.execute(found)}
