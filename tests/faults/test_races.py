"""Two reach for the same thing at once, and the database decides."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session, select

from app import annotators, counting, db, divided, tallies
from app.annotation.assignments import skip
from app.annotation.care import DeclinesIn, decline
from app.annotation.claim import Assigned, annotator_of, claim_next, release_expired
from app.annotation.forms import JudgmentIn
from app.annotation.judge import Submitted, submit_judgment
from app.errors import Conflict
from app.models import (
    Account,
    AnnotatorKind,
    Assignment,
    AssignmentState,
    AuditEvent,
    Judgment,
    Outcome,
    Project,
    Role,
    Slot,
    Tally,
    VoteCount,
)
from app.permissions import Access
from app.projects import members
from app.projects.forms import RoleIn
from app.tallies import Counted
from tests.annotation.arrange import annotator_of as enrol
from tests.annotation.arrange import queue
from tests.conftest import Cast


def at_once(app: Flask, actions: list[Callable[[Session], Any]]) -> list[Any]:
    """Run each action in a transaction and a thread of its own, started together."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(number: int) -> None:
        barrier.wait()
        try:
            with db.transaction(app.extensions["engine"]) as session:
                results[number] = actions[number](session)
        except Conflict as problem:
            results[number] = problem

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def claim(who: Account, slug: str = "birds") -> Callable[[Session], Assigned | None]:
    def action(session: Session) -> Assigned | None:
        project = session.exec(select(Project).where(Project.slug == slug)).one()
        access = Access(project, who, Role.ANNOTATOR)
        return claim_next(session, access, annotator_of(session, access))

    return action


def submit(who: Account, uid: str, outcome: Outcome, submission: str) -> Callable[[Session], Submitted]:
    def action(session: Session) -> Submitted:
        project = session.exec(select(Project)).one()
        given = JudgmentIn(assignment_id=uid, submission_id=submission, outcome=outcome)
        return submit_judgment(session, Access(project, who, Role.ANNOTATOR), given)

    return action


