"""What nobody may find at any address: other people's projects, and whose judgment it was."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from app import jobs
from app.accounts import tokens
from app.asking import guidelines
from app.asking.forms import GuidelineIn
from app.exports.forms import Format
from app.models import (
    Account,
    Annotator,
    Assignment,
    Judgment,
    Membership,
    Model,
    Outcome,
    Project,
    Role,
    Visibility,
    now,
)
from tests.annotation.arrange import annotator_of, queue
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.walk import addresses, linked, rules

ClientOf = Callable[[Account | None], FlaskClient]
Known = dict[str, str | None]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def known(app: Flask, session: Session, cast: Cast) -> Known:
    """A project with something at every address, and the values those are made of."""
    for who in (cast.ann, cast.ben, cast.rui):
        who.name = f"{who.name} Quillfeather"
        session.add(who)
    pairs = queue(session, cast.project, 4, category="code", language="en", wanted=3)
    pairs += queue(session, cast.project, 1, gold=Outcome.A)
    for comparison in pairs:
        for who in (cast.ann, cast.ben, cast.rui):
            mine = annotator_of(session, cast.project, who)
            assignment = Assignment(
                comparison_id=comparison.id,
                annotator_id=mine.id,
                swapped=False,
                state="judged",
                closed_at=now(),
            )
            session.add(assignment)
            session.flush()
            outcome = "b" if who is cast.rui else "a"
            judge(
                session, cast.project, who, comparison, outcome, assignment_id=assignment.id, rationale="So."
            )
            mine.judged += 1
            mine.changes += 1
            mine.group_name = "experts"
    guidelines.publish(session, cast.project, GuidelineIn(text="Be fair.", base=0), by=cast.lena)
    job = jobs.add(session, "import", by=cast.lena, project=cast.project, params={"files": []})
    session.commit()
    return {
        "slug": "birds",
        "uid": job.uid,
        "pair_id": pairs[0].pair_id,
        "submission_id": session.exec(select(Judgment.submission_id)).first(),
        "model": session.exec(select(Model.uid)).first(),
        "other": session.exec(select(Model.uid).order_by(Model.name.desc())).first(),  # type: ignore[attr-defined]
        "filename": "app.css",
    }


def told(
    app: Flask, session: Session, client_of: ClientOf, account: Account | None, known: Known
) -> Iterator[tuple[str, TestResponse]]:
    """What every address answers somebody, by page and with a token."""
    client, bearer = client_of(account), {}
    if account is not None:
        bearer = {"Authorization": f"Bearer {tokens.create(session, account, 'walk', by=account)[1]}"}
        session.commit()
    for rule in rules(app):
        for path in addresses(app, rule, known):
            for method in sorted({*METHODS} & (rule.methods or set())):
                headers = bearer if path.startswith("/api/") else {}
                yield f"{method} {path}", client.open(path, method=method, headers=headers)


@pytest.mark.parametrize("role", list(Role))
def test_a_project_is_not_there_for_members_of_others(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, known: Known, role: Role
) -> None:
    other = Project(slug="fish", name="Fish")
    session.add(other)
    session.flush()
    session.add(Membership(account_id=cast.otto.id, project_id=other.id, role=role))
    session.commit()
    inside = [rule.rule for rule in rules(app) if {"slug", "uid"} & rule.arguments]
    assert len(inside) > 60
    wrong = {}
    for asked, answer in told(app, session, client_of, cast.otto, known):
        if ("/birds" in asked or f"/jobs/{known['uid']}" in asked) and answer.status_code != 404:
            wrong[asked] = answer.status_code
        assert "Birds" not in answer.text, asked
    assert wrong == {}


@pytest.mark.parametrize("name", ["rosa", "vic", "rui", "ann", "otto", "nobody"])
def test_nobody_but_the_lead_learns_who_judged(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, known: Known, name: str
) -> None:
    cast.project.visibility = Visibility.PUBLIC
    session.add(cast.project)
    session.commit()
    asker = None if name == "nobody" else getattr(cast, name)
    names = names_of(cast, without=asker)
    client, found = client_of(asker), 0
    for asked, answer in told(app, session, client_of, asker, known):
        assert leaks(answer, names) == [], asked
        found += answer.status_code == 200
    for path in linked(client, "/p/birds/"):
        assert leaks(client.get(path), names) == [], path
    assert found > 5


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("format_", list(Format))
@pytest.mark.parametrize("part", ["rows", "provenance"])
def test_no_export_names_an_annotator(
    session: Session, cast: Cast, client_of: ClientOf, format_: Format, part: str
) -> None:
    client = client_of(cast.rosa)
    query = {"format": format_.value, "part": part, "gold": "in"}
    answer = client.get("/p/birds/export/download", query_string=query)
    assert leaks(answer, names_of(cast, without=None)) == []
    if answer.status_code == 200 and not (format_ is Format.OPENAI and part == "rows"):
        pseudonyms = session.exec(select(Annotator.uid)).all()
        assert any(uid in answer.text for uid in pseudonyms), "the walk reads where the names would stand"


@pytest.mark.usefixtures("known")
def test_the_walk_would_notice(cast: Cast, client_of: ClientOf) -> None:
    """The lead is told, in the words that are looked for."""
    client = client_of(cast.lena)
    told_in = [path for path in linked(client, "/p/birds/") if leaks(client.get(path), names_of(cast, None))]
    assert {"/p/birds/members", "/p/birds/groups", "/p/birds/quality"} <= set(told_in)


def names_of(cast: Cast, without: Account | None) -> list[str]:
    """What gives somebody away who judged."""
    return [
        word for who in (cast.ann, cast.ben, cast.rui) if who is not without for word in (who.name, who.email)
    ]


def leaks(response: TestResponse, words: list[str]) -> list[str]:
    shown = response.get_data(as_text=True) + str(response.headers)
    return [word for word in words if word in shown]
