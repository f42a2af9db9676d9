"""What each annotator's judgments look like beside the others', and what weighting them would change."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.leaderboard import bias, memory, reading, reliability
from app.leaderboard.reliability import Reweighted
from app.models import Account, Annotator, AnnotatorKind, Comparison, Judgment, Outcome, Project
from ranking.uncertainty import wilson

_ONCE_IN_A_THOUSAND = 3.29
# Nobody reads a prompt and two responses in less.
LEAST_SECONDS = 2


@dataclass(frozen=True)
class Share:
    """Some out of many, with Wilson's 95 % interval (*JASA* 22, 1927, 209-212)."""

    some: int
    many: int

    @property
    def value(self) -> float:
        return self.some / self.many

    @property
    def lower(self) -> float:
        return wilson(self.value, self.many)[0]

    @property
    def upper(self) -> float:
        return wilson(self.value, self.many)[1]


@dataclass(frozen=True)
class AnnotatorQuality:
    """One annotator's numbers; None where there is nothing to tell it from.

    `seconds`: the median time for a judgment. `agreement`: verdicts of others on the same
    comparisons that were the same. `left`: how often the left side was preferred to the right.
    `reliability` with its bounds: how far the verdicts follow the ratings, 1 as the median annotator.
    """

    name: str
    kind: AnnotatorKind
    simulated: bool
    judgments: int
    seconds: float | None
    gold: Share | None
    agreement: Share | None
    left: Share | None
    reliability: tuple[float, float, float] | None

    @property
    def hurried(self) -> bool:
        """Whether half of a person's judgments took less time than reading takes."""
        return self.kind == AnnotatorKind.HUMAN and self.seconds is not None and self.seconds < LEAST_SECONDS

    @property
    def favours_a_side(self) -> bool:
        """Whether chance alone would do as much once in a thousand: many annotators are looked at."""
        if self.left is None:
            return False
        return abs(2 * self.left.some - self.left.many) > _ONCE_IN_A_THOUSAND * sqrt(self.left.many)


def of(session: Session, project: Project, *, by_name: bool) -> list[AnnotatorQuality]:
    """Everybody with a judgment in force, most judgments first.

    People go by their name or by the pseudonym that exports carry; judge models always by name.
    """
    numbers = memory.remembered(session, project, "quality", lambda _: _numbers(session, project))
    return [
        AnnotatorQuality(_shown(who, by_name), who.kind, who.simulated, **numbers[who.id])
        for who in session.execute(_people(project))
        if who.id in numbers
    ]


def on_gold(session: Session, project: Project, who: Iterable[int]) -> Share | None:
    """How often these annotators, by id, are right on gold comparisons; None where they judged none."""
    gold = col(Comparison.gold)
    counted = (_how_many(gold == col(Judgment.outcome)), sa.func.count())
    found = sa.select(*counted).join_from(
        Comparison, Judgment, col(Judgment.comparison_id) == col(Comparison.id)
    )
    # Of the judgments no project is asked: from that, each of them would be read and not the gold ones alone.
    found = found.where(col(Comparison.project_id) == project.id, gold.is_not(None))
    found = found.where(col(Judgment.retired_at).is_(None), col(Judgment.annotator_id).in_(who))
    return _share(*session.execute(found).one())


def reweighted(session: Session, project: Project) -> list[Reweighted]:
    """The models of each group, best first; none where reliabilities cannot be told."""
    return memory.remembered(session, project, "reweighted", lambda _: _reweighted(session, project))


def _shown(who: Any, by_name: bool) -> str:
    return str(who.name if by_name or who.kind == AnnotatorKind.MODEL else who.uid)


def _people(project: Project) -> Any:
    name = sa.func.coalesce(col(Account.name), col(Annotator.name)).label("name")
    return (
        sa.select(col(Annotator.id), col(Annotator.uid), name, col(Annotator.kind), col(Annotator.simulated))
        .outerjoin(Account, col(Annotator.account_id) == col(Account.id))
        .where(col(Annotator.project_id) == project.id)
        .order_by(col(Annotator.judged).desc(), col(Annotator.id))
    )


