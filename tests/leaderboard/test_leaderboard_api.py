"""GET /api/v1/projects/{slug}/leaderboard: the same object as a command prints, with an ETag."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.leaderboard import standings
from app.leaderboard.forms import StandingsQuery
from app.models import Account, Visibility
from tests.conftest import Cast
from tests.leaderboard.arrange import judge_birds, withdraw

URL = "/api/v1/projects/birds/leaderboard"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_it_answers_the_object(
    session: Session, cast: Cast, client: FlaskClient, bearer: Callable[[Account], dict[str, str]]
) -> None:
    judge_birds(session, cast.project, categories=("coding", "safety"))
    token = bearer(cast.vic)
    found = client.get(URL, headers=token).json
    assert found == standings.as_object(session, cast.project, StandingsQuery())
    dropped = client.get(f"{URL}?ties=drop", headers=token).json
    assert dropped["parameters"]["ties"] == "drop"
    sliced = client.get(f"{URL}?by=category", headers=token).json
    assert sliced["by"] == "category"
    assert {part["value"] for part in sliced["slices"]} == {"coding", "safety"}
    assert sliced["models"] == found["models"]


def test_members_only_needs_a_token_of_somebody_who_may_read_it(
    session: Session, cast: Cast, client: FlaskClient, bearer: Callable[[Account], dict[str, str]]
) -> None:
    judge_birds(session, cast.project)
    refused = client.get(URL)
    assert (refused.status_code, refused.json["detail"][:17]) == (401, "Send an API token")
    refused = client.get(URL, headers=bearer(cast.ann))
    assert refused.status_code == 403
    assert refused.mimetype == "application/problem+json"
    assert "Heron" not in refused.text
    assert client.get(URL, headers=bearer(cast.otto)).status_code == 404


def test_a_public_leaderboard_needs_no_token(session: Session, cast: Cast, client: FlaskClient) -> None:
    judge_birds(session, cast.project)
    cast.project.visibility = Visibility.PUBLIC
    session.add(cast.project)
    session.commit()
    assert client.get(URL).json["votes"] == 72


def test_it_is_sent_again_only_when_it_changed(
    session: Session, cast: Cast, client: FlaskClient, bearer: Callable[[Account], dict[str, str]]
) -> None:
    made = judge_birds(session, cast.project)
    token = bearer(cast.vic)
    first = client.get(URL, headers=token)
    known = {**token, "If-None-Match": first.headers["ETag"]}
    again = client.get(URL, headers=known)
    assert again.status_code == 304
    assert again.data == b""
    assert client.get(f"{URL}?ties=drop", headers=known).status_code == 200
    withdraw(session, made[0])
    session.commit()
    assert client.get(URL, headers=known).json["votes"] == 71


def test_a_wrong_parameter_is_named(
    session: Session, cast: Cast, client: FlaskClient, bearer: Callable[[Account], dict[str, str]]
) -> None:
    problem = client.get(f"{URL}?ties=maybe", headers=bearer(cast.vic))
    assert problem.status_code == 422
    assert problem.json["errors"][0]["pointer"] == "/ties"
