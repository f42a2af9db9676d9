"""How far people who judged the same comparison agree, in the whole and by slice."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.leaderboard import memory
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Outcome, Project, Prompt
from app.quality.coefficients import Coefficient, Pattern, coefficients, nominal, ratings
from app.quality.forms import SliceBy

OUTCOMES = (Outcome.A, Outcome.B, Outcome.TIE, Outcome.BOTH_BAD)
# More slices than this are a list that nobody reads, each with its own intervals to be computed.
MOST_SLICES = 20


@dataclass(frozen=True)
class Sliced:
    """Agreement within one slice."""

    value: str
    coefficients: tuple[Coefficient, ...]

    @property
    def comparisons(self) -> int:
        """How many were judged by two people or more."""
        return self.coefficients[0].found.units


@dataclass(frozen=True)
class AgreementReport:
    """Agreement in the whole and by slice, the largest first; `more` slices are not shown."""

    comparisons: int
    verdicts: int
    overall: tuple[Coefficient, ...]
    slices: tuple[Sliced, ...]
    more: int


def of_people(session: Session, project: Project, by: SliceBy) -> AgreementReport:
    """Agreement between people; judge models and gold comparisons are left out.

    Gold comparisons are chosen to be clear, and a judge model repeats itself: both would flatter.
    """
    question = ("agreement", by)
    return memory.remembered(session, project, question, lambda _: _of_people(session, project, by))


def _of_people(session: Session, project: Project, by: SliceBy) -> AgreementReport:
    whole: dict[Pattern, int] = defaultdict(int)
    parts: dict[str, dict[Pattern, int]] = defaultdict(dict)
    for value, *pattern, comparisons in session.execute(_patterns(project, by)):
        key = tuple(int(n) for n in pattern)
        whole[key] += comparisons
        if value is not None:
            parts[value][key] = comparisons
    sizes = {value: sum(found.values()) for value, found in parts.items()}
    largest = sorted(sizes, key=lambda value: (-sizes[value], value))
    return AgreementReport(
        comparisons=sum(whole.values()),
        verdicts=sum(sum(pattern) * n for pattern, n in whole.items()),
        overall=coefficients(ratings(whole)),
        slices=tuple(Sliced(value, nominal(ratings(parts[value]))) for value in largest[:MOST_SLICES]),
        more=max(len(largest) - MOST_SLICES, 0),
    )


def _patterns(project: Project, by: SliceBy) -> Any:
    """Rows of (slice, verdicts of each kind, comparisons), counted in the database."""
    value: sa.Label[str | None] = col(getattr(Prompt, by)).label("value")
    verdicts = [sa.func.sum(sa.case((col(Judgment.outcome) == one, 1), else_=0)) for one in OUTCOMES]
    each = (
        sa.select(value, *(n.label(one.value) for n, one in zip(verdicts, OUTCOMES, strict=True)))
        .select_from(Judgment)
        .join(Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Judgment.annotator_id) == col(Annotator.id))
        .join(Prompt, col(Comparison.prompt_id) == col(Prompt.id))
        .where(
            col(Judgment.project_id) == project.id,
            col(Judgment.retired_at).is_(None),
            col(Comparison.gold).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
        )
        .group_by(col(Judgment.comparison_id), value)
        .having(sa.func.count() > 1)
        .subquery()
    )
    return sa.select(*each.c, sa.func.count()).group_by(*each.c)
