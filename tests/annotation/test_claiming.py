"""Claiming: who gets which comparison, in which order, and that nobody gets one twice."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from app.annotation import statements
from app.annotation.assignments import skip
from app.annotation.claim import Assigned, annotator_of, claim_next
from app.annotation.forms import JudgmentIn
from app.annotation.judge import submit_judgment, undo
from app.errors import Conflict
from app.models import Account, Assignment, AssignmentState, AuditEvent, Outcome, Project, Role, Slot, now
from app.permissions import Access
from tests.annotation import arrange
from tests.annotation.arrange import queue
from tests.conftest import Cast


def entry(cast: Cast, who: Account) -> Access:
    return Access(cast.project, who, Role.ANNOTATOR)


def claim(session: Session, cast: Cast, who: Account) -> Assigned | None:
    claimed = claim_next(session, entry(cast, who), annotator_of(session, entry(cast, who)))
    session.commit()
    return claimed


def judge(session: Session, cast: Cast, who: Account, outcome: Outcome = Outcome.A) -> Assigned | None:
    claimed = claim(session, cast, who)
    if claimed is not None:
        given = JudgmentIn(assignment_id=claimed.uid, submission_id=f"s-{claimed.uid}", outcome=outcome)
        submit_judgment(session, entry(cast, who), given)
        session.commit()
    return claimed


def work_off(session: Session, cast: Cast, who: Account) -> list[int]:
    done = []
    while (claimed := judge(session, cast, who)) is not None:
        done.append(claimed.comparison_id)
    return done


def test_everybody_gets_each_comparison_once(session: Session, cast: Cast) -> None:
    pairs = queue(session, cast.project, 5, wanted=2)
    for who in (cast.ann, cast.ben):
        assert sorted(work_off(session, cast, who)) == [pair.id for pair in pairs]
    assert {(slot.taken, slot.wanted) for slot in session.exec(select(Slot))} == {(2, 2)}


def test_the_least_judged_come_first(session: Session, cast: Cast) -> None:
    pairs = queue(session, cast.project, 4, wanted=2)
    first = [judge(session, cast, cast.ann) for _ in range(2)]
    then = [judge(session, cast, cast.ben) for _ in range(2)]
    assert {claimed.comparison_id for claimed in first + then if claimed} == {pair.id for pair in pairs}


def test_the_one_in_hand_is_served_again(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 3)
    first, again = claim(session, cast, cast.ann), claim(session, cast, cast.ann)
    assert first is not None
    assert again == replace(first, new=False)


def test_enough_is_enough(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 3, wanted=1)
    assert len(work_off(session, cast, cast.ann)) == 3
    assert claim(session, cast, cast.ben) is None


def test_a_skipped_one_goes_to_somebody_else(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 1)
    claimed = claim(session, cast, cast.ann)
    assert claimed is not None
    skip(session, entry(cast, cast.ann), claimed.uid)
    session.commit()
    assert claim(session, cast, cast.ann) is None
    again = claim(session, cast, cast.ben)
    assert again is not None
    assert again.comparison_id == claimed.comparison_id


def test_a_skip_is_taken_back_only_while_there_is_room(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 1)
    claimed = claim(session, cast, cast.ann)
    assert claimed is not None
    for _ in range(2):
        skip(session, entry(cast, cast.ann), claimed.uid)
    assert undo(session, entry(cast, cast.ann), claimed.uid) == claimed.uid
    session.commit()
    assert claim(session, cast, cast.ann) == replace(claimed, new=False)
    skip(session, entry(cast, cast.ann), claimed.uid)
    session.commit()
    judge(session, cast, cast.ben)
    with pytest.raises(Conflict, match="not needed any more"):
        undo(session, entry(cast, cast.ann), claimed.uid)


def test_what_was_left_open_too_long_goes_to_somebody_else(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 1)
    claimed = claim(session, cast, cast.ann)
    assert claim(session, cast, cast.ben) is None
    _let_time_pass(session, cast.project)
    again = claim(session, cast, cast.ben)
    assert claimed is not None
    assert again is not None
    assert again.comparison_id == claimed.comparison_id
    assert session.exec(select(AuditEvent.subject).where(AuditEvent.verb == "assignment.release")).all() == [
        f"assignment:{claimed.uid}"
    ]


def _let_time_pass(session: Session, project: Project) -> None:
    for row in session.exec(select(Assignment).where(Assignment.state == AssignmentState.OPEN)):
        row.opened_at = now() - timedelta(minutes=project.lease_minutes + 1)
    session.commit()


def test_a_late_verdict_counts_while_there_is_room(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 1)
    claimed = claim(session, cast, cast.ann)
    _let_time_pass(session, cast.project)
    other = claim(session, cast, cast.ben)
    assert claimed is not None
    assert other is not None
    given = JudgmentIn(assignment_id=claimed.uid, submission_id="late", outcome=Outcome.TIE)
    with pytest.raises(Conflict, match="not needed any more"):
        submit_judgment(session, entry(cast, cast.ann), given)
    session.rollback()
    skip(session, entry(cast, cast.ben), other.uid)
    assert submit_judgment(session, entry(cast, cast.ann), given).created


def test_a_lost_one_comes_back_to_the_same_annotator(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 1)
    claimed = claim(session, cast, cast.ann)
    _let_time_pass(session, cast.project)
    other = claim(session, cast, cast.ben)
    assert other is not None
    skip(session, entry(cast, cast.ben), other.uid)
    again = claim(session, cast, cast.ann)
    assert claimed is not None
    assert again is not None
    assert again.comparison_id == claimed.comparison_id


def test_one_in_so_many_is_gold_where_nobody_expects_it(session: Session, cast: Cast) -> None:
    cast.project.gold_every = 3
    queue(session, cast.project, 26)
    gold = {pair.id for pair in queue(session, cast.project, 8, gold=Outcome.B)}
    arrange.annotator_of(session, cast.project, cast.ann).uid = "ann"
    session.commit()
    done = [pair in gold for pair in work_off(session, cast, cast.ann)]
    stretches = [done[start : start + 4] for start in range(0, 32, 4)]
    assert [stretch.count(True) for stretch in stretches] == [1] * 8
    assert {stretch.index(True) for stretch in stretches} == {0, 1, 2, 3}
    assert {slot.taken for slot in session.exec(select(Slot)) if slot.comparison_id in gold} == {0}


def test_where_there_is_no_gold_nothing_is_searched_for_it(session: Session, cast: Cast) -> None:
    """SQLite once took the index of all comparisons for that of the gold ones, and read every one."""
    queue(session, cast.project, 50)
    driver = session.connection().connection.dbapi_connection
    if not hasattr(driver, "set_progress_handler"):
        pytest.skip("only SQLite tells its steps")
    steps: list[int] = []
    asked = {"project_id": cast.project.id, "annotator_id": annotator_of(session, entry(cast, cast.ann)).id}
    driver.set_progress_handler(lambda: steps.append(1), 1)
    assert statements.ALL.gold.first(session, **asked) is None
    driver.set_progress_handler(None, 1)
    assert len(steps) < 50


def test_without_gold_left_the_queue_goes_on(session: Session, cast: Cast) -> None:
    cast.project.gold_every = 1
    queue(session, cast.project, 6)
    queue(session, cast.project, 1, gold=Outcome.A)
    assert len(work_off(session, cast, cast.ann)) == 7


def test_the_shown_order_is_a_fair_coin(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 200)
    while judge(session, cast, cast.ann):
        pass
    sides = Counter(row.swapped for row in session.exec(select(Assignment)))
    assert 60 < sides[True] < 140


def test_a_long_way_through_judged_ones_is_gone_once(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 60, wanted=2)
    for _ in range(59):
        judge(session, cast, cast.ann)
    judge(session, cast, cast.ben)
    last = judge(session, cast, cast.ann)
    assert last is not None
    who = annotator_of(session, entry(cast, cast.ann))
    rest = work_off(session, cast, cast.ann)
    assert len(rest) == 0
    assert who.judged == 60
    assert (who.cursor_taken, who.cursor_comparison_id) == (1, last.comparison_id)


def test_two_projects_keep_their_queues_apart(session: Session, cast: Cast) -> None:
    other = Project(slug="fish", name="Fish")
    session.add(other)
    session.flush()
    queue(session, other, 1)
    assert claim(session, cast, cast.ann) is None
