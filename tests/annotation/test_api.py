"""Judging over the API: claim, judge, repeat; by tokens only, and blind."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.accounts import tokens
from app.models import Account, Judgment, Outcome, Source
from tests.annotation import arrange
from tests.annotation.arrange import queue
from tests.conftest import Cast

BASE = "/api/v1/projects/birds"
Ask = Callable[..., Any]


@pytest.fixture
def ask(app: Flask, session: Session) -> Ask:
    """Posts JSON as somebody with a token."""
    secrets: dict[int, str] = {}

    def post(who: Account, path: str, body: object = None) -> Any:
        key = who.id or 0
        if key not in secrets:
            secrets[key] = tokens.create(session, who, "test", by=who)[1]
            session.commit()
        headers = {"Authorization": f"Bearer {secrets[key]}"}
        return app.test_client().post(BASE + path, json=body, headers=headers)

    return post


def verdict(assignment: dict[str, Any], outcome: str = "a", **more: object) -> dict[str, object]:
    return {
        "assignment_id": assignment["assignment_id"],
        "submission_id": "judge-1",
        "outcome": outcome,
        **more,
    }


def test_a_client_claims_judges_and_repeats(session: Session, cast: Cast, ask: Ask) -> None:
    asked = arrange.ask(session, cast.project, tags="usual", rationale="required")
    queue(session, cast.project, 1)
    claimed = ask(cast.ann, "/assignments")
    assert claimed.status_code == 201
    assert claimed.json["rubric"] == {"version": 1, **asked.model_dump(mode="json")}
    assert ask(cast.ann, "/assignments").json == claimed.json
    assert ask(cast.ann, "/assignments").status_code == 200
    body = verdict(claimed.json, "b", strength=3, tags={"b": ["unsafe"]}, rationale="It answers.")
    first, again = (ask(cast.ann, "/judgments", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    session.commit()
    judgment = session.exec(select(Judgment)).one()
    assert (judgment.outcome, judgment.source, judgment.tags) == (Outcome.B, Source.API, {"b": ["unsafe"]})
    assert ask(cast.ann, "/assignments").status_code == 204


def test_an_outcome_names_the_response_wherever_it_was_shown(session: Session, cast: Cast, ask: Ask) -> None:
    queue(session, cast.project, 10)
    orders = set()
    for number in range(10):
        claimed = ask(cast.ann, "/assignments").json
        assert claimed["response_a"]["messages"][0]["content"].startswith("Answer 0")
        orders.add(claimed["shown_first"])
        ask(cast.ann, "/judgments", verdict(claimed, "a", submission_id=f"s{number}"))
    session.commit()
    assert {row.outcome for row in session.exec(select(Judgment))} == {Outcome.A}
    assert orders == {"a", "b"}


def test_a_repeat_that_differs_is_refused(session: Session, cast: Cast, ask: Ask) -> None:
    queue(session, cast.project, 2)
    claimed = ask(cast.ann, "/assignments").json
    ask(cast.ann, "/judgments", verdict(claimed))
    answer = ask(cast.ann, "/judgments", verdict(claimed, "tie"))
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    other = ask(cast.ann, "/assignments").json
    assert ask(cast.ann, "/judgments", verdict(other)).status_code == 409


def test_a_change_of_mind_names_what_it_replaces(session: Session, cast: Cast, ask: Ask) -> None:
    queue(session, cast.project, 1)
    claimed = ask(cast.ann, "/assignments").json
    ask(cast.ann, "/judgments", verdict(claimed))
    change = verdict(claimed, "tie", submission_id="judge-2", supersedes="judge-1")
    assert [ask(cast.ann, "/judgments", change).status_code for _ in range(2)] == [201, 200]
    late = verdict(claimed, "b", submission_id="judge-3", supersedes="judge-1")
    assert ask(cast.ann, "/judgments", late).status_code == 409


def test_a_skipped_one_does_not_come_again(session: Session, cast: Cast, ask: Ask) -> None:
    queue(session, cast.project, 1)
    claimed = ask(cast.ann, "/assignments").json
    assert ask(cast.ann, f"/assignments/{claimed['assignment_id']}/skip").status_code == 204
    assert ask(cast.ann, "/assignments").status_code == 204


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"outcome": "left"}, "/outcome"),
        ({"strength": 4}, "/strength"),
        ({"submission_id": "a b"}, "/submission_id"),
        ({"duration_ms": -1}, "/duration_ms"),
        ({"winner": "a"}, "/winner"),
        ({"criteria": {"unknown": "a"}}, "/criteria/unknown"),
        ({"criteria": {"accuracy": "x"}}, "/criteria/accuracy"),
        ({"criteria": {"accuracy": "both_bad"}}, "/criteria/accuracy"),
        ({"ratings": {"tone": {"a": 6, "b": 1}}}, "/ratings/tone/a"),
        ({"ratings": {"tone": {"a": 1, "b": 1}}}, "/ratings/tone"),
        ({"tags": {"a": ["x"]}}, "/tags/a/x"),
        ({"tags": ["x"]}, "/tags"),
        ({"confidence": 4}, "/confidence"),
        ({"answers": {"why": "x"}}, "/answers/why"),
        ({"better_answer": ""}, "/better_answer"),
        ({"spans": [{"response": "a", "start": 5, "end": 5}]}, "/spans/0"),
        ({"spans": [{"response": "a", "start": 0, "end": 99}]}, "/spans/0"),
        ({"spans": [{"response": "a", "start": 0, "end": 6, "quote": "answer"}]}, "/spans/0"),
        ({"spans": [{"response": "a", "start": 0, "end": 6, "tag": "x"}]}, "/spans/0/tag"),
        ({"rubric_version": 0}, "/rubric_version"),
        ({"outcome": "tie", "strength": 2}, "/"),
    ],
)
def test_bad_input_says_where(
    session: Session, cast: Cast, ask: Ask, change: dict[str, object], pointer: str
) -> None:
    queue(session, cast.project, 1)
    claimed = ask(cast.ann, "/assignments").json
    answer = ask(cast.ann, "/judgments", verdict(claimed) | change)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    session.commit()
    assert session.exec(select(Judgment)).all() == []


def test_own_judgments_are_listed_as_stored_and_taken_back(
    app: Flask, session: Session, cast: Cast, ask: Ask, bearer: Callable[[Account], dict[str, str]]
) -> None:
    queue(session, cast.project, 3)
    for number in range(3):
        claimed = ask(cast.ann, "/assignments").json
        given = verdict(claimed, "b", submission_id=f"s{number}", strength=2, rationale="Because.")
        ask(cast.ann, "/judgments", given)

    def mine(query: str = "") -> Any:
        return app.test_client().get(f"{BASE}/judgments{query}", headers=bearer(cast.ann)).json

    page = mine("?limit=2")
    assert [one["submission_id"] for one in page["items"]] == ["s2", "s1"]
    assert {(one["outcome"], one["strength"], one["rationale"]) for one in page["items"]} == {
        ("b", 2, "Because.")
    }
    assert page["next"]
    undone = ask(cast.ann, "/undo")
    assert undone.json["assignment_id"] == claimed["assignment_id"]
    assert [one["submission_id"] for one in mine()["items"]] == ["s1", "s0"]
    first = mine("/s0")
    assert first["excerpt"].startswith("Which bird")
    assert ask(cast.ann, "/undo", {"assignment_id": first["assignment_id"]}).status_code == 200
    assert mine("/s0")["status"] == 404
    assert ask(cast.ben, "/undo").status_code == 409
    assert ask(cast.ben, "/undo", {"assignment_id": first["assignment_id"]}).status_code == 404


@pytest.mark.parametrize("body", [None, [], "a"])
def test_a_body_that_is_no_object_is_refused(session: Session, cast: Cast, ask: Ask, body: object) -> None:
    assert ask(cast.ann, "/judgments", body).status_code == 422


def test_only_tokens_of_those_who_may_judge_work(
    session: Session, cast: Cast, ask: Ask, client_of: Callable[[Account | None], FlaskClient]
) -> None:
    assert ask(cast.otto, "/assignments").status_code == 404
    assert ask(cast.vic, "/assignments").status_code == 403
    assert client_of(None).post(BASE + "/assignments").status_code == 401
    assert client_of(cast.ann).post(BASE + "/assignments").status_code == 401


def test_somebody_elses_assignment_is_not_found(session: Session, cast: Cast, ask: Ask) -> None:
    queue(session, cast.project, 2)
    claimed = ask(cast.ann, "/assignments").json
    assert ask(cast.ben, "/judgments", verdict(claimed)).status_code == 404
