"""Asking first what teaches most: close pairs, models left out; and nothing waits for ever."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import permissions
from app.annotation.claim import annotator_of, claim_next
from app.annotation.forms import JudgmentIn
from app.annotation.judge import submit_judgment
from app.models import (
    Account,
    AuditEvent,
    Comparison,
    Job,
    Model,
    Outcome,
    Project,
    Prompt,
    Response,
    Selection,
    Slot,
    opaque_id,
)
from app.pairing import ordering, work
from app.pairing.names import position
from app.pairing.ordering import Reordered
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.leaderboard.arrange import A, B, add_annotators, add_comparison, add_models, judge_pair

Clients = Callable[[Account | None], FlaskClient]
NAMES = ("heron", "lark", "moth")


@pytest.fixture
def informative(session: Session, cast: Cast) -> Cast:
    """Heron and Lark are close, Moth is far behind; the project asks first what teaches most."""
    cast.project.selection = Selection.INFORMATIVE
    session.add(cast.project)
    queue(session, cast.project, 100, models=NAMES, wanted=2)
    scatter(session)
    models = {model.name: model for model in session.exec(select(Model))}
    people = add_annotators(session, cast.project, 6)
    heron, lark, moth = (models[name] for name in NAMES)
    judge_pair(session, heron, lark, [A, B] * 20, people)
    judge_pair(session, heron, moth, [A] * 38 + [B] * 2, people)
    judge_pair(session, lark, moth, [A] * 38 + [B] * 2, people)
    return cast


def scatter(session: Session) -> None:
    """Random places, as pairing gives them."""
    for slot, comparison in session.exec(select(Slot, Comparison).join(Comparison)):
        slot.position = position(comparison.pair_id)
        session.add(slot)
    session.commit()


def change(session: Session, cast: Cast, **values: Any) -> None:
    session.rollback()
    session.execute(sa.update(Project).where(col(Project.id) == cast.project.id).values(**values))
    session.commit()
    session.refresh(cast.project)
    session.rollback()


def reorder(app: Flask, cast: Cast) -> Reordered:
    return ordering.reorder(app.extensions["engine"], cast.project)


def front(session: Session, cast: Cast, n: int) -> list[frozenset[str]]:
    """The models of the comparisons that come first, in order."""
    session.rollback()
    names = {model.id: model.name for model in session.exec(select(Model))}
    rows = select(Comparison).join(Slot).where(Slot.project_id == cast.project.id)
    rows = rows.order_by(col(Slot.taken), col(Slot.position), col(Slot.comparison_id)).limit(n)
    return [frozenset((names[one.model_a_id], names[one.model_b_id])) for one in session.exec(rows)]


def places(session: Session) -> list[int]:
    session.rollback()
    return list(session.exec(select(Slot.position).order_by(col(Slot.comparison_id))))


def test_pairs_not_yet_told_apart_come_first(
    app: Flask, session: Session, informative: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "FRONT", 60)
    before = Counter(front(session, informative, 60))
    assert reorder(app, informative) == Reordered(waiting=300, front=60, returned=0)
    found = Counter(front(session, informative, 60))
    close = frozenset(("heron", "lark"))
    assert before[close] < 35
    assert found[close] > 40
    assert min(places(session)) == -60


def test_the_next_round_is_ordered_too_and_begins_when_the_first_ends(
    app: Flask, session: Session, informative: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "FRONT", 60)
    reorder(app, informative)
    untaken = session.exec(
        select(Slot.comparison_id).order_by(col(Slot.comparison_id).desc()).limit(10)
    ).all()
    session.execute(sa.update(Slot).where(col(Slot.comparison_id).not_in(untaken)).values(taken=1))
    session.commit()
    change(session, informative, revision=1000)
    assert reorder(app, informative).front == 60
    first = select(Slot.comparison_id).order_by(col(Slot.taken), col(Slot.position)).limit(10)
    assert set(session.exec(first)) == set(untaken), "nothing is judged twice before all are judged once"
    found = Counter(front(session, informative, 60)[10:])
    assert found[frozenset(("heron", "lark"))] > 35
    assert sum(place < 0 for place in places(session)) == 60


def test_a_model_that_nobody_judged_is_connected_first(
    app: Flask, session: Session, informative: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "FRONT", 20)
    queue(session, informative.project, 30, models=("heron", "owl"))
    scatter(session)
    change(session, informative, revision=1000)
    reorder(app, informative)
    assert sum("owl" in pair for pair in front(session, informative, 20)) >= 15


def test_before_the_first_judgment_every_pair_is_asked(app: Flask, session: Session, cast: Cast) -> None:
    cast.project.selection = Selection.INFORMATIVE
    session.add(cast.project)
    queue(session, cast.project, 40, models=NAMES)
    assert reorder(app, cast).front == 120
    assert all(n > 4 for n in Counter(front(session, cast, 30)).values())
    assert len(Counter(front(session, cast, 30))) == 3


def test_every_comparison_is_still_served_and_gold_by_its_own_rule(
    app: Flask, session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "FRONT", 5)
    cast.project.selection = Selection.INFORMATIVE
    cast.project.gold_every = 3
    session.add(cast.project)
    wanted = queue(session, cast.project, 8, models=NAMES)
    gold = queue(session, cast.project, 2, models=("heron", "lark"), gold=Outcome.A)
    served = []
    access = permissions.access_to(session, cast.ann, cast.project)
    for number in range(len(wanted) + len(gold)):
        if number % 4 == 0:
            session.commit()
            reorder(app, cast)
        assigned = claim_next(session, access, annotator_of(session, access))
        assert assigned is not None
        served.append(assigned.comparison_id)
        given = JudgmentIn(assignment_id=assigned.uid, submission_id=opaque_id(), outcome=Outcome.A)
        submit_judgment(session, access, given)
    assert sorted(served) == sorted(one.id or 0 for one in [*wanted, *gold])
    assert gold[0].id in served[:4]
    assert gold[1].id in served[4:8]


def test_samples_of_one_model_and_gold_keep_their_places(
    app: Flask, session: Session, informative: Cast
) -> None:
    heron = session.exec(select(Model).where(Model.name == "heron")).one()
    prompt = session.exec(select(Prompt)).first()
    assert prompt is not None
    session.add(Response(prompt_id=prompt.id, model_id=heron.id, sample=1, messages=[]))
    session.flush()
    samples = Comparison(
        project_id=informative.project.id,
        pair_id="samples",
        prompt_id=prompt.id,
        model_a_id=heron.id,
        model_b_id=heron.id,
        sample_b=1,
    )
    gold = queue(session, informative.project, 1, models=("heron", "lark"), gold=Outcome.A)[0]
    session.add(samples)
    session.flush()
    session.add(Slot(comparison_id=samples.id, project_id=informative.project.id, wanted=1, position=7))
    session.commit()
    reorder(app, informative)
    session.rollback()
    assert session.get_one(Slot, samples.id).position == 7
    assert session.get_one(Slot, gold.id).position >= 0


def test_what_is_no_longer_chosen_goes_back_and_random_dissolves_the_front(
    app: Flask, session: Session, informative: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = places(session)
    monkeypatch.setattr(ordering, "FRONT", 30)
    reorder(app, informative)
    change(session, informative, revision=1000)
    again = reorder(app, informative)
    assert 0 < again.returned <= 30
    assert sum(place < 0 for place in places(session)) == 30
    change(session, informative, selection=Selection.RANDOM)
    assert reorder(app, informative) == Reordered(0, 0, 30)
    assert places(session) == shuffled


def test_each_choice_is_on_record_and_one_without_effect_is_not(
    app: Flask, session: Session, informative: Cast
) -> None:
    reorder(app, informative)
    session.execute(sa.update(Slot).values(taken=Slot.wanted))
    session.commit()
    reorder(app, informative)
    event = session.exec(select(AuditEvent)).one()
    assert (event.verb, event.subject, event.account_id) == ("queue.order", "project:birds", None)
    assert event.detail == {"waiting": 300, "front": 300, "returned": 0}


def test_it_takes_few_statements_however_long_the_queue(
    app: Flask, session: Session, informative: Cast, count_queries: Any
) -> None:
    with count_queries() as first:
        reorder(app, informative)
    queue(session, informative.project, 100, models=NAMES)
    with count_queries() as second:
        reorder(app, informative)
    assert len(second) <= len(first) <= 14


def minute(app: Flask) -> None:
    """What a worker does each minute."""
    with app.app_context():
        work.send_due_reorders()


def last_job(session: Session) -> Job | None:
    session.rollback()
    session.expire_all()
    return session.exec(select(Job).where(Job.kind == "reorder")).one_or_none()


def test_a_worker_chooses_anew_when_enough_was_learned(
    app: Flask, session: Session, informative: Cast
) -> None:
    minute(app)
    first = last_job(session)
    assert first is not None
    assert first.state == "done"
    assert first.result == {"waiting": 300, "front": 300, "returned": 0}
    minute(app)
    uid = first.uid
    assert last_job(session) == first
    models = {model.name: model for model in session.exec(select(Model))}
    people = add_annotators(session, informative.project, 5)
    judge_pair(session, models["heron"], models["lark"], [A] * (ordering.EVERY - 1), people)
    session.execute(sa.update(Job).values(params={**first.params, "newest": newest(session)}))
    session.commit()
    minute(app)
    assert last_job(session).uid == uid, "not yet"
    judge_pair(session, models["heron"], models["lark"], [A], people)
    minute(app)
    second = last_job(session)
    assert second is not None
    assert second.uid != uid


def newest(session: Session) -> int | None:
    return session.scalar(sa.select(sa.func.max(Comparison.id)))


def test_new_comparisons_and_a_new_rule_are_reasons_too(
    app: Flask, session: Session, informative: Cast
) -> None:
    minute(app)
    first = last_job(session)
    assert first is not None
    uid = first.uid
    models = add_models(session, informative.project, ("owl", "kite"))
    add_comparison(session, *models)
    session.commit()
    minute(app)
    second = last_job(session)
    assert second is not None
    assert second.uid != uid
    change(session, informative, selection=Selection.RANDOM)
    minute(app)
    assert min(places(session)) >= 0
    third = last_job(session)
    minute(app)
    assert last_job(session) == third


def test_random_and_archived_projects_are_left_alone(app: Flask, session: Session, cast: Cast) -> None:
    queue(session, cast.project, 10, models=NAMES)
    minute(app)
    assert last_job(session) is None
    cast.project.selection = Selection.INFORMATIVE
    cast.project.archived_at = cast.project.created_at
    session.add(cast.project)
    session.commit()
    minute(app)
    assert last_job(session) is None


def test_the_lead_sets_it_and_pairing_follows_it(
    app: Flask, session: Session, cast: Cast, client_of: Clients
) -> None:
    lena = client_of(cast.lena)
    page = lena.get("/p/birds/settings").text
    assert "Which comparisons come first" in page
    assert 'value="random" checked' in page
    form = {"name": "Birds", "wanted": "1", "gold_every": "10", "lease_minutes": "60"}
    assert lena.post("/p/birds/settings", data={**form, "selection": "clever"}).status_code == 422
    assert lena.post("/p/birds/settings", data={**form, "selection": "informative"}).status_code == 303
    session.expire_all()
    event = session.exec(select(AuditEvent)).one()
    assert event.detail is not None
    assert event.detail["selection"] == {"from": "random", "to": "informative"}
    add_comparison(session, *add_models(session, cast.project, ("heron", "lark")))
    for response in session.exec(select(Response)):
        response.digest = str(response.id).encode()
        session.add(response)
    session.commit()
    assert lena.post("/p/birds/pair").status_code == 303
    assert [slot.position for slot in session.exec(select(Slot))] == [-1]
    assert "Choose what comes first" in lena.get("/p/birds/jobs").text
    job = last_job(session)
    assert job is not None
    assert lena.get(f"/p/birds/jobs/{job.uid}").status_code == 200
    assert client_of(cast.ann).get(f"/p/birds/jobs/{job.uid}").status_code == 404


def test_claims_go_on_while_the_order_changes(app: Flask, session: Session, informative: Cast) -> None:
    """On PostgreSQL a claimed row is locked until its judge's commit; choosing must not wait for it."""
    engine = app.extensions["engine"]
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    access = permissions.access_to(session, informative.ann, informative.project)
    assigned = claim_next(session, access, annotator_of(session, access))
    assert assigned is not None
    assert reorder(app, informative).front == 300
    session.commit()
    assert session.get_one(Slot, assigned.comparison_id).position >= 0
    assert sum(place < 0 for place in places(session)) == 299
