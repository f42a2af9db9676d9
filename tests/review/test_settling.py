"""A reviewer settles what annotators are divided on, by page and API, and exports follow."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import adding
from app import divided as counts
from app.models import Account, Adjudication, AuditEvent, Comparison, Model, Outcome, Prompt, row_id
from app.review import verdicts
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
Bearer = Callable[[Account], dict[str, str]]
PAGE = "/p/birds/review"
API = "/api/v1/projects/birds/review"


@pytest.fixture
def divided(session: Session, cast: Cast) -> Comparison:
    """One comparison that two disagree on, beside one that they agree on."""
    split, agreed = queue(session, cast.project, 2)
    for comparison, second in ((split, "b"), (agreed, "a")):
        judge(session, cast.project, cast.ann, comparison, "a", rationale="It sings.")
        judge(session, cast.project, cast.ben, comparison, second)
    return split


def exported(client: FlaskClient) -> list[tuple[str, str]]:
    answer = client.get("/p/birds/export/download?adjudicated=true")
    rows = [orjson.loads(line) for line in answer.data.splitlines()] if answer.status_code == 200 else []
    return [(row["pair_id"], row["chosen"][0]["content"]) for row in rows]


def test_a_reviewer_settles_it_and_the_export_follows(
    session: Session, cast: Cast, client_of: ClientOf, divided: Comparison
) -> None:
    rui, rosa = client_of(cast.rui), client_of(cast.rosa)
    page = rui.get(PAGE).text
    assert page.count("Final verdict") == 1
    assert re.search(r"<h2[^>]*><bdi>Which bird is number", page), "headed by what was asked"
    assert "user</span>" not in page, "and not a second time below"
    assert "It sings." in page
    assert not [name for name in session.exec(select(Model.name)) if name in page], "blind"
    assert exported(rosa) == []
    said = {"outcome": "b", "reason": "A is wrong."}
    assert rui.post(f"{PAGE}/{divided.pair_id}", data=said).status_code == 303
    assert exported(rosa) == [(divided.pair_id, "Answer 1 to prompt 0.")]
    assert "Nobody disagrees" in rui.get(PAGE).text
    settled = rui.get(f"{PAGE}?settled=true").text
    assert '<span dir="auto">A is wrong.</span>' in settled
    assert "<strong>You</strong>" in settled
    assert "<strong>Another reviewer</strong>" in client_of(cast.lena).get(f"{PAGE}?settled=true").text
    session.rollback()
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "adjudication.add")).one()
    assert event.account_id == cast.rui.id
    assert event.detail == {"outcome": {"from": None, "to": "b"}, "reason": "A is wrong."}


@pytest.mark.parametrize(
    "asked", ["Which **bird**?", "Which bird? " * 20, [{"type": "text", "text": "Which?"}]]
)
def test_a_prompt_that_no_heading_holds_is_shown_whole(
    session: Session, cast: Cast, client_of: ClientOf, divided: Comparison, asked: Any
) -> None:
    prompt = session.get_one(Prompt, divided.prompt_id)
    prompt.messages = [{"role": "user", "content": asked}]
    session.commit()
    page = client_of(cast.rui).get(PAGE).text
    assert re.search(r"<h2[^>]*>Prompt <code>prompt-0</code></h2>", page)
    assert page.count('user</span><div class="prose"') == 1


def test_those_who_agree_again_leave_nothing_to_settle_and_nobody_reads_the_rest(
    session: Session, cast: Cast, client_of: ClientOf, divided: Comparison
) -> None:
    number = col(Comparison.id)
    query = verdicts.waiting(cast.project, settled=False).where(number > 0).order_by(number).limit(6)
    if session.get_bind().dialect.name == "sqlite":
        sql = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = str(session.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}")).all())
        assert plan.index("ix_vote_counts_divided") < plan.index("SEARCH comparisons")
        assert "judgments" not in plan, "of a million, each would be looked at"
    agreed = counts.rows(divided.project_id, {(row_id(divided), Outcome.B): -1})
    adding.add(session, (counts.KEPT, agreed))
    session.commit()
    assert "Nobody disagrees" in client_of(cast.rui).get(PAGE).text


def test_a_reviewer_reads_it_in_their_own_language_and_a_is_left(
    session: Session, cast: Cast, client_of: ClientOf, divided: Comparison
) -> None:
    session.get_one(Prompt, divided.prompt_id).messages = [{"role": "user", "content": "*Which?*"}]
    session.commit()
    page = client_of(cast.rui).get(PAGE, headers={"Accept-Language": "ar"}).text
    assert '<span class="role">المستخدم<' in page
    assert "الحكم النهائي" in page
    assert '<div class="grid sides">' in page, "whose style sheet keeps A on the left"


def test_a_verdict_is_taken_as_a_browser_sends_it(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, divided: Comparison
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    rui = client_of(cast.rui)
    token = re.search(r'name="csrf_token" value="([^"]+)"', rui.get(PAGE).text)
    assert token
    said = {"csrf_token": token[1], "outcome": "b", "reason": "A is wrong."}
    assert rui.post(f"{PAGE}/{divided.pair_id}", data=said).status_code == 303
    assert session.exec(select(Adjudication)).one().outcome == "b"


def test_what_no_field_shows_is_said_above_the_form(
    cast: Cast, client_of: ClientOf, divided: Comparison
) -> None:
    said = {"outcome": "b", "reason": "x", "colour": "red"}
    answer = client_of(cast.rui).post(f"{PAGE}/{divided.pair_id}", data=said)
    assert answer.status_code == 422
    assert "colour: There is no such field." in answer.text


def test_a_later_verdict_retires_the_first_and_one_can_be_taken_back(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, divided: Comparison
) -> None:
    client, rui, lena = app.test_client(), bearer(cast.rui), bearer(cast.lena)
    address = f"{API}/{divided.pair_id}"
    (told,) = client.get(API, headers=rui).json["items"]  # type: ignore[index]
    assert told["votes"] == {"a": 1, "b": 1}
    assert told["verdict"] is None
    for who, outcome in ((rui, "a"), (rui, "a"), (lena, "tie")):
        said = {"outcome": outcome, "reason": "Because."}
        assert client.put(address, json=said, headers=who).status_code == 200
    (told,) = client.get(f"{API}?settled=true", headers=rui).json["items"]  # type: ignore[index]
    assert told["verdict"]["outcome"] == "tie"
    rows = session.exec(select(Adjudication).order_by(col(Adjudication.id))).all()
    assert [(row.outcome, row.retired_at is None) for row in rows] == [("a", False), ("tie", True)]
    assert client.delete(address, headers=rui).status_code == 204
    assert client.delete(address, headers=rui).status_code == 404
    assert client.get(f"{API}?settled=true", headers=rui).json["items"] == []  # type: ignore[index]


@pytest.mark.parametrize(
    "said", [{"outcome": "b"}, {"outcome": "b", "reason": " "}, {"outcome": "c", "reason": "x"}]
)
def test_a_verdict_without_a_reason_is_none(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    bearer: Bearer,
    divided: Comparison,
    said: dict[str, str],
) -> None:
    assert client_of(cast.rui).post(f"{PAGE}/{divided.pair_id}", data=said).status_code == 422
    answer = app.test_client().put(f"{API}/{divided.pair_id}", json=said, headers=bearer(cast.rui))
    assert answer.status_code == 422
    assert session.exec(select(Adjudication)).all() == []


def test_what_was_entered_is_kept_with_the_comparison_it_was_about(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    pairs = queue(session, cast.project, 7)
    for comparison in pairs:
        judge(session, cast.project, cast.ann, comparison, "a")
        judge(session, cast.project, cast.ben, comparison, "b")
    last, rui = f"{PAGE}/{pairs[-1].pair_id}", client_of(cast.rui)
    page = rui.post(last, data={"outcome": "c", "reason": "Longer, but wrong."}).text
    assert page.count("Final verdict") == 1
    assert "Longer, but wrong.</textarea>" in page
    assert f'id="pair-{pairs[-1].pair_id}"' in page
    page = rui.post(last, data={"outcome": "tie", "reason": " "}).text
    assert 'value="tie" required checked' in page
    rui.post(last, data={"outcome": "a", "reason": "Settled."})
    page = rui.post(last, data={"outcome": "b", "reason": ""}).text
    assert page.count("Final verdict") == 1
    assert 'value="b" required checked' in page
    assert "Settled.</textarea>" not in page, "what was entered, not what stood there"


def test_others_may_not(
    app: Flask, cast: Cast, client_of: ClientOf, bearer: Bearer, divided: Comparison
) -> None:
    said = {"outcome": "b", "reason": "x"}
    for who, status in ((cast.ann, 403), (cast.rosa, 403), (cast.vic, 403), (cast.otto, 404)):
        assert client_of(who).post(f"{PAGE}/{divided.pair_id}", data=said).status_code == status
        answer = app.test_client().put(f"{API}/{divided.pair_id}", json=said, headers=bearer(who))
        assert answer.status_code == status
    assert client_of(cast.rui).post(f"{PAGE}/none", data=said).status_code == 404
