"""How far people who judged the same comparison agree, in the whole and by slice."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app.leaderboard import memory
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Outcome, Project, Prompt
from app.quality.forms import SliceBy
from ranking.agreement import Agreement, gwet_ac1, krippendorff_alpha, preference_scale, raw_agreement

OUTCOMES = (Outcome.A, Outcome.B, Outcome.TIE, Outcome.BOTH_BAD)
# More slices than this are a list that nobody reads, each with its own intervals to be computed.
MOST_SLICES = 20

Pattern = tuple[int, ...]
Ratings = NDArray[np.intp]


@dataclass(frozen=True)
class Coefficient:
    """One way to count agreement, what it tells, and what was found."""

    name: str
    tells: str
    found: Agreement

    @property
    def undefined(self) -> str:
        """Why there is no value; empty where there is one."""
        codes = [note.code for note in self.found.notes]
        return next((_UNDEFINED[code] for code in codes if code in _UNDEFINED), "")

    @property
    def no_interval(self) -> str:
        """Why there is no interval; empty where there is one."""
        codes = [note.code for note in self.found.notes]
        return next((_NO_INTERVAL[code] for code in codes if code in _NO_INTERVAL), "")


_NO_OVERLAP = "undefined because no comparison has two verdicts that count here"
_UNDEFINED = {
    "few_annotators": _NO_OVERLAP,
    "no_overlap": _NO_OVERLAP,
    "one_category": "undefined because all verdicts are the same, so chance alone would agree as much",
}
_NO_INTERVAL = {
    "one_unit": "no interval: it rests on one comparison",
    "little_variation": "no interval: the comparisons hardly differ",
}


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
        overall=_coefficients(_ratings(whole)),
        slices=tuple(Sliced(value, _nominal(_ratings(parts[value]))) for value in largest[:MOST_SLICES]),
        more=max(len(largest) - MOST_SLICES, 0),
    )


def _coefficients(ratings: Ratings) -> tuple[Coefficient, ...]:
    on_scale = Coefficient(
        "Alpha on the scale A – tie – B",
        "As alpha, but a tie is nearer to each side than they are to each other; “both bad” left out.",
        krippendorff_alpha(preference_scale(ratings), metric="ordinal"),
    )
    return *_nominal(ratings), on_scale


def _nominal(ratings: Ratings) -> tuple[Coefficient, ...]:
    """Those for which every two verdicts are either the same or not."""
    return (
        Coefficient("Raw agreement", "How often two people give the same verdict.", raw_agreement(ratings)),
        Coefficient(
            "Krippendorff’s alpha",
            "Beyond chance, every difference alike: 1 is perfect, 0 what chance gives.",
            krippendorff_alpha(ratings),
        ),
        Coefficient(
            "Gwet’s AC1",
            "Beyond chance, and steady where one verdict prevails.",
            gwet_ac1(ratings, categories=len(OUTCOMES)),
        ),
    )


def _ratings(patterns: dict[Pattern, int]) -> Ratings:
    """A reliability matrix with a column for each comparison.

    Rows are verdicts in any order and not annotators: no coefficient here asks who gave which.
    """
    most = max((sum(pattern) for pattern in patterns), default=0)
    columns: Sequence[Any] = [
        [code for code, times in enumerate(pattern) for _ in range(times)] + [-1] * (most - sum(pattern))
        for pattern in patterns
    ]
    matrix = np.array(columns, dtype=np.intp).reshape(len(patterns), most).T
    return np.repeat(matrix, list(patterns.values()), axis=1)


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
