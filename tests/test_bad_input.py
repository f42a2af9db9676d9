"""What no form sends: numbers and characters no column can hold, bodies no parser can take."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app.models import Account, Job
from app.projects import lifecycle
from tests.conftest import Cast

Bearer = Callable[[Account], dict[str, str]]

BIRDS = "/api/v1/projects/birds"


@pytest.fixture
def ada(cast: Cast, client_of: Callable[[Account | None], FlaskClient]) -> FlaskClient:
    return client_of(cast.ada)


@pytest.mark.parametrize("number", [2**31, -(10**30), "abc"])
@pytest.mark.parametrize(
    "path",
    ["/people?page=", "/people/audit?before=", *(f"/p/birds/{it}=" for it in (
        "audit?before", "guideline?version", "history?before"
    ))],
)  # fmt: skip
def test_what_is_no_number_of_a_column_is_refused_and_not_passed_over(
    ada: FlaskClient, path: str, number: object
) -> None:
    refused = ada.get(f"{path}{number}", headers={"Accept-Language": "es"})
    assert refused.status_code == 422
    assert "El valor debe ser un número entero" in refused.text
    assert ada.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PATCH", "", {"wanted": True}, "/wanted: Give a whole number."),
        ("PATCH", "", {"training": 0}, "/training: Say true or false."),
        ("PATCH", "", {"visibility": ""}, "/visibility: Choose one of: members, public."),
        *(("PATCH", "", {"sensitive_categories": it}, "/sensitive_categories: Give text.") for it in (0, {})),
        ("PATCH", "", {"sensitive_categories": [[]]}, "/sensitive_categories: Give a list of names."),
        ("PATCH", "", {"sensitive_categories": [None]}, "/sensitive_categories: Give a list of names."),
        ("POST", "/pairs", {"models": ""}, "/models: Name some models, or leave this out for all of them."),
        ("POST", "/pairs", {"seed": True}, "/seed: Give a whole number."),
        ("PUT", "/rubric", {"base": -1, "points": 5}, "/base: Give 0 or more."),
        ("PUT", "/rubric", {"points": "5"}, "/points: Choose one of: 2, 3, 5, 7."),
        ("POST", "/tokens", {"nmae": "x"}, "/nmae: There is no such field."),
        ("GET", "/leaderboard/bias?by=x", None, "/by: There is no such field."),
        ("GET", "/jobs?size=9", None, "/size: There is no such field. Choose one of: "),
        ("GET", "/export?since=-1", None, "/since: Give a day or a time"),
        ("GET", "/export?since=1.5", None, "/since: Give a day or a time"),
        *(("GET", f"/leaderboard?since={it}", None, "/since: Give a day, as") for it in ("86400", "2026-03")),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_not_taken_for_one(
    app: Flask, cast: Cast, session: Session, bearer: Bearer, method: str, path: str, body: object, said: str
) -> None:
    address = path.replace("/tokens", "/api/v1/tokens") if path == "/tokens" else BIRDS + path
    refused = app.test_client().open(address, method=method, json=body, headers=bearer(cast.lena))
    assert refused.status_code == 422
    told = [f"{error['pointer']}: {error['detail']}" for error in refused.get_json()["errors"]]
    assert any(line.startswith(said) for line in told), told


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/p/%00/", 404),
        ("/people?q=%00", 422),
        ("/p/birds/audit?verb=%00", 422),
        ("/p/birds/export?category=a&category=%00b", 422),
        ("/p/birds/export?%00=a", 422),
    ],
)
def test_an_address_with_a_nul_leads_nowhere(ada: FlaskClient, path: str, status: int) -> None:
    assert ada.get(path).status_code == status


def test_a_form_with_a_nul_changes_nothing(ada: FlaskClient, cast: Cast, session: Session) -> None:
    for path, form in (
        ("/account/name", {"name": "A\x00da"}),
        ("/account/name", {"name": "Ada the Great", "\x00": ""}),
        ("/p/birds/groups", {"annotator": ["x", "y\x00"], "group": "experts"}),
    ):
        refused = ada.post(path, data=form)
        assert refused.status_code == 422
        assert "NUL character" in refused.text
    session.refresh(cast.ada)
    assert cast.ada.name == "Ada"


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"models":' * 100_000, b"[1]", b'{"models": "\xff"}', b"models"]
)
@pytest.mark.parametrize("path", ["judgments", "pairs"])
def test_a_body_that_is_no_json_object_is_told_what_to_send(
    app: Flask, cast: Cast, bearer: Bearer, path: str, body: bytes
) -> None:
    headers = {**bearer(cast.lena), "Content-Type": "application/json"}
    refused = app.test_client().post(f"{BIRDS}/{path}", data=body, headers=headers)
    assert refused.status_code == 422
    assert "JSON object" in refused.get_json()["detail"]


def test_a_body_larger_than_any_form_is_not_read(app: Flask, cast: Cast, bearer: Bearer) -> None:
    client, much = app.test_client(), "x" * 3 * 2**20
    judging = client.post(f"{BIRDS}/judgments", json={"rationale": much}, headers=bearer(cast.ann))
    assert judging.status_code == 413
    assert client.post("/sign-in", data={"email": much}).status_code == 413


def test_a_body_sent_in_chunks_counts_too(app: Flask, cast: Cast, session: Session, bearer: Bearer) -> None:
    """It has no Content-Length, and was once taken for none: every model would be paired."""
    refused = app.test_client().post(
        f"{BIRDS}/pairs",
        input_stream=BytesIO(b'{"models": ["No such model"]}'),
        content_type="application/json",
        headers=bearer(cast.lena),
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert refused.status_code == 422
    assert session.exec(select(col(Job.id))).all() == []


def test_a_broken_write_shows_its_page_to_whoever_is_signed_in(
    app: Flask, cast: Cast, ada: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed transaction expires the account, which the page's frame would greet by name."""

    def breaks(session: Session, *_: object, **__: object) -> None:
        cast.ada.name = "changed"
        session.merge(cast.ada).uid = cast.ben.uid
        session.flush()

    monkeypatch.setattr(lifecycle, "archive", breaks)
    broken = ada.post("/p/birds/archive")
    assert broken.status_code == 500
    assert "nothing was saved" in broken.text
