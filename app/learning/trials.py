"""The way to live judging: a training round with an answer to each verdict, and a test."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit
from app.annotation.asked import live_rubric
from app.annotation.claim import Assigned, annotator_of
from app.annotation.judge import Told
from app.annotation.sensitive import is_sensitive
from app.errors import Conflict, NotFound
from app.learning.forms import PassIn, TrialIn
from app.models import (
    Annotator,
    Comparison,
    Decline,
    GoldUse,
    Project,
    Prompt,
    Source,
    Stage,
    Trial,
    now,
    row_id,
)
from app.permissions import Access
from app.tallies import TURNED

TRAINING_ROUND = 0


@dataclass(frozen=True)
class Result:
    """One go at the test: how many were right, of how many, and how many had to be."""

    right: int
    of: int
    needed: int

    @property
    def passed(self) -> bool:
        return self.right >= self.needed


@dataclass(frozen=True)
class Way:
    """Where somebody is: ``trial`` is the one in hand, ``done`` of ``of`` in this round.

    ``results`` are the finished goes at the test, the first one first; ``left`` how many there are still.
    ``ready`` is false where a test is to be done that has no pair for them; ``warned`` says that they have
    read the project's warning.
    """

    stage: Stage
    trial: Assigned | None
    done: int
    of: int
    results: tuple[Result, ...]
    left: int
    ready: bool = True
    warned: bool = True


@dataclass(frozen=True)
class Answered:
    """A verdict on a trial, and what is told of it."""

    trial: Assigned
    stage: Stage
    correct: bool
    told: Told


def way(session: Session, access: Access) -> Way:
    """Where the asker is, moved on where nothing is left of a round; the training's next pair is opened."""
    project, annotator = access.project, _mine(session, access)
    while (found := _way(session, project, annotator)) is None:
        _move_on(session, access, annotator)
    return replace(found, warned=annotator.warned)


def _mine(session: Session, access: Access) -> Annotator:
    """The asker's row, which the statements of judging have locked."""
    return session.get_one(Annotator, annotator_of(session, access).id)


def _way(session: Session, project: Project, annotator: Annotator) -> Way | None:
    """None where this stage is over."""
    results = _results(session, project, annotator)
    left = max(project.test_attempts - len(results), 0)
    if annotator.stage == Stage.TRAINING:
        return _training(session, project, annotator, results, left) if project.training else None
    if annotator.stage == Stage.TEST:
        return _test(session, project, annotator, results, left) if project.test_size else None
    if annotator.stage == Stage.FAILED and (left or not project.test_size):
        # The lead allows more goes than there were, or asks for no test any more.
        return None
    return Way(annotator.stage, None, 0, 0, results, left)


def _training(
    session: Session, project: Project, annotator: Annotator, results: tuple[Result, ...], left: int
) -> Way | None:
    lessons = [one.id for one in _pool(session, project, GoldUse.TRAINING, annotator)]
    begun = {row.comparison_id: row for row in _live(session, annotator, TRAINING_ROUND)}
    done = sum(row.outcome is not None for row in begun.values())
    waiting = [key for key in lessons if key not in begun or begun[key].outcome is None]
    if not waiting:
        return None
    trial = begun.get(waiting[0]) or _open(session, annotator, waiting[0], TRAINING_ROUND)
    return Way(Stage.TRAINING, Assigned.of(trial), done, done + len(waiting), results, left)


def _test(
    session: Session, project: Project, annotator: Annotator, results: tuple[Result, ...], left: int
) -> Way:
    rows = _live(session, annotator, len(results) + 1)
    trial = next((row for row in rows if row.outcome is None), None)
    if trial is not None:
        done = sum(row.outcome is not None for row in rows)
        return Way(Stage.TEST, Assigned.of(trial), done, len(rows), results, left)
    there = len(_pool(session, project, GoldUse.TEST, annotator))
    return Way(Stage.TEST, None, 0, min(project.test_size, there), results, left, ready=there > 0)


def has_read(session: Session, access: Access) -> bool:
    """Whether the asker has read the guideline that is in force; true where there is none."""
    return not _mine(session, access).guideline_news


def begin_test(session: Session, access: Access) -> None:
    """Draw the comparisons of the next go at the test; one that is under way goes on.

    Those that nobody has shown them in an earlier go come first. Raises Conflict where there is
    nothing to be tested in now.
    """
    project, found = access.project, way(session, access)
    if found.stage != Stage.TEST or not found.ready or not found.left:
        raise Conflict(_("There is no test for you to take now."))
    if found.trial is not None:
        return
    annotator, attempt = _mine(session, access), len(found.results) + 1
    known = {row.comparison_id for row in _live(session, annotator)}
    pool = [
        (one.id in known, secrets.randbits(32), one.id)
        for one in _pool(session, project, GoldUse.TEST, annotator)
    ]
    for drawn in sorted(pool)[: project.test_size]:
        _open(session, annotator, drawn[-1], attempt)
    _record(session, access, annotator, "test.begin", {"attempt": attempt})


