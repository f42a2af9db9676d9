"""A token may do what it was made for, where it was made for, and no more than its account."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account, Project, Scope
from tests.api.conftest import Program
from tests.conftest import Cast

Make = Callable[..., Program]
BIRDS = "/projects/birds"
READ, ANNOTATE, MANAGE = Scope

# One request for each scope, by a lead, who may do all of them.
NEEDS = [
    (READ, "GET", f"{BIRDS}/leaderboard"),
    (READ, "GET", f"{BIRDS}/prompts"),
    (READ, "GET", f"{BIRDS}/export"),
    (ANNOTATE, "POST", f"{BIRDS}/assignments"),
    (ANNOTATE, "GET", f"{BIRDS}/judgments"),
    (MANAGE, "POST", f"{BIRDS}/archive"),
    (MANAGE, "GET", f"{BIRDS}/members"),
    (MANAGE, "GET", "/tokens"),
]


@pytest.mark.parametrize(("scope", "method", "path"), NEEDS)
def test_a_scope_opens_what_it_names(cast: Cast, program: Make, scope: Scope, method: str, path: str) -> None:
    for given in Scope:
        answer = program(cast.lena, given)(method, path)
        assert (answer.status_code == 403) == (given != scope), given
        if given != scope:
            assert f"may {scope}" in answer.json["detail"]


def test_a_scope_gives_nobody_another_role(cast: Cast, program: Make) -> None:
    assert program(cast.ann, MANAGE).post(f"{BIRDS}/archive").status_code == 403
    assert program(cast.otto, READ).get(f"{BIRDS}/leaderboard").status_code == 404


def test_a_token_for_one_project_knows_no_other(cast: Cast, program: Make, session: Session) -> None:
    session.add(Project(slug="fish", name="Fish"))
    session.commit()
    only = program(cast.ada, project=cast.project)
    assert [one["slug"] for one in only.get("/projects").json["items"]] == ["birds"]
    assert only.get("/me").json["token"]["project"] == "birds"
    assert only.get(f"{BIRDS}/audit").status_code == 200
    refused = [only.get("/projects/fish"), only.get("/projects/none"), only.get("/tokens")]
    refused += [only.post("/projects", {"slug": "x", "name": "X"}), only.post("/tokens", {"name": "x"})]
    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json["detail"] for answer in refused} == {"This token is for the project birds alone."}


def test_a_job_of_another_project_is_not_told_to_it(cast: Cast, program: Make, session: Session) -> None:
    fish = Project(slug="fish", name="Fish")
    session.add(fish)
    session.commit()
    job = program(cast.ada).post("/projects/fish/pairs").json["job"]
    assert program(cast.ada).get(f"/jobs/{job}").status_code == 200
    assert program(cast.ada, project=cast.project).get(f"/jobs/{job}").status_code == 403


def test_a_token_makes_none_that_may_more(cast: Cast, program: Make) -> None:
    lena = program(cast.lena, MANAGE, READ)
    assert lena.post("/tokens", {"name": "all"}).status_code == 403
    made = lena.post("/tokens", {"name": "notebook", "scopes": ["read"], "project": "birds"}).json
    assert (made["scopes"], made["project"]) == (["read"], "birds")
    reading = Program(lena.app, made["secret"])
    assert reading.get(f"{BIRDS}/leaderboard").status_code == 200
    assert reading.post(f"{BIRDS}/archive").status_code == 403
    listed = lena.get("/tokens").json["items"]
    assert [(one["name"], one["secret"]) for one in listed] == [("notebook", None), ("test", None)]
    assert lena("DELETE", f"/tokens/{made['uid']}").status_code == 204
    assert reading.get(f"{BIRDS}/leaderboard").status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["rule"]}, "/scopes/0"),
        ({"name": "x", "project": "none"}, "/project"),
        ({"name": " "}, "/name"),
        ({"name": "x", "power": 1}, "/power"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(
    cast: Cast, program: Make, body: dict[str, object], pointer: str
) -> None:
    refused = program(cast.lena).post("/tokens", body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_the_page_makes_and_shows_them(
    app: Flask, cast: Cast, client_of: Callable[[Account | None], FlaskClient]
) -> None:
    rosa = client_of(cast.rosa)
    refused = rosa.post("/account/tokens", data={"name": "Notebook"})
    assert refused.status_code == 422
    assert "Choose at least one" in refused.text
    form = {"name": "Notebook", "scopes": ["read", "annotate"], "project": "birds"}
    assert rosa.post("/account/tokens", data=form).status_code == 303
    page = rosa.get("/account/tokens").text
    assert "read, annotate" in page
    assert '<a href="/p/birds/">Birds</a>' in page
