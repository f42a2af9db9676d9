"""One's own account: name, password, sessions, API tokens."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from app.models import Token, now
from tests.conftest import Cast

PASSWORD = "correct horse battery"


def test_rename(with_passwords: Cast, client_of: Any) -> None:
    ann = client_of(with_passwords.ann)
    assert ann.post("/account/name", data={"name": " Anna "}).status_code == 303
    page = ann.get("/account").text
    assert 'value="Anna"' in page
    assert "exports carry a pseudonym, but name judge models" in page
    refused = ann.post("/account/name", data={"name": " "})
    assert refused.status_code == 422
    assert "Say what to call it" in refused.text


def test_a_name_is_text_and_never_markup(with_passwords: Cast, client_of: Any) -> None:
    ann = client_of(with_passwords.ann)
    ann.post("/account/name", data={"name": "<script>alert(1)</script>"})
    for reader, page in ((ann, "/account"), (client_of(with_passwords.lena), "/p/birds/members")):
        assert "<script>alert" not in reader.get(page).text
    assert "&lt;script&gt;" in client_of(with_passwords.ada).get("/people").text


def test_a_new_password_ends_the_other_sessions(app: Flask, with_passwords: Cast, client_of: Any) -> None:
    here, elsewhere = client_of(with_passwords.ann), client_of(with_passwords.ann)
    form = {"current": PASSWORD, "new": "another good one"}
    assert here.post("/account/password", data=form).status_code == 303
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303

    signing_in = {"email": "ann@example.org", "password": PASSWORD}
    assert app.test_client().post("/sign-in", data=signing_in).status_code == 422
    signing_in["password"] = "another good one"
    assert app.test_client().post("/sign-in", data=signing_in).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "message"),
    [("guess", "another good one", "not your current password"), (PASSWORD, "short", "at least 10")],
)
def test_a_refused_password_changes_nothing(
    with_passwords: Cast, client_of: Any, current: str, new: str, message: str
) -> None:
    here, elsewhere = client_of(with_passwords.ann), client_of(with_passwords.ann)
    answer = here.post("/account/password", data={"current": current, "new": new})
    assert answer.status_code == 422
    assert message in answer.text
    assert 'value="Ann"' in answer.text, "the other form on the page keeps its value"
    assert elsewhere.get("/account").status_code == 200


def test_sign_out_everywhere_else(with_passwords: Cast, client_of: Any) -> None:
    here, elsewhere = client_of(with_passwords.ann), client_of(with_passwords.ann)
    here.post("/account/sessions/end")
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303


def make_token(client: Any, name: str = "Nightly export") -> str:
    answer = client.post("/account/tokens", data={"name": name, "scopes": ["read"]})
    assert answer.status_code == 303
    found = re.search(r"tb_[\w-]{43}", client.get("/account/tokens").text)
    assert found
    return found[0]


def projects(app: Flask, token: str, client: Any = None) -> Any:
    return (client or app.test_client()).get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_shown_once_and_works(app: Flask, cast: Cast, client_of: Any, session: Session) -> None:
    ann = client_of(cast.ann)
    token = make_token(ann)
    page = ann.get("/account/tokens").text
    assert token not in page
    assert f"tb_…{token[-4:]}" in page
    assert "never" in page
    assert token not in session.exec(select(Token.digest)).one()

    answer = projects(app, token)
    assert answer.status_code == 200
    [birds] = answer.json["items"]
    assert (birds["slug"], birds["role"]) == ("birds", "annotator")
    assert birds["may"] == ["see the project", "judge", "read your judgments", "read the guideline"]
    assert "never" not in ann.get("/account/tokens").text


def test_a_revoked_token_is_refused(app: Flask, cast: Cast, client_of: Any, session: Session) -> None:
    ann = client_of(cast.ann)
    token = make_token(ann)
    uid = session.exec(select(Token.uid)).one()
    assert client_of(cast.ben).post(f"/account/tokens/{uid}/revoke").status_code == 404
    assert ann.post(f"/account/tokens/{uid}/revoke").status_code == 303
    answer = projects(app, token)
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert "not valid" in answer.json["detail"]


def test_a_disabled_accounts_token_is_refused(app: Flask, cast: Cast, client_of: Any) -> None:
    token = make_token(client_of(cast.ann))
    client_of(cast.ada).post(f"/people/{cast.ann.uid}/disable")
    assert projects(app, token).status_code == 401


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer guess", "Basic YW5uOng=", "nonsense"])
def test_the_api_takes_tokens_and_no_cookies(
    app: Flask, cast: Cast, client_of: Any, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = client_of(cast.ann).get("/api/v1/projects", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json["title"] == "Unauthorized"


def test_last_used_is_written_once_a_minute(app: Flask, cast: Cast, client_of: Any, session: Session) -> None:
    token = make_token(client_of(cast.ann))
    row = session.exec(select(Token)).one()
    seen = []
    for age in (0, 59, 61):
        if row.last_used_at:
            row.last_used_at = now() - timedelta(seconds=age)
        before = row.last_used_at
        session.commit()
        projects(app, token)
        session.refresh(row)
        seen.append(row.last_used_at != before)
        session.commit()
    assert seen == [True, False, True]