def answer(session: Session, access: Access, given: TrialIn, source: Source) -> Answered:
    """Keep a verdict on a trial and say what the right one is; the first verdict counts.

    A page names places on the screen, the API responses. Raises NotFound for a trial that is not the asker's.
    """
    annotator = _mine(session, access)
    trial, comparison = _find(session, annotator, given.trial_id)
    if trial.outcome is None:
        turned = source == Source.PAGE and trial.swapped
        trial.outcome = TURNED.get(given.outcome, given.outcome) if turned else given.outcome
        trial.correct, trial.answered_at = trial.outcome == comparison.gold, now()
        detail = {"attempt": trial.attempt, "correct": trial.correct}
        _record(session, access, annotator, "trial.answer", detail)
        session.flush()
        if trial.attempt != TRAINING_ROUND:
            _judge_test(session, access, annotator)
    return _answered(trial, comparison)


def pass_over(session: Session, access: Access, given: PassIn) -> None:
    """Take a covered pair from the asker's round, at no cost; a test gets another where there is one.

    A test none of whose pairs is left has not been taken. Raises NotFound for a trial that is not the
    asker's, Conflict for one that is answered or not covered.
    """
    annotator = _mine(session, access)
    trial, comparison = _find(session, annotator, given.trial_id)
    prompt = session.get_one(Prompt, comparison.prompt_id)
    if trial.outcome is not None or not is_sensitive(access.project, prompt.category, prompt.tags):
        raise Conflict(_("Only a covered pair that is not judged yet can be skipped here."))
    trial.passed_over, trial.retired_at = True, now()
    _record(session, access, annotator, "trial.pass", {"attempt": trial.attempt})
    session.flush()
    if trial.attempt != TRAINING_ROUND:
        _replace(session, access.project, annotator, trial.attempt)
        _judge_test(session, access, annotator)


def _replace(session: Session, project: Project, annotator: Annotator, attempt: int) -> None:
    known = {row.comparison_id for row in _live(session, annotator)}
    asked = {row.comparison_id for row in _live(session, annotator, attempt)}
    others = [
        # What they would have to pass over again comes last.
        (is_sensitive(project, one.category, one.tags), one.id in known, secrets.randbits(32), one.id)
        for one in _pool(session, project, GoldUse.TEST, annotator)
        if one.id not in asked
    ]
    if others:
        _open(session, annotator, min(others)[-1], attempt)


def lesson(session: Session, access: Access, uid: str) -> Answered:
    """An answered pair of the training round, with its right verdict.

    Raises NotFound for any other: what a test asks is not told.
    """
    trial, comparison = _find(session, _mine(session, access), uid)
    if trial.outcome is None or trial.attempt != TRAINING_ROUND:
        raise NotFound(_("There is no such pair in your training round."))
    return _answered(trial, comparison)


@dataclass
class Record:
    """What somebody has done so far: pairs of the training round, and finished goes at the test."""

    trained: int = 0
    results: tuple[Result, ...] = ()


def records(session: Session, project: Project, *only: "sa.ColumnElement[bool]") -> dict[int, Record]:
    """Everybody's record by annotator; who has begun nothing has none."""
    answered, right = (
        sa.func.count(col(Trial.outcome)),
        sa.func.sum(sa.case((col(Trial.correct).is_(True), 1), else_=0)),
    )
    counted = (
        sa.select(col(Trial.annotator_id), col(Trial.attempt), sa.func.count(), answered, right)
        .join(Annotator, col(Annotator.id) == col(Trial.annotator_id))
        .where(col(Annotator.project_id) == project.id, col(Trial.retired_at).is_(None), *only)
        .group_by(col(Trial.annotator_id), col(Trial.attempt))
        .order_by(col(Trial.annotator_id), col(Trial.attempt))
    )
    found: dict[int, Record] = {}
    for who, attempt, opened, done, correct in session.execute(counted):
        record = found.setdefault(who, Record())
        if attempt == TRAINING_ROUND:
            record.trained = done
        elif done == opened:
            needed = ceil(project.test_pass * opened / 100)
            record.results = (*record.results, Result(int(correct), opened, needed))
    return found


