"""What a lead does by page, done by a program: the same verbs, the same rules, the same trail."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, AuditEvent, Membership, Project
from tests.annotation.arrange import annotator_of
from tests.api.conftest import Program
from tests.conftest import Cast

Make = Callable[..., Program]
BIRDS = "/projects/birds"


def test_a_project_from_its_beginning(cast: Cast, program: Make, session: Session) -> None:
    otto = program(cast.otto)
    whole = {
        "slug": "fish",
        "name": "Fish",
        "settings": {"wanted": 2},
        "rubric": {"criteria": [{"key": "depth", "name": "Depth"}]},
        "guideline": "Prefer the wetter one.",
    }
    made = otto.post("/projects", whole)
    assert made.status_code == 201
    assert (made.json["role"], made.json["settings"]["wanted"]) == ("lead", 2)
    assert made.json["counts"]["guidelines"] == 1
    assert otto.get("/projects/fish").json == made.json
    assert otto.get("/projects/fish/guideline").json["text"] == "Prefer the wetter one."
    assert [one["key"] for one in otto.get("/projects/fish/rubric").json["criteria"]] == ["depth"]
    changed = otto("PATCH", "/projects/fish", json={"daily_goal": 40})
    assert (changed.json["settings"]["daily_goal"], changed.json["settings"]["wanted"]) == (40, 2)
    assert changed.json["name"] == "Fish"
    assert otto.post("/projects/fish/archive").json["archived_at"]
    assert otto.get("/projects").json["items"] == []
    assert [one["slug"] for one in otto.get("/projects?archived=true").json["items"]] == ["fish"]
    assert otto.post("/projects/fish/assignments").status_code == 409
    assert otto.post("/projects/fish/reopen").json["archived_at"] is None
    verbs = [one["verb"] for one in otto.get("/projects/fish/audit").json["items"]]
    assert verbs[:3] == ["project.reopen", "project.archive", "project.settings"]


def test_nobody_is_made_a_member_unasked(cast: Cast, program: Make, session: Session) -> None:
    """A page invites by a link; an address typed here would also tell who has an account."""
    body = {"slug": "fish", "name": "Fish", "members": [{"email": "ann@example.org", "role": "viewer"}]}
    refused = program(cast.otto).post("/projects", body)
    assert refused.status_code == 422
    assert session.exec(select(Project).where(Project.slug == "fish")).all() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PATCH", BIRDS, {"wanted": 0}, "/wanted"),
        ("PATCH", BIRDS, {"name": " "}, "/name"),
        ("PATCH", BIRDS, {"slug": "fish"}, "/slug"),
        ("POST", "/projects", {"slug": "A b", "name": "x"}, "/slug"),
        ("POST", "/projects", {"slug": "birds", "name": "Mine"}, "/slug"),
        ("PUT", f"{BIRDS}/rubric", {"points": 4}, "/points"),
        ("POST", f"{BIRDS}/guideline", {"text": " "}, "/text"),
        ("GET", f"{BIRDS}/guideline?version={2**31}", None, "/version"),
        ("POST", f"{BIRDS}/invitations", {"email": "a@b.c"}, "/role"),
        ("POST", f"{BIRDS}/pairs", {"per_prompt": 0}, "/per_prompt"),
    ],
)
def test_what_does_not_fit_says_where(
    cast: Cast, program: Make, session: Session, method: str, path: str, body: object, pointer: str
) -> None:
    refused = program(cast.lena)(method, path, json=body)
    assert refused.status_code == 422
    assert refused.content_type == "application/problem+json"
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]
    assert session.exec(select(AuditEvent).where(AuditEvent.project_id == cast.project.id)).all() == []


def test_members_and_invitations(
    app: Flask,
    cast: Cast,
    program: Make,
    client_of: Callable[[Account | None], FlaskClient],
    session: Session,
) -> None:
    lena = program(cast.lena)
    made = lena.post(f"{BIRDS}/invitations", {"role": "researcher"}).json
    assert lena.get(f"{BIRDS}/invitations").json["items"] == [made | {"link": None}]
    assert client_of(cast.otto).post(made["link"].removeprefix("http://localhost")).status_code == 303
    people = {one["email"]: one for one in lena.get(f"{BIRDS}/members").json["items"]}
    otto = people["otto@example.org"]
    assert (otto["role"], otto["judgments"]) == ("researcher", 0)
    assert lena("PUT", f"{BIRDS}/members/{otto['uid']}", json={"role": "viewer"}).status_code == 204
    session.rollback()
    assert session.get(Membership, (cast.otto.id, cast.project.id)).role == "viewer"  # type: ignore[union-attr]
    assert lena("DELETE", f"{BIRDS}/members/{otto['uid']}").status_code == 204
    assert lena("DELETE", f"{BIRDS}/members/{cast.lena.uid}").status_code == 409, "the only lead"
    second = lena.post(f"{BIRDS}/invitations", {"role": "viewer"}).json
    assert lena("DELETE", f"{BIRDS}/invitations/{second['uid']}").status_code == 204
    assert lena.get(f"{BIRDS}/invitations").json["items"] == []


def test_guideline_and_rubric(cast: Cast, program: Make) -> None:
    lena, ann = program(cast.lena), program(cast.ann)
    assert ann.get(f"{BIRDS}/guideline").status_code == 404
    first = lena.post(f"{BIRDS}/guideline", {"text": "Prefer the louder."})
    assert (first.status_code, first.json["version"]) == (201, 1)
    assert lena.post(f"{BIRDS}/guideline", {"text": "Prefer the kinder."}).status_code == 409
    assert lena.post(f"{BIRDS}/guideline", {"text": "Prefer the kinder.", "base": 1}).json["version"] == 2
    assert ann.get(f"{BIRDS}/guideline?version=1").json["text"] == "Prefer the louder."
    assert [one["version"] for one in ann.get(f"{BIRDS}/guideline/versions").json["items"]] == [2, 1]
    assert ann.get(f"{BIRDS}/rubric").json["version"] is None
    asked = lena("PUT", f"{BIRDS}/rubric", json={"points": 7, "rationale": "required"}).json
    assert (asked["version"], asked["points"]) == (1, 7)
    assert ann.get(f"{BIRDS}/rubric").json == asked
    assert lena("PUT", f"{BIRDS}/rubric", json={"points": 5}).status_code == 409


def test_annotators_in_groups(session: Session, cast: Cast, program: Make) -> None:
    lena, uid = program(cast.lena), annotator_of(session, cast.project, cast.ann).uid
    moved = {"annotator": [uid], "group": "experts"}
    assert lena("PUT", f"{BIRDS}/groups", json=moved).status_code == 204
    [one] = lena.get(f"{BIRDS}/groups").json["items"]
    assert (one["uid"], one["name"], one["group"]) == (uid, "Ann", "experts")
    assert lena("PUT", f"{BIRDS}/groups", json={"annotator": ["nobody"]}).status_code == 404
    assert program(cast.rui).get(f"{BIRDS}/groups").status_code == 403
    recast = {"annotator": [uid], "kind": "model"}
    assert lena("PUT", f"{BIRDS}/kinds", json=recast).status_code == 204
    [one] = lena.get(f"{BIRDS}/groups").json["items"]
    assert (one["kind"], one["group"]) == ("model", "experts")
    assert lena("PUT", f"{BIRDS}/kinds", json=recast | {"kind": "robot"}).status_code == 422
    assert lena("PUT", f"{BIRDS}/kinds", json=recast | {"annotator": ["nobody"]}).status_code == 404
    assert program(cast.rui)("PUT", f"{BIRDS}/kinds", json=recast).status_code == 403


def test_a_member_is_put_as_it_was_read(session: Session, cast: Cast, program: Make) -> None:
    lena = program(cast.lena)

    def read(person: Account) -> dict[str, str]:
        found = {one["uid"]: one for one in lena.get(f"{BIRDS}/members").json["items"]}[person.uid]
        return {"role": found["role"], "kind": found["kind"]}

    def put(person: Account, **said: str) -> Any:
        return lena("PUT", f"{BIRDS}/members/{person.uid}", json=said)

    assert put(cast.ann, role="annotator", kind="model").status_code == 204
    assert put(cast.ann, **read(cast.ann) | {"role": "viewer"}).status_code == 204
    there = read(cast.ann)
    assert there == {"role": "viewer", "kind": "model"}
    assert put(cast.ann, **there).status_code == 204
    assert read(cast.ann) == there
    refused = put(cast.vic, role="viewer", kind="model")
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/kind")
    assert read(cast.vic) == {"role": "viewer", "kind": "human"}
    verbs = session.exec(select(AuditEvent.verb)).all()
    assert [verbs.count(verb) for verb in ("member.role", "annotator.kind")] == [1, 1]


def test_a_body_must_say_that_it_is_json(app: Flask, cast: Cast, program: Make) -> None:
    lena = program(cast.lena)
    refused: Any = lena("POST", f"{BIRDS}/invitations", data='{"role": "viewer"}')
    assert refused.status_code == 415
    assert refused.content_type == "application/problem+json"
    nul = lena.post("/tokens", {"name": "To\x00ne"})
    assert (nul.status_code, nul.json["detail"][:27]) == (422, "There is a NUL character in")
    surrogate = lena("POST", "/tokens", data=b'{"name": "\\ud800"}', content_type="application/json")
    assert surrogate.status_code == 422
    assert "surrogate" in surrogate.json["detail"]


def test_a_method_that_is_none_is_a_problem_too(cast: Cast, program: Make) -> None:
    refused = program(cast.lena)("DELETE", BIRDS)
    assert refused.status_code == 405
    assert refused.content_type == "application/problem+json"
    assert {"GET", "PATCH"} <= set(refused.headers["Allow"].split(", "))
