"""Judgments as the annotation room would leave them: the vote, its counts, the annotator's changes."""

import random
from collections.abc import Sequence
from itertools import combinations, count
from typing import Any

from sqlmodel import Session, select

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


def add_comparison(session: Session, a: Model, b: Model, category: str | None = None) -> Comparison:
    """Two responses to a new prompt."""
    number = next(numbers)
    prompt = Prompt(
        project_id=a.project_id, key=f"p{number}", category=category, messages=_said("Which bird?")
    )
    session.add(prompt)
    session.flush()
    for model in (a, b):
        messages = _said(f"{number} as {model.id} would say", "assistant")
        session.add(Response(prompt_id=prompt.id, model_id=model.id, messages=messages))
    session.flush()
    made = Comparison(
        project_id=a.project_id,
        pair_id=f"pair{number}",
        prompt_id=prompt.id,
        model_a_id=a.id,
        model_b_id=b.id,
    )
    session.add(made)
    session.flush()
    return made


def judge(
    session: Session,
    comparison: Comparison,
    annotator: Annotator,
    outcome: Outcome,
    swapped: bool = False,
    **more: Any,
) -> Judgment:
    made = Judgment(
        submission_id=f"s{next(numbers)}",
        project_id=comparison.project_id,
        comparison_id=comparison.id,
        annotator_id=annotator.id,
        outcome=outcome,
        swapped=swapped,
        source=Source.PAGE,
        **more,
    )
    session.add(made)
    _count(session, comparison, annotator, made, +1)
    return made


def withdraw(session: Session, judgment: Judgment) -> None:
    """Take a judgment back."""
    judgment.retired_at = now()
    session.add(judgment)
    comparison = session.get_one(Comparison, judgment.comparison_id)
    annotator = session.get_one(Annotator, judgment.annotator_id)
    _count(session, comparison, annotator, judgment, -1)


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
    made = []
    for number in range(rounds):
        for a, b in combinations(models, 2):
            comparison = add_comparison(session, a, b, rng.choice(categories))
            outcome = _verdict(rng, BIRDS.get(a.name, 0.0) - BIRDS.get(b.name, 0.0))
            made.append(judge(session, comparison, people[number % len(people)], outcome, rng.random() < 0.5))
    session.commit()
    return made


def judge_pair(
    session: Session, a: Model, b: Model, outcomes: Sequence[Outcome], people: Sequence[Annotator]
) -> list[Judgment]:
    """These outcomes of one pair of models, by the people in turn; committed."""
    made = [
        judge(session, add_comparison(session, a, b), people[i % len(people)], outcome)
        for i, outcome in enumerate(outcomes)
    ]
    session.commit()
    return made


def _verdict(rng: random.Random, advantage: float) -> Outcome:
    if rng.random() < 0.15:
        return TIE
    return A if rng.random() < 1 / (1 + 2.718 ** -(2 * advantage)) else B


def _said(text: str, role: str = "user") -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def _count(
    session: Session, comparison: Comparison, annotator: Annotator, judgment: Judgment, by: int
) -> None:
    session.flush()
    prompt = session.get_one(Prompt, comparison.prompt_id)
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
        counting.add(session, comparison.project_id, dict.fromkeys(tallies.keys(counted), by), {})
    annotator.judged += by
    annotator.changes += 1
    session.add(annotator)
    session.flush()


def live(session: Session, project: Project) -> list[Judgment]:
    """The judgments in force."""
    rows = select(Judgment).where(Judgment.project_id == project.id, Judgment.retired_at.is_(None))  # type: ignore[union-attr]
    return list(session.exec(rows))
