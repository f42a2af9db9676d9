"""The table of who may do what, row by row, and what each refusal looks like."""

from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session

from app import permissions
from app.errors import Forbidden, NotFound, Problem, Unauthorized
from app.models import Account, Visibility, now
from app.permissions import MAY
from tests.conftest import Cast

# One letter for each ability, in the table's order: see, leaderboard, texts, judge, own, guideline, review,
# export, import, queue, manage. Capital: may; dot: may not.
ABILITIES = dict(zip("SLTJOGREIQM", MAY, strict=True))
MEMBERS_ONLY = {
    "ada": "SLTJOGREIQM",
    "lena": "SLTJOGREIQM",
    "rui": "SLTJOGR....",
    "ann": "S..JOG.....",
    "rosa": "SLT..G.E...",
    "vic": "SL...G.....",
    "otto": "...........",
    "nobody": "...........",
}
PUBLIC = {
    "ada": "SLTJOGREIQM",
    "lena": "SLTJOGREIQM",
    "rui": "SLTJOGR....",
    "ann": "SL.JOG.....",
    "rosa": "SLT..G.E...",
    "vic": "SL...G.....",
    "otto": "SL.........",
    "nobody": "SL.........",
}
TABLES = {Visibility.MEMBERS: MEMBERS_ONLY, Visibility.PUBLIC: PUBLIC}


def person(cast: Cast, name: str) -> Account | None:
    return None if name == "nobody" else getattr(cast, name)


def refusal(session: Session, account: Account | None, ability: str) -> type[Problem] | None:
    """What entering raises, or None where it is allowed."""
    try:
        permissions.enter(session, account, "birds", ability)
    except Problem as problem:
        return type(problem)
    return None


def expected(name: str, row: str, letter: str) -> type[Problem] | None:
    """Allowed; else sign in; else it does not exist; else not with this role."""
    if letter in row:
        return None
    if name == "nobody":
        return Unauthorized
    return Forbidden if "S" in row else NotFound


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("name", MEMBERS_ONLY)
def test_the_table(session: Session, cast: Cast, visibility: Visibility, name: str) -> None:
    cast.project.visibility = visibility
    session.add(cast.project)
    session.flush()
    row = TABLES[visibility][name]
    found = {letter: refusal(session, person(cast, name), ability) for letter, ability in ABILITIES.items()}
    assert found == {letter: expected(name, row, letter) for letter in ABILITIES}


@pytest.mark.parametrize("name", MEMBERS_ONLY)
def test_an_archived_project_can_only_be_read(session: Session, cast: Cast, name: str) -> None:
    cast.project.archived_at = now()
    session.add(cast.project)
    session.flush()
    row = MEMBERS_ONLY[name]
    for letter, ability in ABILITIES.items():
        closed = letter in "JIQ" and letter in row
        assert refusal(session, person(cast, name), ability) == (
            permissions.Archived if closed else expected(name, row, letter)
        )


def test_no_such_project(session: Session, cast: Cast) -> None:
    with pytest.raises(NotFound):
        permissions.enter(session, cast.ada, "fish", "judge")
    with pytest.raises(Unauthorized):
        permissions.enter(session, None, "fish", "judge")


# Each page of the projects room, and who of the cast gets to it.
LEADS = {"ada", "lena"}
MEMBERS = {*LEADS, "rui", "ann", "ben", "rosa", "vic"}
PAGES = {
    "/p/birds/": MEMBERS,
    "/p/birds/guideline": MEMBERS,
    "/p/birds/guideline/edit": LEADS,
    "/p/birds/settings": LEADS,
    "/p/birds/members": LEADS,
    "/p/birds/groups": LEADS,
    "/p/birds/rubric": LEADS,
    "/p/birds/learning": LEADS,
    "/p/birds/begin": {*LEADS, "rui", "ann", "ben"},
    "/p/birds/limits": {*LEADS, "rui", "ann", "ben"},
    "/p/birds/numbers": {*LEADS, "rui", "ann", "ben"},
    "/p/birds/audit": LEADS,
}


@pytest.mark.parametrize(("page", "readers"), PAGES.items())
def test_pages(cast: Cast, client_of: Any, page: str, readers: set[str]) -> None:
    for name in (*MEMBERS, "otto"):
        status = client_of(getattr(cast, name)).get(page).status_code
        assert status == (200 if name in readers else 404 if name == "otto" else 403), name


def test_a_stranger_is_asked_to_sign_in_and_brought_back(app: Flask, cast: Cast) -> None:
    answer = app.test_client().get("/p/birds/audit?verb=member")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/p/birds/audit?verb%3Dmember")


OF_ANNOTATORS = (
    "learning.begin_test",
    "learning.acknowledge",
    "learning.answer_trial",
    "learning.pass_over",
    "learning.mark_read",
)


def test_each_change_is_for_leads(app: Flask, cast: Cast, client_of: Any) -> None:
    """Walks the room's POST routes: nobody but a lead gets as far as having the input read."""
    values = {"slug": "birds", "uid": cast.ben.uid, "key": "accuracy"}
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("projects.", "learning."))
        and rule.endpoint not in OF_ANNOTATORS
        and "POST" in (rule.methods or ())
        and "slug" in rule.arguments
    ]
    assert len(rules) >= 10
    with app.test_request_context():
        paths = [rule.build({name: values[name] for name in rule.arguments})[1] for rule in rules]
    for path in paths:
        assert client_of(cast.otto).post(path).status_code == 404, path
        for name in ("rui", "ann", "rosa", "vic"):
            assert client_of(getattr(cast, name)).post(path).status_code == 403, path
        assert app.test_client().post(path).status_code == 303, path
