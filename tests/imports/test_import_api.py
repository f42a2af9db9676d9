"""POST /api/v1/projects/{slug}/imports and GET /api/v1/jobs/{id}."""

import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account
from tests.conftest import Cast
from tests.imports.arrange import comparison, json_lines, response, table_sizes

URL = "/api/v1/projects/birds/imports"
ROWS = json_lines([response(1, "heron"), response(1, "wren"), {"prompt": "Hi"}])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


Bearer = Callable[[Account], dict[str, str]]


def test_a_body_is_imported_by_a_job(
    cast: Cast, client: FlaskClient, bearer: Bearer, session: Session
) -> None:
    token = bearer(cast.lena)
    answer = client.post(f"{URL}?name=birds.jsonl", data=ROWS, headers=token)
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json["url"]
    job = client.get(answer.json["url"], headers=token).json
    assert (job["kind"], job["state"], job["project"], job["error"]) == ("import", "done", "birds", None)
    result = job["result"]
    assert (result["read"], result["added"], result["already_there"], result["refused"]) == (3, 2, 0, 1)
    assert result["files"][0]["name"] == "birds.jsonl"
    assert result["refused_rows"][0]["line"] == 3
    assert table_sizes(session, "responses") == {"responses": 2}


def test_a_body_is_a_file_whatever_its_type(cast: Cast, client: FlaskClient, bearer: Bearer) -> None:
    """curl calls what --data-binary sends a form."""
    token = bearer(cast.lena)
    form = {**token, "Content-Type": "application/x-www-form-urlencoded"}
    job = client.post(f"{URL}?as=responses", data=ROWS, headers=form).json["url"]
    assert client.get(job, headers=token).json["result"]["added"] == 2


def test_several_files_as_a_form(cast: Cast, client: FlaskClient, bearer: Bearer) -> None:
    token = bearer(cast.lena)
    parts = {"files": [(io.BytesIO(ROWS), "a.jsonl"), (io.BytesIO(ROWS), "b.jsonl")], "dry_run": "true"}
    job = client.post(URL, data=parts, headers=token).json["url"]
    result = client.get(job, headers=token).json["result"]
    assert (result["dry_run"], result["added"], result["already_there"], result["refused"]) == (True, 2, 2, 2)


def test_what_does_not_fit_is_a_problem_document(cast: Cast, client: FlaskClient, bearer: Bearer) -> None:
    token = bearer(cast.lena)
    answer = client.post(f"{URL}?as=novel", data=ROWS, headers=token)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"][0]["pointer"] == "/as"
    assert client.post(URL, headers=token).json["errors"][0]["pointer"] == "/files"


def test_a_file_that_cannot_be_taken_fails_its_job(cast: Cast, client: FlaskClient, bearer: Bearer) -> None:
    token = bearer(cast.lena)
    job = client.get(client.post(URL, data=b"PK\x03\x04", headers=token).json["url"], headers=token).json
    assert job["state"] == "failed"
    assert "zip archive" in job["error"]


def test_who_may(cast: Cast, client: FlaskClient, bearer: Bearer) -> None:
    assert client.post(URL, data=ROWS).status_code == 401
    assert client.post(URL, data=ROWS, headers=bearer(cast.ann)).status_code == 403
    assert client.post(URL, data=ROWS, headers=bearer(cast.otto)).status_code == 404
    job = client.post(URL, data=ROWS, headers=bearer(cast.ada)).json["url"]
    assert client.get(job, headers=bearer(cast.lena)).status_code == 200
    assert client.get(job, headers=bearer(cast.ann)).status_code == 404
    assert client.get("/api/v1/jobs/none", headers=bearer(cast.lena)).status_code == 404


def test_pairs_are_counted_and_queued(
    cast: Cast, client: FlaskClient, bearer: Bearer, session: Session
) -> None:
    token = bearer(cast.lena)
    client.post(URL, data=ROWS, headers=token)
    pairs = "/api/v1/projects/birds/pairs"
    assert client.post(f"{pairs}?dry_run=true", json={}, headers=token).json["queued"] == 1
    assert table_sizes(session, "slots") == {"slots": 0}
    answer = client.post(pairs, json={"models": ["heron", "wren"], "wanted": 2}, headers=token)
    assert answer.status_code == 202
    assert client.get(answer.json["url"], headers=token).json["result"]["queued"] == 1
    assert table_sizes(session, "slots") == {"slots": 1}
    refused = client.post(pairs, json={"models": ["heron", "dodo"]}, headers=token)
    assert refused.status_code == 422
    assert "no model 'dodo'" in refused.json["errors"][0]["detail"]
    assert client.post(pairs, json=[1], headers=token).status_code == 422


def test_comparisons_are_in_the_queue_at_once(
    cast: Cast, client: FlaskClient, bearer: Bearer, session: Session
) -> None:
    client.post(URL, data=json_lines([comparison(1)]), headers=bearer(cast.lena))
    assert table_sizes(session, "slots") == {"slots": 1}