def _numbers(session: Session, project: Project) -> dict[int, dict[str, Any]]:
    seconds = {row.who: float(row.median) / 1000 for row in session.execute(_medians(project))}
    agreed = {row.who: _share(row.same, row.others) for row in session.execute(_agreement(project))}
    reliable = _reliabilities(session, project)
    return {
        row.who: {
            "judgments": row.judgments,
            "seconds": seconds.get(row.who),
            "gold": _share(row.right, row.gold),
            "agreement": agreed.get(row.who),
            "left": _share(row.to_left, row.sided),
            "reliability": reliable.get(row.who),
        }
        for row in session.execute(_totals(project))
    }


def _share(some: Any, many: Any) -> Share | None:
    return Share(int(some), int(many)) if many else None


def _totals(project: Project) -> Any:
    gold, outcome, swapped = col(Comparison.gold), col(Judgment.outcome), col(Judgment.swapped)
    to_left = sa.or_(
        sa.and_(outcome == Outcome.A, swapped.is_(False)), sa.and_(outcome == Outcome.B, swapped.is_(True))
    )
    sided = sa.and_(outcome.in_((Outcome.A, Outcome.B)), swapped.is_not(None))
    return (
        sa.select(
            col(Judgment.annotator_id).label("who"),
            sa.func.count().label("judgments"),
            sa.func.count(gold).label("gold"),
            _how_many(gold == outcome).label("right"),
            _how_many(to_left).label("to_left"),
            _how_many(sided).label("sided"),
        )
        .join(Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .where(*_live(project))
        .group_by(col(Judgment.annotator_id))
    )


def _how_many(condition: "sa.ColumnElement[bool]") -> "sa.Function[int]":
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _live(project: Project) -> "tuple[sa.ColumnElement[bool], ...]":
    return col(Judgment.project_id) == project.id, col(Judgment.retired_at).is_(None)


def _medians(project: Project) -> Any:
    """Rows of (who, median) in milliseconds; SQLite has no median of its own."""
    who, duration = col(Judgment.annotator_id), col(Judgment.duration_ms)
    place = sa.func.row_number().over(partition_by=who, order_by=duration)
    ordered = (
        sa.select(
            who.label("who"),
            duration.label("duration"),
            place.label("place"),
            sa.func.count().over(partition_by=who).label("n"),
        )
        .where(*_live(project), duration.is_not(None))
        .subquery()
    )
    in_the_middle = (2 * ordered.c.place).between(ordered.c.n, ordered.c.n + 2)
    median = sa.func.avg(ordered.c.duration).label("median")
    return sa.select(ordered.c.who, median).where(in_the_middle).group_by(ordered.c.who)


def _agreement(project: Project) -> Any:
    """Rows of (who, same, others): verdicts of others on the same comparisons. Gold is told apart."""
    comparison = col(Judgment.comparison_id)
    outcome = col(Judgment.outcome)
    each = (
        sa.select(
            col(Judgment.annotator_id).label("who"),
            (sa.func.count().over(partition_by=(comparison, outcome)) - 1).label("same"),
            (sa.func.count().over(partition_by=comparison) - 1).label("others"),
        )
        .join(Comparison, comparison == col(Comparison.id))
        .where(*_live(project), col(Comparison.gold).is_(None))
        .subquery()
    )
    totals = (sa.func.sum(each.c[name]).label(name) for name in ("same", "others"))
    return sa.select(each.c.who, *totals).group_by(each.c.who)


def _reliabilities(session: Session, project: Project) -> dict[int, tuple[float, float, float]]:
    found = bias.weighted(session, project)
    return {} if found is None else reliability.reliabilities(found)


def _reweighted(session: Session, project: Project) -> list[Reweighted]:
    found = bias.weighted(session, project)
    names, _ = reading.models(session, project)
    return [] if found is None else reliability.reweighted(names, found)
