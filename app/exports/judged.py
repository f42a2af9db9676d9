"""Who gave the judgments that an export's filters let through, how far they agree, and what they lean to."""

from collections import Counter, defaultdict
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
from app.quality import annotators
from app.quality.annotators import Share
from app.quality.coefficients import Coefficient, Pattern, nominal, ratings
from ranking import Cells
from ranking.codes import Outcome as Code

PEOPLE, MODELS, SIMULATED = "people", "models", "simulated"


@dataclass(frozen=True)
class Judged:
    """Judgments in force that the filters let through, before verdicts are made of them; gold aside.

    `coefficients` are between people, simulated ones too, as on the page of quality; `comparisons` have a
    judgment, and `largest` is how many are of the annotator with most. `gold` is how these annotators do
    wherever the right verdict is known; None where nowhere.
    """

    comparisons: int
    judgments: int
    by: Counter[str]
    annotators: int
    largest: int
    coefficients: tuple[Coefficient, ...]
    gold: Share | None
    position: PositionBias

    @property
    def several(self) -> int:
        """Comparisons that two people or more judged, on which the coefficients rest."""
        return self.coefficients[0].found.units


def of(connection: sa.Connection, project: Project, spec: ExportSpec) -> Judged:
    """Read them from the prompts that the spec names, in the caller's transaction."""
    rows = filters.counting(connection, project, spec)
    many = Counter(row.annotator_id for row in rows)
    kinds = _kinds(connection, many)
    with Session(connection) as session:
        gold = annotators.on_gold(session, project, many)
    return Judged(
        comparisons=len({row.comparison_id for row in rows}),
        judgments=len(rows),
        by=Counter(_whose(*kinds[row.annotator_id]) for row in rows),
        annotators=len(many),
        largest=max(many.values(), default=0),
        coefficients=nominal(ratings(_patterns(rows, kinds))),
        gold=gold,
        position=sides.position(_shown(rows)),
    )


def _kinds(connection: sa.Connection, wanted: Counter[int]) -> dict[int, tuple[AnnotatorKind, bool]]:
    columns: tuple[Any, ...] = (col(Annotator.id), col(Annotator.kind), col(Annotator.simulated))
    found = connection.execute(sa.select(*columns).where(col(Annotator.id).in_(wanted)))
    return {number: (kind, simulated) for number, kind, simulated in found}


def _whose(kind: AnnotatorKind, simulated: bool) -> str:
    if simulated:
        return SIMULATED
    return MODELS if kind == AnnotatorKind.MODEL else PEOPLE


def _patterns(rows: list[Any], kinds: dict[int, tuple[AnnotatorKind, bool]]) -> dict[Pattern, int]:
    """How many comparisons were judged so often each way by people, of those judged twice or more."""
    found: dict[int, list[int]] = defaultdict(lambda: [0] * len(CODES))
    for row in rows:
        if kinds[row.annotator_id][0] == AnnotatorKind.HUMAN:
            found[row.comparison_id][CODES[row.verdict]] += 1
    return Counter(tuple(counts) for counts in found.values() if sum(counts) > 1)


def _shown(rows: list[Any]) -> Cells:
    """Those whose order on the screen is known, the left response first."""
    known = [row for row in rows if row.swapped is not None and row.model_a_id != row.model_b_id]
    numbers = [(row.model_a_id, row.model_b_id, row.annotator_id, CODES[row.verdict]) for row in known]
    a, b, who, code = np.array(numbers, np.int64).reshape(-1, 4).T
    swapped = np.array([row.swapped for row in known], bool)
    models, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    first, second = place.reshape(2, -1)
    turned = np.where(swapped, np.array([Code.B, Code.A, Code.TIE, Code.BOTH_BAD])[code], code)
    counts = np.zeros((len(CODES), len(known)))
    counts[turned, np.arange(len(known))] = 1
    left, right = np.where(swapped, second, first), np.where(swapped, first, second)
    return Cells(left, right, counts, len(models), who)
