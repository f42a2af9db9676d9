"""Simulated annotators, so that every page has something to show. Their judgments are marked.

They claim and judge through the same verbs as people do. Each has a taste for quality, a hand
that slips, and here and there a habit worth finding: one favours the left side, one hardly reads.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app import db
from app.annotation import claim, judge
from app.annotation.forms import JudgmentIn
from app.annotation.pair import written
from app.demo.remarks import SIDES, remark
from app.models import (
    Account,
    Annotator,
    AnnotatorKind,
    Comparison,
    Judgment,
    Membership,
    Model,
    Outcome,
    Project,
    Prompt,
    Role,
    Source,
    now,
    opaque_id,
    row_id,
)
from app.pairing.forms import PairingIn
from app.pairing.pairs import queue_pairs
from app.permissions import Access

Qualities = dict[str, dict[str, float]]

DAYS = 16
# In milliseconds.
HOUR = 3_600_000
FOR_READERS = PairingIn(seed=1, per_prompt=4)
ALL = PairingIn(seed=1)


@dataclass(frozen=True)
class Simulated:
    """How somebody judges: ``sharpness`` on the logit scale, ``left`` a liking for the first shown.

    ``criteria``: the share of verdicts that say more than the whole; ``care``: the share with failures
    marked and reasons given, where there are any.
    """

    name: str
    judgments: int
    sharpness: float = 2.0
    left: float = 0.0
    kind: AnnotatorKind = AnnotatorKind.HUMAN
    group: str | None = "readers"
    criteria: float = 0.4
    care: float = 0.3


READERS = (
    Simulated("Simulated: careful reader", 110, sharpness=2.6, group="experts", criteria=0.8, care=0.8),
    Simulated("Simulated: quick reader", 100, sharpness=1.6),
    Simulated("Simulated: favours the left", 70, sharpness=1.8, left=0.7),
    Simulated("Simulated: specialist", 80, sharpness=2.2, group="experts", criteria=0.8, care=0.8),
    Simulated("Simulated: newcomer", 60, sharpness=1.3),
    Simulated("Simulated: hardly reads", 40, sharpness=0.2, criteria=0.0, care=0.0),
)
JUDGE = Simulated(
    "Simulated judge model",
    220,
    sharpness=1.5,
    left=0.3,
    kind=AnnotatorKind.MODEL,
    group=None,
    criteria=0.0,
    care=0.0,
)
# By how much a model is better, on one criterion, than its answers are in the whole.
LEANINGS = {
    "accuracy": {"Heron": 0.4, "Lark": -0.2},
    "safety": {"Wren": 0.6},
    "clarity": {},
    "tone": {"Lark": 1.0, "Heron": -0.5},
}


def simulate(engine: sa.Engine, project: Project, qualities: Qualities) -> int:
    """Queue the pairs and let the cast judge; returns the number of judgments."""
    chance = random.Random(7)  # noqa: S311 -- made-up data wants a seed, not secrecy
    total = 0
    # The judge model goes through what nobody has come to, and through some of what people have judged.
    for pairing, cast in ((FOR_READERS, READERS), (ALL, (JUDGE,))):
        queue_pairs(engine, project, pairing, by=None)
        for simulated in cast:
            with db.transaction(engine) as session:
                total += _judge_as(session, project, simulated, qualities, chance)
    with db.transaction(engine) as session:
        _spread_over_days(session, project, chance)
    return total


def _judge_as(
    session: Session, project: Project, simulated: Simulated, qualities: Qualities, chance: random.Random
) -> int:
    access = _access(session, project, simulated)
    annotator = claim.annotator_of(session, access)
    session.execute(
        sa.update(Annotator)
        .where(col(Annotator.id) == annotator.id)
        .values(simulated=True, kind=simulated.kind, name=simulated.name, group_name=simulated.group)
    )
    names = {row.id: row.name for row in session.exec(select(Model).where(Model.project_id == project.id))}
    for count in range(simulated.judgments):
        annotator = claim.annotator_of(session, access)
        assigned = claim.claim_next(session, access, annotator)
        if assigned is None:
            return count
        comparison = session.get_one(Comparison, assigned.comparison_id)
        quality = qualities[session.get_one(Prompt, comparison.prompt_id).key]
        pair = names[comparison.model_a_id], names[comparison.model_b_id]
        a, b = (quality[name] for name in pair)
        outcome, strength = _verdict(simulated, a, b, assigned.swapped, chance)
        responses = written(session, assigned.comparison_id)
        sources = {side: responses[side].source for side in SIDES}
        # A chance of its own, so that what is said beside a verdict does not move the next one.
        aside = random.Random(f"{simulated.name} {assigned.comparison_id}")  # noqa: S311
        said = remark(simulated.care, outcome, pair, (a, b), sources, aside)
        given = JudgmentIn(
            assignment_id=assigned.uid,
            submission_id=opaque_id(),
            outcome=outcome,
            strength=strength,
            criteria=_criteria(simulated, pair, a - b, random.Random(assigned.comparison_id)),  # noqa: S311
            tags=said.tags,
            spans=said.spans,
            rationale=said.rationale,
            duration_ms=int(chance.lognormvariate(10.2, 0.6)),
        )
        judge.submit_judgment(session, access, given, Source.DEMO)
    return simulated.judgments


def _access(session: Session, project: Project, simulated: Simulated) -> Access:
    """An account without a password: nobody can sign in as a simulated annotator."""
    slug = simulated.name.lower().replace(":", "").replace(" ", "-")
    account = Account(email=f"{slug}@simulated.invalid", name=simulated.name)
    session.add(account)
    session.flush()
    session.add(Membership(account_id=row_id(account), project_id=row_id(project), role=Role.ANNOTATOR))
    session.flush()
    return Access(project, account, Role.ANNOTATOR)


def _verdict(
    simulated: Simulated, a: float, b: float, swapped: bool, chance: random.Random
) -> tuple[Outcome, int | None]:
    if max(a, b) < -0.3 and chance.random() < 0.75:
        return Outcome.BOTH_BAD, None
    difference = simulated.sharpness * (a - b) + (-simulated.left if swapped else simulated.left)
    if chance.random() < 0.35 * exp(-abs(difference)):
        return Outcome.TIE, None
    wins = chance.random() < 1 / (1 + exp(-difference))
    strength = min(3, 1 + int(abs(difference) / 1.5 + chance.random() * 0.8))
    return (Outcome.A if wins else Outcome.B), strength


def _criteria(
    simulated: Simulated, pair: tuple[str, str], difference: float, chance: random.Random
) -> dict[str, Outcome]:
    if chance.random() > simulated.criteria:
        return {}
    found = {}
    for criterion, leanings in LEANINGS.items():
        lean = leanings.get(pair[0], 0.0) - leanings.get(pair[1], 0.0)
        felt = simulated.sharpness * (difference + lean) + chance.gauss(0, 1)
        found[criterion] = Outcome.TIE if abs(felt) < 0.4 else Outcome.A if felt > 0 else Outcome.B
    return found


def moments(count: int, chance: random.Random) -> list[datetime]:
    """Ascending moments in working hours of the days before today, so fine that hardly two are the same."""
    today = now().replace(hour=8, minute=0, second=0, microsecond=0)
    return sorted(
        today
        - timedelta(days=chance.randrange(1, DAYS))
        + timedelta(milliseconds=chance.randrange(10 * HOUR))
        for _ in range(count)
    )


def _spread_over_days(session: Session, project: Project, chance: random.Random) -> None:
    """Date the judgments back, each annotator's in order, so that there is a time to show."""
    annotators = select(col(Annotator.id)).where(Annotator.project_id == project.id)
    for annotator_id in session.exec(annotators).all():
        ids = session.exec(
            select(col(Judgment.id)).where(Judgment.annotator_id == annotator_id).order_by(col(Judgment.id))
        ).all()
        for judgment_id, moment in zip(ids, moments(len(ids), chance), strict=True):
            dated = sa.update(Judgment).where(col(Judgment.id) == judgment_id).values(created_at=moment)
            session.execute(dated)
