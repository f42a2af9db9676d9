"""Judgments as the annotation room would leave them: the vote, its counts, the annotator's changes."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, count
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from app import counting, tallies
from app.models import Annotator, Comparison, Judgment, Model, Outcome, Project, Prompt, Response, Source, now
from app.tallies import Counted

A, B, TIE, BOTH_BAD = Outcome.A, Outcome.B, Outcome.TIE, Outcome.BOTH_BAD
# How good the birds of most tests are, in logits.
BIRDS = {"Heron": 1.0, "Lark": 0.1, "Wren": -0.1, "Moth": -1.0}
numbers = count(1)


def add_models(session: Session, project: Project, names: Sequence[str]) -> list[Model]:
    models = [Model(project_id=project.id, name=name) for name in names]
    session.add_all(models)
    session.flush()
    return models


def add_annotators(session: Session, project: Project, n: int, **fields: object) -> list[Annotator]:
    made = [
        Annotator(project_id=project.id, name=f"annotator {next(numbers)}", cluster=cluster, **fields)
        for cluster in range(n)
    ]
    session.add_all(made)
    session.flush()
    return made


class Asked(NamedTuple):
    """Two models to be compared, the category of the prompt they are asked, and what they say."""

    a: Model
    b: Model
    category: str | None = None
    texts: tuple[str, str] | None = None


@dataclass(frozen=True)
class Said:
    """A verdict to come, and what else a judgment holds."""

    annotator: Annotator
    outcome: Outcome
    swapped: bool = False
    more: dict[str, Any] = field(default_factory=dict)


def add_comparisons(session: Session, asked: Sequence[Asked]) -> list[Comparison]:
    """Two responses to a new prompt, for each; stored together, which takes a fifth of the time."""
    keys = [next(numbers) for _ in asked]
    prompts = [
        Prompt(
            project_id=one.a.project_id, key=f"p{key}", category=one.category, messages=_said("Which bird?")
        )
        for key, one in zip(keys, asked, strict=True)
    ]
    session.add_all(prompts)
    session.flush()
    for key, prompt, one in zip(keys, prompts, asked, strict=True):
        texts = one.texts or (f"{key} as {model.id} would say" for model in one[:2])
        for model, text in zip(one[:2], texts, strict=True):
            messages = _said(text, "assistant")
            session.add(Response(prompt_id=prompt.id, model_id=model.id, messages=messages))
    session.flush()
    made = [
        Comparison(
            project_id=one.a.project_id,
            pair_id=f"pair{key}",
            prompt_id=prompt.id,
            model_a_id=one.a.id,
            model_b_id=one.b.id,
        )
        for key, prompt, one in zip(keys, prompts, asked, strict=True)
    ]
    session.add_all(made)
    session.flush()
    return made


def add_comparison(session: Session, a: Model, b: Model, category: str | None = None) -> Comparison:
    """Two responses to a new prompt."""
    return add_comparisons(session, [Asked(a, b, category)])[0]


def judge_all(
    session: Session, comparisons: Sequence[Comparison], verdicts: Sequence[Said]
) -> list[Judgment]:
    """A judgment of each comparison, as often as it is there."""
    made = [
        Judgment(
            submission_id=f"s{next(numbers)}",
            project_id=comparison.project_id,
            comparison_id=comparison.id,
            annotator_id=one.annotator.id,
            outcome=one.outcome,
            swapped=one.swapped,
            source=Source.PAGE,
            **one.more,
        )
        for comparison, one in zip(comparisons, verdicts, strict=True)
    ]
    session.add_all(made)
    _count(session, comparisons, [one.annotator for one in verdicts], made, +1)
    return made


def judge(
    session: Session,
    comparison: Comparison,
    annotator: Annotator,
    outcome: Outcome,
    swapped: bool = False,
    **more: Any,
) -> Judgment:
    return judge_all(session, [comparison], [Said(annotator, outcome, swapped, more)])[0]


def withdraw(session: Session, judgment: Judgment) -> None:
    """Take a judgment back."""
    judgment.retired_at = now()
    session.add(judgment)
    comparison = session.get_one(Comparison, judgment.comparison_id)
    annotator = session.get_one(Annotator, judgment.annotator_id)
    _count(session, [comparison], [annotator], [judgment], -1)


def change(session: Session, judgment: Judgment, outcome: Outcome) -> Judgment:
    """Another verdict takes the place of a judgment."""
    withdraw(session, judgment)
    session.flush()
    comparison = session.get_one(Comparison, judgment.comparison_id)
    made = judge(session, comparison, session.get_one(Annotator, judgment.annotator_id), outcome)
    made.supersedes_id = judgment.id
    return made


def judge_birds(
    session: Session,
    project: Project,
    *,
    names: Sequence[str] = tuple(BIRDS),
    rounds: int = 12,
    annotators: int = 8,
    categories: Sequence[str | None] = (None,),
) -> list[Judgment]:
    """Every pair judged by somebody in each round, much as the birds deserve; committed."""
    rng = random.Random(7)
    models, people = add_models(session, project, names), add_annotators(session, project, annotators)
    asked, said = [], []
    for number in range(rounds):
        for a, b in combinations(models, 2):
            asked.append(Asked(a, b, rng.choice(categories)))
            outcome = _verdict(rng, BIRDS.get(a.name, 0.0) - BIRDS.get(b.name, 0.0))
            said.append(Said(people[number % len(people)], outcome, rng.random() < 0.5))
    made = judge_all(session, add_comparisons(session, asked), said)
    session.commit()
    return made


def judge_pair(
    session: Session, a: Model, b: Model, outcomes: Sequence[Outcome], people: Sequence[Annotator]
) -> list[Judgment]:
    """These outcomes of one pair of models, by the people in turn; committed."""
    comparisons = add_comparisons(session, [Asked(a, b)] * len(outcomes))
    said = [Said(people[i % len(people)], outcome) for i, outcome in enumerate(outcomes)]
    made = judge_all(session, comparisons, said)
    session.commit()
    return made


def _verdict(rng: random.Random, advantage: float) -> Outcome:
    if rng.random() < 0.15:
        return TIE
    return A if rng.random() < 1 / (1 + 2.718 ** -(2 * advantage)) else B


def _said(text: str, role: str = "user") -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def _count(
    session: Session,
    comparisons: Sequence[Comparison],
    annotators: Sequence[Annotator],
    judgments: Sequence[Judgment],
    by: int,
) -> None:
    asked = {row.prompt_id for row in comparisons}
    prompts = {row.id: row for row in session.exec(select(Prompt).where(col(Prompt.id).in_(asked)))}
    deltas: Counter[tallies.Key] = Counter()
    for comparison, annotator, judgment in zip(comparisons, annotators, judgments, strict=True):
        prompt = prompts[comparison.prompt_id]
        if comparison.gold is None:
            counted = Counted(
                comparison.model_a_id,
                comparison.model_b_id,
                judgment.outcome,
                annotator.cluster,
                annotator.kind,
                prompt.category,
                prompt.language,
                judgment.swapped,
                annotator.group_name,
                tuple((judgment.criteria or {}).items()),
            )
            deltas.update(dict.fromkeys(tallies.keys(counted), by))
        annotator.judged += by
        annotator.changes += 1
    counting.add(session, comparisons[0].project_id, deltas, {})
    session.add_all(annotators)
    session.flush()


def live(session: Session, project: Project) -> list[Judgment]:
    """The judgments in force."""
    rows = select(Judgment).where(Judgment.project_id == project.id, Judgment.retired_at.is_(None))  # type: ignore[union-attr]
    return list(session.exec(rows))
