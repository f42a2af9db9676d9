"""What an annotator may know of their own work; nobody else is shown beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.models import Annotator, Comparison, Judgment, Project, now
from app.permissions import Access
from app.quality.annotators import Share

# Fewer of others' verdicts than this say more about chance than about anybody.
LEAST_VERDICTS = 20
LEAST_GOLD = 5
DAYS = 14


@dataclass(frozen=True)
class Day:
    """One day (UTC): judgments in force, and the active time of those that have one."""

    day: date
    judged: int
    seconds: float


@dataclass(frozen=True)
class Own:
    """One's own numbers; a share is None where too few verdicts are in for it.

    `others` are verdicts of others on the same comparisons, gold ones left out; `gold` is None, too,
    where the project does not show it.
    """

    judged: int
    seconds: float
    median: float | None
    days: Sequence[Day]
    others: int
    agreement: Share | None
    gold_judged: int
    gold: Share | None

    @property
    def today(self) -> Day:
        """The last day."""
        return self.days[-1]

    @property
    def most(self) -> int:
        """The busiest day's judgments, at least one."""
        return max(1, *(day.judged for day in self.days))


def of(session: Session, access: Access) -> Own:
    """The asker's numbers in a project; zeros before their first judgment."""
    project, account = access.project, access.account
    mine = select(Annotator.id, Annotator.judged).where(
        Annotator.project_id == project.id, Annotator.account_id == (account.id if account else None)
    )
    who, judged = session.exec(mine).one_or_none() or (0, 0)
    same, others = session.execute(_agreement(project, who or 0)).one()
    right, gold = session.execute(_gold(project, who or 0)).one()
    timed, total = session.execute(_times(who or 0)).one()
    return Own(
        judged=judged,
        seconds=(total or 0) / 1000,
        median=_median(session, who or 0, timed),
        days=_days(session, who or 0),
        others=others or 0,
        agreement=Share(same, others) if (others or 0) >= LEAST_VERDICTS else None,
        gold_judged=gold if project.shows_gold else 0,
        gold=Share(right or 0, gold) if project.shows_gold and gold >= LEAST_GOLD else None,
    )


def _live(who: int) -> "tuple[sa.ColumnElement[bool], ...]":
    return col(Judgment.annotator_id) == who, col(Judgment.retired_at).is_(None)


def _times(who: int) -> Any:
    return sa.select(sa.func.count(col(Judgment.duration_ms)), sa.func.sum(col(Judgment.duration_ms))).where(
        *_live(who)
    )


def _median(session: Session, who: int, timed: int) -> float | None:
    if not timed:
        return None
    duration = col(Judgment.duration_ms)
    middle = sa.select(duration).where(*_live(who), duration.is_not(None)).order_by(duration)
    found = session.scalars(middle.offset((timed - 1) // 2).limit(2 - timed % 2)).all()
    return sum(each or 0 for each in found) / len(found) / 1000


def _days(session: Session, who: int) -> list[Day]:
    today = now().date()
    first = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    made = sa.select(col(Judgment.created_at), col(Judgment.duration_ms)).where(
        *_live(who), col(Judgment.created_at) >= first
    )
    judged = dict.fromkeys((today - timedelta(days=back) for back in reversed(range(DAYS))), 0)
    spent = dict.fromkeys(judged, 0)
    for at, duration in session.execute(made):
        if at.date() in judged:
            judged[at.date()] += 1
            spent[at.date()] += duration or 0
    return [Day(day, count, spent[day] / 1000) for day, count in judged.items()]


def _agreement(project: Project, who: int) -> Any:
    """(same, all) of others' verdicts on what somebody judged; by the comparisons they judged alone."""
    mine, others = aliased(Judgment), aliased(Judgment)
    same = sa.case((col(mine.outcome) == col(others.outcome), 1), else_=0)
    return (
        sa.select(sa.func.sum(same), sa.func.count())
        .select_from(mine)
        .join(
            others,
            sa.and_(
                col(others.comparison_id) == col(mine.comparison_id),
                col(others.annotator_id) != who,
                col(others.retired_at).is_(None),
            ),
        )
        .join(Comparison, col(Comparison.id) == col(mine.comparison_id))
        .where(
            col(mine.annotator_id) == who,
            col(mine.retired_at).is_(None),
            col(mine.project_id) == project.id,
            col(Comparison.gold).is_(None),
        )
    )


def _gold(project: Project, who: int) -> Any:
    """(right, all) of gold comparisons among the others."""
    right = sa.case((col(Judgment.outcome) == col(Comparison.gold), 1), else_=0)
    return (
        sa.select(sa.func.sum(right), sa.func.count())
        .select_from(Judgment)
        .join(Comparison, col(Comparison.id) == col(Judgment.comparison_id))
        .where(*_live(who), col(Judgment.project_id) == project.id, col(Comparison.gold).is_not(None))
    )
