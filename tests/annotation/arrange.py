"""What a lead would have imported and queued: prompts, responses, comparisons."""

from itertools import combinations
from typing import Any

from sqlmodel import Session, select

from app.asking import rubrics
from app.models import Account, Annotator, Comparison, Model, Outcome, Project, Prompt, Response, Slot
from app.rubric import Rubric

MARKERS = ("heron-9000", "lark-9000")


def add_models(session: Session, project: Project, names: tuple[str, ...]) -> list[Model]:
    known = {row.name: row for row in session.exec(select(Model).where(Model.project_id == project.id))}
    models = [known.get(name) or Model(project_id=project.id, name=name) for name in names]
    session.add_all(models)
    session.flush()
    return models


def queue(
    session: Session,
    project: Project,
    prompts: int = 1,
    *,
    models: tuple[str, ...] = MARKERS,
    wanted: int = 1,
    gold: Outcome | None = None,
    category: str | None = None,
    language: str | None = None,
    tags: list[str] | None = None,
) -> list[Comparison]:
    """One comparison for each pair of models and prompt, in the models' order, committed."""
    rows = add_models(session, project, models)
    start = len(session.exec(select(Prompt).where(Prompt.project_id == project.id)).all())
    asked = [
        Prompt(
            project_id=project.id,
            key=f"prompt-{number}",
            messages=[{"role": "user", "content": f"Which bird is number {number}?"}],
            category=category,
            language=language,
            tags=tags,
        )
        for number in range(start, start + prompts)
    ]
    session.add_all(asked)
    session.flush()
    for number, prompt in enumerate(asked, start):
        for index, model in enumerate(rows):
            content = f"Answer {index} to prompt {number}."
            messages = [{"role": "assistant", "content": content}]
            session.add(Response(prompt_id=prompt.id, model_id=model.id, messages=messages))
    session.flush()
    made = [
        Comparison(
            project_id=project.id,
            pair_id=f"pair-{number}-{a.id}-{b.id}",
            prompt_id=prompt.id,
            model_a_id=a.id,
            model_b_id=b.id,
            gold=gold,
        )
        for number, prompt in enumerate(asked, start)
        for a, b in combinations(rows, 2)
    ]
    session.add_all(made)
    session.flush()
    session.add_all(
        Slot(comparison_id=row.id, project_id=project.id, wanted=wanted, position=row.id) for row in made
    )
    session.commit()
    return made


def ask(session: Session, project: Project, **rubric: Any) -> Rubric:
    """What a lead asks from now on, committed."""
    asked = Rubric.model_validate(rubric)
    version, _ = rubrics.live(session, project)
    rubrics.publish(session, project, asked, base=version, by=None)
    session.commit()
    return asked


def annotator_of(session: Session, project: Project, account: Account) -> Annotator:
    """Somebody's row in a project, made if need be, committed."""
    row = session.exec(
        select(Annotator).where(Annotator.project_id == project.id, Annotator.account_id == account.id)
    ).one_or_none()
    if row is None:
        row = Annotator(project_id=project.id, account_id=account.id, cluster=(account.id or 0) % 256)
        session.add(row)
        session.commit()
    return row
