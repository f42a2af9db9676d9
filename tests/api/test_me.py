"""One's own account over the API: what may be changed, by which token, and what stays."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, col, select

from app.models import Account, AuditEvent, Scope
from tests.api.conftest import Program
from tests.conftest import Cast

Make = Callable[..., Program]


def test_a_name_and_a_language_change_and_what_is_not_sent_stays(
    session: Session, cast: Cast, program: Make
) -> None:
    ann = program(cast.ann)
    before = ann.get("/me").json
    assert (before["language"], before["reading"]["text_size"]) == (None, "normal")
    assert ann("PATCH", "/me", json={"name": " Ann Lee ", "language": "es"}).json["name"] == "Ann Lee"
    assert ann("PATCH", "/me", json={"name": "Ann"}).json["language"] == "es"
    session.expire_all()
    account = session.get_one(Account, cast.ann.id)
    assert (account.name, account.language, account.email) == ("Ann", "es", cast.ann.email)
    verbs = session.exec(select(AuditEvent.verb).where(col(AuditEvent.account_id) == account.id)).all()
    assert [verb for verb in verbs if verb.startswith("account.")] == [
        "account.rename",
        "account.language",
        "account.rename",
    ]


def test_how_one_reads_changes_as_the_view_menu_changes_it(cast: Cast, program: Make) -> None:
    ann = program(cast.ann, Scope.ANNOTATE)
    kept = ann("PUT", "/me/reading", json={"text_size": "large", "stacked": True}).json
    assert kept == {"text_size": "large", "stacked": True, "together": False, "differences": False}
    assert ann.get("/me").json["reading"] == kept
    assert ann("PUT", "/me/reading", json={}).json["stacked"] is False


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/me", {"name": " "}),
        ("PATCH", "/me", {"language": "tlh"}),
        ("PATCH", "/me", {"email": "other@example.org"}),
        ("PATCH", "/me", {"role": "admin"}),
        ("PUT", "/me/reading", {"text_size": "gigantic"}),
        ("PUT", "/me/reading", {"stacked": "perhaps"}),
    ],
)
def test_nothing_else_is_taken(
    cast: Cast, program: Make, method: str, path: str, body: dict[str, object]
) -> None:
    ann = program(cast.ann)
    before = ann.get("/me").json
    assert ann(method, path, json=body).status_code == 422
    after = ann.get("/me").json
    assert {**after, "token": None} == {**before, "token": None}


def test_a_token_for_less_changes_nothing(cast: Cast, program: Make) -> None:
    reader, judging = program(cast.ann, Scope.READ), program(cast.ann, Scope.READ, Scope.ANNOTATE)
    assert judging("PATCH", "/me", json={"name": "X"}).status_code == 403
    assert reader("PUT", "/me/reading", json={}).status_code == 403
    only = program(cast.lena, project=cast.project)
    assert only("PATCH", "/me", json={"name": "X"}).status_code == 403
