"""Who gave the judgments that an export's filters let through, how far they agree, and what they lean to."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.exports import filters
from app.exports.forms import ExportSpec
from app.leaderboard import sides
from app.leaderboard.reading import CODES
from app.leaderboard.sides import PositionBias
from app.models import Annotator, AnnotatorKind, Project
from app.prepared import table
from app.quality import annotators
from app.quality.annotators import Share
from app.quality.coefficients import Coefficient, Pattern, nominal, ratings
from ranking import Cells
from ranking.codes import Outcome as Code

PEOPLE, MODELS, SIMULATED = "people", "models", "simulated"


@dataclass(frozen=True)
class Judged:
    """Judgments in force that the filters let through, before verdicts are made of them.

    Those on gold comparisons are among them only where these are written. `coefficients` are between people,
    simulated ones too, as on the page of quality; of the simulated judgments `simulated_models` are as judge
    models. `comparisons` have a judgment, and `largest` is how many are of the annotator with most. `gold` is
    how these annotators do wherever the right verdict is known; None where nowhere.
    """

    comparisons: int
    judgments: int
    by: Counter[str]
    simulated_models: int
    annotators: int
    largest: int
    coefficients: tuple[Coefficient, ...]
    gold: Share | None
    position: PositionBias

    @property
    def several(self) -> int:
        """Comparisons that two people or more judged, on which the coefficients rest."""
        return self.coefficients[0].found.units

    @property
    def simulated_people(self) -> int:
        """Of the simulated judgments those as people."""
        return self.by[SIMULATED] - self.simulated_models

    @property
    def aside(self) -> int:
        """Judgments of judge models, simulated ones too, which the coefficients leave out."""
        return self.by[MODELS] + self.simulated_models

    def as_dict(self) -> dict[str, Any]:
        """For JSON; null is what cannot be told."""
        gold, position = self.gold, self.position
        return {
            "comparisons": self.comparisons,
            "several": self.several,
            "agreement": [one.as_dict() for one in self.coefficients],
            "judgments": self.judgments,
            "by": {name: self.by[name] for name in (PEOPLE, MODELS, SIMULATED)},
            "simulated_models": self.simulated_models,
            "annotators": self.annotators,
            "largest": self.largest,
            "gold": gold and _told(gold, "some", "many", "value", "lower", "upper"),
            "position": _told(position, "share", "lower", "upper", "judgments"),
        }


def _told(found: object, *names: str) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def of(connection: sa.Connection, project: Project, spec: ExportSpec) -> Judged:
    """Count them by the prompts that the spec names, in the caller's transaction.

    The database counts, so that no number of judgments needs more memory: what is held has a row for each
    annotator, pair of models and order.
    """
    let_through = filters.counting(project, spec)
    shown = _run(connection, spec, _by_order(let_through))
    patterns = Counter[Pattern]()
    for *counts, comparisons in _run(connection, spec, _by_pattern(let_through)):
        patterns[tuple(counts)] += comparisons
    many = Counter[int]()
    for row in shown:
        many[row.annotator_id] += sum(row[-len(CODES) :])
    kinds = _kinds(connection, many)
    by = Counter[str]()
    for who, judgments in many.items():
        by[_whose(*kinds[who])] += judgments
    with Session(connection) as session:
        gold = annotators.on_gold(session, project, many)
    shared = {pattern: comparisons for pattern, comparisons in patterns.items() if sum(pattern) > 1}
    return Judged(
        comparisons=patterns.total(),
        judgments=many.total(),
        by=by,
        simulated_models=sum(many[who] for who, kind in kinds.items() if kind == (AnnotatorKind.MODEL, True)),
        annotators=len(many),
        largest=max(many.values(), default=0),
        coefficients=nominal(ratings(shared)),
        gold=gold,
        position=sides.position(_shown(shown)),
    )


def _run(connection: sa.Connection, spec: ExportSpec, query: "sa.Select[Any]") -> list[Any]:
    return [row for run in spec.runs for row in connection.execute(query, run._asdict())]


def _by_order(let_through: sa.Subquery) -> "sa.Select[Any]":
    """How often each verdict was given, by pair of models, annotator and order on the screen."""
    c = let_through.c
    one_order = (c.model_a_id, c.model_b_id, c.annotator_id, c.swapped)
    counts = (sa.func.sum(sa.case((c.verdict == verdict, 1), else_=0)) for verdict in CODES)
    return sa.select(*one_order, *counts).group_by(*one_order)


def _by_pattern(let_through: sa.Subquery) -> "sa.Select[Any]":
    """How many comparisons were judged so often each way by people."""
    c = let_through.c
    by_person = col(Annotator.kind) == AnnotatorKind.HUMAN
    counts = [
        sa.func.sum(sa.case((sa.and_(c.verdict == verdict, by_person), 1), else_=0)).label(verdict)
        for verdict in CODES
    ]
    judging = let_through.join(table(Annotator), col(Annotator.id) == c.annotator_id)
    each = sa.select(*counts).select_from(judging).group_by(c.comparison_id).subquery()
    return sa.select(*each.c, sa.func.count()).group_by(*each.c)


def _kinds(connection: sa.Connection, wanted: Counter[int]) -> dict[int, tuple[AnnotatorKind, bool]]:
    columns: tuple[Any, ...] = (col(Annotator.id), col(Annotator.kind), col(Annotator.simulated))
    found = connection.execute(sa.select(*columns).where(col(Annotator.id).in_(wanted)))
    return {number: (kind, simulated) for number, kind, simulated in found}


def _whose(kind: AnnotatorKind, simulated: bool) -> str:
    if simulated:
        return SIMULATED
    return MODELS if kind == AnnotatorKind.MODEL else PEOPLE


def _shown(rows: list[Any]) -> Cells:
    """Those whose order on the screen is known, the left response first."""
    known = [row for row in rows if row.swapped is not None and row.model_a_id != row.model_b_id]
    a, b, who, swapped, *counts = np.array([*map(tuple, known)], np.int64).reshape(-1, 4 + len(CODES)).T
    models, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    first, second = place.reshape(2, -1)
    straight = np.array(counts, np.float64)
    turned = np.where(swapped, straight[[Code.B, Code.A, Code.TIE, Code.BOTH_BAD]], straight)
    left, right = np.where(swapped, second, first), np.where(swapped, first, second)
    return Cells(left, right, turned, len(models), who)