def wait_for_a_waiter(session: Session) -> None:
    """Go on as soon as another transaction wants what somebody holds; PostgreSQL only."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = time.monotonic() + 30
    while not session.scalar(waiting):
        assert time.monotonic() < deadline


def test_one_of_two_gets_the_last_place(app: Flask, session: Session, cast: Cast) -> None:
    for who in (cast.ann, cast.ben):
        enrol(session, cast.project, who)
    for _ in range(8):
        [pair] = queue(session, cast.project, 1)
        claimed = at_once(app, [claim(cast.ann), claim(cast.ben)])
        assert sorted(found is not None for found in claimed) == [False, True]
        slot = session.get(Slot, pair.id, populate_existing=True)
        assert slot is not None
        assert (slot.taken, slot.wanted) == (1, 1)
        winner = (cast.ann, cast.ben)[claimed[1] is not None]
        session.commit()
        uid = next(found.uid for found in claimed if found)
        at_once(app, [submit(winner, uid, Outcome.A, f"s-{uid}")])


def test_two_tabs_of_one_annotator_hold_the_same_pair(app: Flask, session: Session, cast: Cast) -> None:
    enrol(session, cast.project, cast.ann)
    queue(session, cast.project, 3)
    first, second = at_once(app, [claim(cast.ann), claim(cast.ann)])
    assert first.uid == second.uid


def test_two_tabs_of_somebody_new_make_one_annotator(app: Flask, session: Session, cast: Cast) -> None:
    queue(session, cast.project, 3)
    assert all(isinstance(found, Assigned) for found in at_once(app, [claim(cast.ann), claim(cast.ann)]))
    assert session.exec(select(AuditEvent.verb)).all().count("annotator.add") == 1


def test_two_verdicts_on_one_assignment_make_one_judgment(app: Flask, session: Session, cast: Cast) -> None:
    enrol(session, cast.project, cast.ann)
    queue(session, cast.project, 1)
    [claimed] = at_once(app, [claim(cast.ann)])
    uid = claimed.uid
    results = at_once(
        app, [submit(cast.ann, uid, Outcome.A, "left"), submit(cast.ann, uid, Outcome.B, "right")]
    )
    assert sorted(type(result).__name__ for result in results) == ["ClosedError", "Submitted"]
    assert len(session.exec(select(Judgment)).all()) == 1


def test_the_same_submission_at_once_is_one_judgment(app: Flask, session: Session, cast: Cast) -> None:
    enrol(session, cast.project, cast.ann)
    queue(session, cast.project, 1)
    [claimed] = at_once(app, [claim(cast.ann)])
    results = at_once(app, [submit(cast.ann, claimed.uid, Outcome.A, "once")] * 2)
    assert sorted(result.created for result in results) == [False, True]


@pytest.mark.parametrize(
    ("give_up", "ends"),
    [
        (lambda session, access, uid: skip(session, access, uid), AssignmentState.SKIPPED),
        (
            lambda session, access, _: decline(session, access, DeclinesIn(categories=["war"])),
            AssignmentState.RELEASED,
        ),
    ],
    ids=["skip", "decline"],
)
def test_giving_up_what_the_lease_gave_back_at_once_frees_its_place_once(
    app: Flask,
    session: Session,
    cast: Cast,
    give_up: Callable[[Session, Access, str], None],
    ends: AssignmentState,
) -> None:
    if session.get_bind().dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, who reads what the one before left")
    cast.project.may_decline = True
    session.add(cast.project)
    for who in (cast.ann, cast.ben):
        enrol(session, cast.project, who)
    [pair] = queue(session, cast.project, 1, wanted=2, category="war")
    [claimed], _ = at_once(app, [claim(cast.ann)]), at_once(app, [claim(cast.ben)])
    held = session.get_one(Assignment, claimed.id)
    held.opened_at -= timedelta(days=30)
    session.commit()

    def act(other: Session) -> None:
        project = other.exec(select(Project)).one()
        give_up(other, Access(project, cast.ann, Role.ANNOTATOR), claimed.uid)

    assert release_expired(session, cast.project) == 1
    quitting = threading.Thread(target=at_once, args=(app, [act]))
    quitting.start()
    wait_for_a_waiter(session)
    session.commit()
    quitting.join(60)
    session.refresh(held)
    assert held.state == ends
    slot = session.get(Slot, pair.id, populate_existing=True)
    assert slot is not None
    assert slot.taken == 1, "Ben still holds his"
    assert session.exec(select(AuditEvent.verb)).all().count("assignment.release") == 1


def test_many_judging_the_same_models_do_not_deadlock(app: Flask, session: Session, cast: Cast) -> None:
    people = [cast.ann, cast.ben, cast.lena, cast.rui]
    for who in people:
        enrol(session, cast.project, who)
    queue(session, cast.project, 10, models=("a", "b", "c"), wanted=4, category="code", language="en")

    def work(who: Account) -> Callable[[Session], None]:
        def action(session: Session) -> None:
            for _ in range(5):
                claimed = claim(who)(session)
                assert claimed is not None
                submit(who, claimed.uid, Outcome.TIE, f"s-{claimed.uid}")(session)

        return action

    at_once(app, [work(who) for who in people])
    assert len(session.exec(select(Judgment)).all()) == 20
    assert tallies.differences(session, cast.project.id or 0) == []
    assert divided.differences(session, cast.project.id or 0) == []


def test_whoever_waits_for_a_comparisons_counts_holds_its_models(
    app: Flask, session: Session, cast: Cast
) -> None:
    if session.get_bind().dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, who waits for nobody")
    project_id, [pair] = cast.project.id or 0, queue(session, cast.project, 1)
    judged = Counted(pair.model_a_id, pair.model_b_id, Outcome.A, 0, AnnotatorKind.HUMAN, None, None, True)
    deltas, votes = dict.fromkeys(tallies.keys(judged), 1), {(pair.id or 0, Outcome.A): 1}
    counting.add(session, project_id, deltas, votes)
    session.commit()
    session.exec(select(VoteCount).with_for_update()).one()
    other = threading.Thread(
        target=at_once, args=(app, [lambda other: counting.add(other, project_id, deltas, votes)])
    )
    other.start()
    wait_for_a_waiter(session)
    assert session.exec(select(Tally).with_for_update(skip_locked=True)).all() == []
    session.rollback()
    other.join(60)
    assert {row.n for row in session.exec(select(Tally))} == {2}


def test_two_leads_who_say_judge_model_at_once_move_its_counts_once(
    app: Flask, session: Session, cast: Cast
) -> None:
    if session.get_bind().dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, who reads what the one before left")
    project_id, ann = cast.project.id or 0, cast.ann
    annotator = enrol(session, cast.project, ann)
    queue(session, cast.project, 1)
    [claimed] = at_once(app, [claim(ann)])
    at_once(app, [submit(ann, claimed.uid, Outcome.A, "one")])
    annotators.recast(session, cast.project, [annotator.uid], AnnotatorKind.MODEL, by=None)
    as_member, said = RoleIn(role=Role.ANNOTATOR, kind=AnnotatorKind.MODEL), []

    def say(other: Session) -> None:
        project = other.get_one(Project, project_id)
        said.append(members.change(other, project, ann.uid, as_member, by=None).uid)

    other = threading.Thread(target=at_once, args=(app, [say]))
    other.start()
    wait_for_a_waiter(session)
    session.commit()
    other.join(60)
    assert len(said) == 1
    assert session.exec(select(AuditEvent.verb)).all().count("annotator.kind") == 1
    assert tallies.differences(session, project_id) == []