def pool_sizes(session: Session, project: Project, asker: Access | None = None) -> dict[GoldUse, int]:
    """How many comparisons there are to train and to test with; for an asker, those they may be given."""
    annotator = _mine(session, asker) if asker else None
    return {use: len(_pool(session, project, use, annotator)) for use in GoldUse}


def _judge_test(session: Session, access: Access, annotator: Annotator) -> None:
    """Once the last of a go is answered: on to live judging, or to another go, or no further."""
    results = _results(session, access.project, annotator)
    if not results or any(row.outcome is None for row in _live(session, annotator, len(results) + 1)):
        return
    if results[-1].passed:
        _set_stage(session, access, annotator, Stage.LIVE)
    elif len(results) >= access.project.test_attempts:
        _set_stage(session, access, annotator, Stage.FAILED)


def _move_on(session: Session, access: Access, annotator: Annotator) -> None:
    tested = annotator.stage != Stage.TEST and access.project.test_size
    on = Stage.TEST if tested else Stage.LIVE
    _set_stage(session, access, annotator, on)


def _set_stage(session: Session, access: Access, annotator: Annotator, stage: Stage) -> None:
    detail = audit.changed({"stage": annotator.stage}, {"stage": stage})
    annotator.stage = stage
    session.flush()
    _record(session, access, annotator, "annotator.stage", detail)


def _record(
    session: Session, access: Access, annotator: Annotator, verb: str, detail: dict[str, Any]
) -> None:
    subject = f"annotator:{annotator.uid}"
    audit.record(session, verb, subject, by=access.account, project=access.project, detail=detail)


def _pool(
    session: Session, project: Project, use: GoldUse, annotator: Annotator | None = None
) -> "Sequence[sa.Row[Any]]":
    """The comparisons of this use whose right verdict the project's scale can say, in a fixed order.

    For an annotator without what they declined or passed over.
    """
    _, rubric = live_rubric(session, project)
    found = (
        sa.select(col(Comparison.id), col(Prompt.category), col(Prompt.tags))
        .join(Prompt, col(Prompt.id) == Comparison.prompt_id)
        .where(
            col(Comparison.project_id) == project.id,
            col(Comparison.gold_use) == use,
            col(Comparison.gold).in_(rubric.outcomes),
        )
        .order_by(col(Comparison.id))
    )
    if annotator is not None:
        found = found.where(sa.not_(_spared(annotator)))
    return session.execute(found).all()


def _spared(annotator: Annotator) -> "sa.ColumnElement[bool]":
    declined = sa.select(col(Decline.category)).where(
        col(Decline.annotator_id) == annotator.id,
        col(Decline.category) == sa.func.coalesce(col(Prompt.category), ""),
    )
    passed_over = sa.select(col(Trial.id)).where(
        col(Trial.annotator_id) == annotator.id,
        col(Trial.comparison_id) == col(Comparison.id),
        col(Trial.passed_over),
    )
    return sa.or_(declined.exists(), passed_over.exists())


def _live(session: Session, annotator: Annotator, attempt: int | None = None) -> Sequence[Trial]:
    found = select(Trial).where(Trial.annotator_id == annotator.id, col(Trial.retired_at).is_(None))
    if attempt is not None:
        found = found.where(Trial.attempt == attempt)
    return session.exec(found.order_by(col(Trial.id))).all()


def _results(session: Session, project: Project, annotator: Annotator) -> tuple[Result, ...]:
    key = row_id(annotator)
    return records(session, project, col(Annotator.id) == key).get(key, Record()).results


def _open(session: Session, annotator: Annotator, comparison_id: int, attempt: int) -> Trial:
    trial = Trial(
        annotator_id=row_id(annotator),
        comparison_id=comparison_id,
        attempt=attempt,
        swapped=bool(secrets.randbits(1)),
    )
    session.add(trial)
    session.flush()
    return trial


def _find(session: Session, annotator: Annotator, uid: str) -> tuple[Trial, Comparison]:
    query = select(Trial, Comparison).join(Comparison, col(Comparison.id) == Trial.comparison_id)
    mine = query.where(Trial.uid == uid, Trial.annotator_id == annotator.id, col(Trial.retired_at).is_(None))
    found = session.exec(mine).one_or_none()
    if found is None:
        raise NotFound(_("This pair is not among yours. You may have started over since."))
    return found


def _answered(trial: Trial, comparison: Comparison) -> Answered:
    stage = Stage.TRAINING if trial.attempt == TRAINING_ROUND else Stage.TEST
    if trial.outcome is None or comparison.gold is None:
        raise LookupError("only an answered trial of a gold comparison can be told")
    told = Told(trial.outcome, comparison.gold, comparison.gold_reason, trial.swapped)
    return Answered(Assigned.of(trial), stage, bool(trial.correct), told)
