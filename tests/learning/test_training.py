"""A newcomer's way: a training round that explains, a test with a pass mark, and only then live judging."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import tallies
from app.annotation.claim import gold_is_due
from app.models import Account, Annotator, AuditEvent, GoldUse, Judgment, Outcome, Stage, Trial
from tests.annotation.arrange import annotator_of, ask, queue
from tests.conftest import Cast
from tests.learning.arrange import (
    BEGIN,
    JUDGE,
    PRACTICE,
    REASON,
    lessons,
    place_of,
    practise,
    school,
    trial,
)

ClientOf = Callable[[Account | None], FlaskClient]


def stage(session: Session, cast: Cast, who: Account) -> Stage:
    session.rollback()
    session.expire_all()
    mine = Annotator.project_id == cast.project.id, Annotator.account_id == who.id
    return session.exec(select(Annotator.stage).where(*mine)).one()


def test_who_is_new_learns_first_and_then_judges(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, training=True)
    lessons(session, cast.project, GoldUse.TRAINING, 2)
    queue(session, cast.project, 1)
    ann = client_of(cast.ann)
    assert ann.get(JUDGE).location == BEGIN
    assert "Training round" in ann.get(BEGIN).text
    right = practise(ann)
    assert "Yes: " in right.text
    assert REASON in right.text
    assert "One more in this round" in right.text
    wrong = practise(ann, right=False)
    place = place_of(wrong)
    assert f"Not quite: {place.upper()} is better." in wrong.text
    assert f"You said: {'B' if place == 'a' else 'A'} is better." in wrong.text
    assert stage(session, cast, cast.ann) == Stage.LIVE
    assert 'name="assignment_id"' in ann.get(JUDGE).text


def test_what_is_learnt_counts_nowhere(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, training=True, test_size=1)
    lessons(session, cast.project, GoldUse.TRAINING, 1)
    lessons(session, cast.project, GoldUse.TEST, 1)
    ann = client_of(cast.ann)
    practise(ann)
    ann.post(f"{BEGIN}/test")
    practise(ann)
    assert stage(session, cast, cast.ann) == Stage.LIVE
    assert session.exec(select(Judgment)).all() == []
    assert tallies.differences(session, cast.project.id or 0) == []
    row = annotator_of(session, cast.project, cast.ann)
    assert (row.judged, row.changes) == (0, 0)
    [told] = session.exec(select(AuditEvent.detail).where(AuditEvent.verb == "test.begin"))
    assert told == {"attempt": 1}


def test_the_first_verdict_on_a_trial_counts(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, training=True)
    lessons(session, cast.project, GoldUse.TRAINING, 2)
    ann = client_of(cast.ann)
    page = ann.get(PRACTICE)
    for outcome in ("tie", "a", "b"):
        form = {"trial_id": trial(page), "outcome": outcome}
        assert "Not quite" in ann.post(PRACTICE, data=form, follow_redirects=True).text
    session.rollback()
    answered = session.exec(select(Trial).where(col(Trial.outcome).is_not(None))).all()
    assert [row.outcome for row in answered] == [Outcome.TIE]


@pytest.mark.parametrize(("right", "passes"), [(4, True), (3, False)])
def test_the_pass_mark(session: Session, cast: Cast, client_of: ClientOf, right: int, passes: bool) -> None:
    school(session, cast.project, test_size=5, test_pass=80)
    lessons(session, cast.project, GoldUse.TEST, 5)
    ann = client_of(cast.ann)
    assert ann.get(JUDGE).location == BEGIN
    ann.post(f"{BEGIN}/test")
    for number in range(5):
        page = practise(ann, right=number < right)
        assert REASON not in page.text, "a test explains nothing"
    assert f"You had {right} of 5 right" in page.text
    assert stage(session, cast, cast.ann) == (Stage.LIVE if passes else Stage.TEST)
    assert (ann.get(JUDGE).status_code == 200) is passes


def test_attempts_are_limited_and_the_lead_decides(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, test_size=2, test_attempts=2)
    lessons(session, cast.project, GoldUse.TEST, 4)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    seen = []
    for _ in range(2):
        assert ann.post(f"{BEGIN}/test").status_code == 303
        for _ in range(2):
            page = practise(ann, right=False)
    session.rollback()
    seen = session.exec(select(Trial.comparison_id)).all()
    assert len(set(seen)) == 4, "what was asked before comes last"
    assert "Your lead sees this" in page.text
    assert ann.post(f"{BEGIN}/test").status_code == 409
    assert stage(session, cast, cast.ann) == Stage.FAILED
    uid = annotator_of(session, cast.project, cast.ann).uid
    session.rollback()
    overview = lena.get("/p/birds/learning").text
    assert "0 of 2, 0 of 2" in overview
    assert "Waits for you" in overview
    lena.post(f"/p/birds/learning/people/{uid}", data={"decision": "start_over"})
    assert "2 tries are left" in ann.get(BEGIN).text
    lena.post(f"/p/birds/learning/people/{uid}", data={"decision": "let_in"})
    assert ann.get(JUDGE).status_code == 200
    said = session.exec(
        select(AuditEvent).where(AuditEvent.verb == "annotator.stage").order_by(AuditEvent.id)
    )  # type: ignore[arg-type]
    assert [(row.account_id == cast.lena.id, (row.detail or {})["stage"]["to"]) for row in said][-2:] == [
        (True, "test"),
        (True, "live"),
    ]


def test_whoever_judges_already_goes_on(session: Session, cast: Cast, client_of: ClientOf) -> None:
    """A test that is asked for later is for those who have not begun."""
    queue(session, cast.project, 3, wanted=2)
    lessons(session, cast.project, GoldUse.TEST, 1)
    begun, idle = annotator_of(session, cast.project, cast.ann), annotator_of(session, cast.project, cast.ben)
    begun.judged = begun.changes = 1
    session.commit()
    form = {"name": "Birds", "test_size": 1}
    assert client_of(cast.lena).post("/p/birds/settings", data=form).status_code == 303
    assert client_of(cast.ann).get(JUDGE).status_code == 200
    assert client_of(cast.ben).get(JUDGE).location == BEGIN
    client_of(cast.lena).post("/p/birds/settings", data={"name": "Birds"})
    client_of(cast.ben).get(BEGIN)
    assert client_of(cast.ben).get(JUDGE).status_code == 200
    assert idle.uid


def test_a_test_that_nobody_set_up_stops_people_and_says_so(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    school(session, cast.project, test_size=3)
    assert "has not chosen its pairs yet" in client_of(cast.ann).get(BEGIN).text
    assert client_of(cast.ann).post(f"{BEGIN}/test").status_code == 409
    lena, rui = client_of(cast.lena), client_of(cast.rui)
    said = "nobody who is new gets as far as judging."
    for path in ("learning", "settings", ""):
        assert f'{said} <a href="/p/birds/learning#gold">Choose some</a>' in lena.get(f"/p/birds/{path}").text
    assert said not in rui.get("/p/birds/").text
    lessons(session, cast.project, GoldUse.TEST, 1)
    assert said not in lena.get("/p/birds/settings").text
    assert "3 pairs, but only 1 are chosen" in lena.get("/p/birds/").text


def test_nobody_answers_for_another(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, training=True)
    lessons(session, cast.project, GoldUse.TRAINING, 1)
    page = client_of(cast.ann).get(PRACTICE)
    form = {"trial_id": trial(page), "outcome": "a"}
    assert client_of(cast.ben).post(PRACTICE, data=form).status_code == 404
    assert client_of(cast.otto).post(PRACTICE, data=form).status_code == 404
    assert client_of(cast.vic).get(BEGIN).status_code == 403
    told = f"{PRACTICE}?told={trial(page)}"
    assert client_of(cast.ann).get(told).status_code == 404, "nothing is told before it is judged"
    assert client_of(cast.ann).post(PRACTICE, data=form | {"outcome": "c"}).status_code == 422


def test_a_test_cannot_be_asked_what_was_right(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, test_size=2)
    lessons(session, cast.project, GoldUse.TEST, 2)
    ann = client_of(cast.ann)
    ann.post(f"{BEGIN}/test")
    page = ann.get(PRACTICE)
    ann.post(PRACTICE, data={"trial_id": trial(page), "outcome": "a"})
    assert ann.get(f"{PRACTICE}?told={trial(page)}").status_code == 404


def test_gold_for_learning_is_not_served_among_the_others(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    school(session, cast.project, gold_every=1)
    lessons(session, cast.project, GoldUse.TEST, 1)
    annotator = annotator_of(session, cast.project, cast.ann)
    annotator.judged = next(judged for judged in range(2) if gold_is_due(1, annotator.uid, judged))
    session.commit()
    assert 'name="assignment_id"' not in client_of(cast.ann).get(JUDGE).text


def test_a_covered_pair_may_be_skipped(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, training=True, test_size=1, sensitive_categories="war", may_decline=True)
    lessons(session, cast.project, GoldUse.TRAINING, 1, category="war")
    lessons(session, cast.project, GoldUse.TEST, 1, category="war")
    [other] = lessons(session, cast.project, GoldUse.TEST, 1)
    ann, ben = client_of(cast.ann), client_of(cast.ben)
    other_key = other.id
    skip = f"{PRACTICE}/skip"
    ann.post(skip, data={"trial_id": trial(ann.get(PRACTICE))})
    assert ann.get(PRACTICE).location == BEGIN, "the training round is over"
    ann.post(f"{BEGIN}/test")
    page = ann.get(PRACTICE)
    if 'formaction="/p/birds/practice/skip"' in page.text:
        ann.post(skip, data={"trial_id": trial(page)})
        page = ann.get(PRACTICE)
    assert "practice/skip" not in page.text
    assert "Test: 0 of 1" in page.text, "another stands in its place"
    assert ann.post(skip, data={"trial_id": trial(page)}).status_code == 409
    practise(ann)
    assert stage(session, cast, cast.ann) == Stage.LIVE
    # Who declines them is asked none of them.
    ben.post("/p/birds/limits", data={"categories": "war"})
    ben.get(BEGIN)
    ben.post(f"{BEGIN}/test")
    session.rollback()
    mine = select(Trial.comparison_id).join(Annotator).where(Annotator.account_id == cast.ben.id)
    assert session.exec(mine).all() == [other_key]


def test_a_test_of_which_all_was_skipped_is_not_passed(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    school(session, cast.project, test_size=1, all_sensitive=True)
    lessons(session, cast.project, GoldUse.TEST, 1)
    ann = client_of(cast.ann)
    ann.post(f"{BEGIN}/test")
    ann.post(f"{PRACTICE}/skip", data={"trial_id": trial(ann.get(PRACTICE))})
    assert stage(session, cast, cast.ann) == Stage.TEST
    assert "There is no pair for you to be tested with" in ann.get(BEGIN).text


def test_a_scale_without_ties_asks_for_none(session: Session, cast: Cast, client_of: ClientOf) -> None:
    school(session, cast.project, training=True)
    lessons(session, cast.project, GoldUse.TRAINING, 1, gold=Outcome.TIE)
    ask(session, cast.project, points=2)
    assert client_of(cast.ann).get(PRACTICE).location == BEGIN
    assert stage(session, cast, cast.ann) == Stage.LIVE


def test_the_lead_chooses_and_explains(session: Session, cast: Cast, client_of: ClientOf) -> None:
    rows = queue(session, cast.project, 2, gold=Outcome.A)
    plain = queue(session, cast.project, 1)
    lena = client_of(cast.lena)
    page = lena.get("/p/birds/learning").text
    assert "heron-9000 is better" in page
    form = {
        "pair": [row.pair_id for row in rows],
        f"use:{rows[0].pair_id}": "training",
        f"reason:{rows[0].pair_id}": REASON,
        f"use:{rows[1].pair_id}": "",
        f"reason:{rows[1].pair_id}": " ",
    }
    for said in ("1 gold comparison changed", "Nothing was changed"):
        answer = lena.post("/p/birds/learning/gold", data=form, follow_redirects=True)
        assert said in answer.text
    for row in rows:
        session.refresh(row)
    assert [(row.gold_use, row.gold_reason) for row in rows] == [(GoldUse.TRAINING, REASON), (None, None)]
    assert lena.post("/p/birds/learning/gold", data={"pair": plain[0].pair_id}).status_code == 404
    refused = lena.post("/p/birds/learning/gold", data=form | {f"use:{rows[0].pair_id}": "fun"})
    assert refused.status_code == 422
    for name in ("rui", "ann", "rosa", "vic"):
        assert client_of(getattr(cast, name)).get("/p/birds/learning").status_code == 403
