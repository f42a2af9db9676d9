"""Beginning, finding, setting up and archiving projects."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from app import tallies
from app.models import (
    Account,
    Annotator,
    Assignment,
    AuditEvent,
    Membership,
    Outcome,
    Project,
    Prompt,
    Role,
    Slot,
    Visibility,
    row_id,
)
from tests.annotation.arrange import annotator_of, queue
from tests.conftest import Cast
from tests.exports.arrange import judge

SETTINGS = {
    "name": "Birds",
    "description": "",
    "visibility": "members",
    "wanted": "1",
    "gold_every": "10",
    "lease_minutes": "1440",
    "daily_goal": "",
}


def test_anybody_with_an_account_begins_a_project_and_leads_it(
    cast: Cast, client_of: Any, session: Session
) -> None:
    otto = client_of(cast.otto)
    assert "No projects yet" in otto.get("/").text
    answer = otto.post("/projects/new", data={"name": "Fish", "slug": "fish", "description": "Which swims?"})
    assert (answer.status_code, answer.location) == (303, "/p/fish/")
    page = otto.get("/p/fish/").text
    assert "The way to your data" in page
    assert "Which swims?" in page
    project = session.exec(select(Project).where(Project.slug == "fish")).one()
    membership = session.get(Membership, (cast.otto.id, project.id))
    assert membership is not None
    assert membership.role == Role.LEAD
    assert client_of(cast.lena).get("/p/fish/").status_code == 404


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"name": "Fish", "slug": "birds"}, "Another project has this short name."),
        ({"name": "Fish", "slug": "Big Fish"}, "Use lower-case letters, digits and single hyphens."),
        ({"name": "Fish", "slug": "../fish"}, "Use lower-case letters"),
        ({"name": " ", "slug": "fish"}, "Say what to call it."),
    ],
)
def test_what_cannot_begin(cast: Cast, client_of: Any, form: dict[str, str], message: str) -> None:
    answer = client_of(cast.otto).post("/projects/new", data=form)
    assert answer.status_code == 422
    assert message in answer.text
    assert 'href="#slug">Short name</a>' in answer.text or form["name"] == " ", "by the label's name"
    assert f'value="{form["name"]}"' in answer.text or form["name"] == " "


def test_an_empty_short_name_is_made_of_the_name(cast: Cast, client_of: Any) -> None:
    form = {"name": " Größe & Höhe: (2) ", "slug": " ", "description": ""}
    assert client_of(cast.otto).post("/projects/new", data=form).location == "/p/groe-hohe-2/"


def test_a_name_without_latin_letters_has_a_short_name_too(cast: Cast, client_of: Any) -> None:
    otto = client_of(cast.otto)
    made = [otto.post("/projects/new", data={"name": name, "slug": ""}).location for name in ("日本語", "鱼")]
    assert made[0] != made[1]
    assert all(re.fullmatch("/p/project-[0-9a-f]{8}/", location) for location in made)


def test_the_same_form_sent_twice_is_one_project(cast: Cast, client_of: Any, session: Session) -> None:
    otto, form = client_of(cast.otto), {"name": "Fish", "slug": "fish", "description": "Which swims?"}
    answers = [otto.post("/projects/new", data=form) for _ in range(2)]
    assert [(answer.status_code, answer.location) for answer in answers] == [(303, "/p/fish/")] * 2
    assert "Another project" not in otto.get("/p/fish/").text
    assert len(session.exec(select(AuditEvent).where(AuditEvent.verb == "project.add")).all()) == 1
    other = client_of(cast.lena).post("/projects/new", data=form)
    assert other.status_code == 422, "the same words of somebody else are another project"


def test_strangers_sign_in_before_they_begin(app: Flask, cast: Cast) -> None:
    client = app.test_client()
    assert client.get("/projects/new").location == "/sign-in?next=/projects/new"
    assert client.post("/projects/new", data={"name": "Fish", "slug": "fish"}).status_code == 303
    assert client.get("/").location == "/sign-in?next=/"


def test_the_list_offers_what_one_may_do(cast: Cast, client_of: Any) -> None:
    offered = {
        "lena": {"Judge", "Leaderboard", "Export", "Manage"},
        "rui": {"Judge", "Leaderboard"},
        "ann": {"Judge"},
        "rosa": {"Leaderboard", "Export"},
        "vic": {"Leaderboard"},
    }
    for name, labels in offered.items():
        page = client_of(getattr(cast, name)).get("/").text
        found = {label for label in offered["lena"] if f'aria-label="{label}: Birds"' in page}
        assert found == labels, name


def test_a_public_project_is_listed_for_everybody(app: Flask, cast: Cast, session: Session) -> None:
    cast.project.visibility = Visibility.PUBLIC
    session.add(cast.project)
    session.commit()
    client = app.test_client()
    page = client.get("/").text
    assert "Leaderboard: Birds" in page
    assert "Judge: Birds" not in page
    assert client.get("/p/birds/").status_code == 200
    assert client.get("/p/birds/guideline").status_code == 303


def test_the_list_costs_the_same_however_long(
    cast: Cast, client_of: Any, session: Session, count_queries: Callable[[], Any]
) -> None:
    ada = client_of(cast.ada)
    with count_queries() as few:
        ada.get("/")
    session.add_all(Project(slug=f"p{n}", name=f"Project {n}") for n in range(30))
    session.commit()
    with count_queries() as many:
        page = ada.get("/").text
    assert "Project 29" in page
    assert len(many) == len(few) <= 5


def test_a_researcher_sees_what_is_there_and_nothing_of_people(
    cast: Cast, client_of: Any, session: Session
) -> None:
    for category in ("code", "prose"):
        (comparison,) = queue(session, cast.project, category=category, language="en")
        judge(session, cast.project, cast.ann, comparison, "a")
    annotator_of(session, cast.project, cast.ann).judged = 2
    tallies.rebuild(session, row_id(cast.project))
    session.commit()

    def stats(who: Account) -> dict[str, str]:
        page = client_of(who).get("/p/birds/").text
        return dict(re.findall("<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))

    there = {"Prompts": "2", "Models": "2", "Comparisons": "2", "Categories": "2", "Languages": "1"}
    assert stats(cast.rosa) == there | {"Judgments": "2"}
    assert stats(cast.lena) == stats(cast.rosa) | {"Waiting to be judged": "2", "People": "6"}
    assert stats(cast.vic) == {} == stats(cast.ann)
    # A pair in somebody's hands waits for its judgment, too; one that tests them does not.
    tests_them = queue(session, cast.project, gold=Outcome.A)
    for pair in (comparison, *tests_them):
        who = annotator_of(session, cast.project, cast.rui)
        session.add(Assignment(comparison_id=row_id(pair), annotator_id=row_id(who), swapped=False))
    session.delete(session.get_one(Slot, tests_them[0].id))
    session.get_one(Slot, comparison.id).taken = 1
    session.commit()
    assert stats(cast.lena)["Waiting to be judged"] == "2"
    for page in ("/p/birds/", "/p/birds/settings"):
        assert "1 of them is in somebody’s hands now" in client_of(cast.lena).get(page).text


def test_the_overview_counts(
    cast: Cast, client_of: Any, session: Session, count_queries: Callable[[], Any]
) -> None:
    here = row_id(cast.project)
    session.add(Annotator(project_id=here, account_id=cast.ann.id, judged=1234))
    session.add(Annotator(project_id=here, name="made up", simulated=True, judged=6))
    session.add(Prompt(project_id=here, key="shown", messages=[{"role": "user", "content": "Hi"}]))
    session.add(Prompt(project_id=here, key="voted"))
    session.commit()
    with count_queries() as statements:
        page = client_of(cast.lena).get("/p/birds/").text
    assert "1,240" in page
    assert "6 simulated" in page
    assert "4 may judge" in page
    assert "<dt>Prompts</dt><dd>1</dd>" in page
    assert "1 more without text, from votes" in page
    assert "1,240 judgments · 6 of them simulated" in " ".join(client_of(cast.lena).get("/").text.split())
    assert len(statements) <= 6
    assert "1,240" not in client_of(cast.ann).get("/p/birds/").text, "annotators see no numbers"


def test_each_setting_changed_is_on_record(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    form = SETTINGS | {"wanted": "3", "daily_goal": "50", "reveals_models": "true", "visibility": "public"}
    assert lena.post("/p/birds/settings", data=form).status_code == 303
    session.refresh(cast.project)
    assert (cast.project.wanted, cast.project.daily_goal, cast.project.reveals_models) == (3, 50, True)
    assert cast.project.revision == 1, "what was cached of the project is stale"
    event = session.exec(select(AuditEvent)).one()
    assert (event.verb, event.account_id) == ("project.settings", cast.lena.id)
    assert event.detail == {
        "visibility": {"from": "members", "to": "public"},
        "wanted": {"from": 1, "to": 3},
        "daily_goal": {"from": None, "to": 50},
        "reveals_models": {"from": False, "to": True},
    }
    page = lena.get("/p/birds/settings").text
    assert 'value="50"' in page

    session.commit()
    assert lena.post("/p/birds/settings", data=SETTINGS | {"wanted": "3"}).status_code == 303
    session.refresh(cast.project)
    assert (cast.project.daily_goal, cast.project.reveals_models) == (None, False)


def test_saving_what_is_there_already_changes_nothing(cast: Cast, client_of: Any, session: Session) -> None:
    assert client_of(cast.lena).post("/p/birds/settings", data=SETTINGS).status_code == 303
    assert not session.exec(select(AuditEvent)).all()
    session.refresh(cast.project)
    assert cast.project.revision == 0


def test_two_leads_save_their_settings_beside_each_other(
    cast: Cast, client_of: Any, session: Session
) -> None:
    cast.project.description = "One line.\nAnother."
    session.add(cast.project)
    session.commit()

    def shown(page: str) -> dict[str, str]:
        kinds = "hidden|number|text"
        fields = re.findall(rf'<input type="(?:{kinds})"[^>]* name="(\w+)"[^>]* value="([^"]*)"', page)
        sent = {name: html.unescape(value) for name, value in fields if name != "csrf_token"}
        return SETTINGS | {"description": "One line.\r\nAnother."} | sent

    lena, path = client_of(cast.lena), "/p/birds/settings"
    loaded = shown(lena.get(path).text)
    assert lena.post(path, data=loaded | {"daily_goal": "50", "wanted": "2"}).status_code == 303
    refused = lena.post(path, data=loaded | {"name": "Kept", "wanted": "0"})
    assert refused.status_code == 422
    assert lena.post(path, data=shown(refused.text) | {"wanted": "1", "gold_every": "7"}).status_code == 303
    session.refresh(cast.project)
    there = cast.project
    assert (there.name, there.daily_goal, there.wanted, there.gold_every) == ("Kept", 50, 2, 7)
    session.commit()

    clash = lena.post(path, data=loaded | {"wanted": "3", "description": "Mine."})
    assert clash.status_code == 409
    assert "Somebody changed this to “2” meanwhile." in clash.text
    assert "Mine.</textarea>" in clash.text
    again = shown(clash.text)
    assert (again["wanted"], again["daily_goal"], again["gold_every"]) == ("3", "50", "7")
    session.refresh(cast.project)
    assert (there.wanted, there.description) == (2, "One line.\nAnother."), "nothing was saved yet"
    session.commit()
    assert lena.post(path, data=again | {"description": "Mine."}).status_code == 303
    session.refresh(cast.project)
    assert (there.daily_goal, there.wanted, there.description) == (50, 3, "Mine.")
    changed = [event.detail or {} for event in session.exec(select(AuditEvent).order_by(AuditEvent.id))]  # type: ignore[arg-type]
    assert [set(detail) for detail in changed] == [
        {"daily_goal", "wanted"},
        {"name", "gold_every"},
        {"wanted", "description"},
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wanted": "0"}, "wanted"),
        ({"wanted": "many"}, "wanted"),
        ({"gold_every": "-1"}, "gold_every"),
        ({"lease_minutes": "0"}, "lease_minutes"),
        ({"visibility": "secret"}, "visibility"),
        ({"name": ""}, "name"),
    ],
)
def test_refused_settings(
    cast: Cast, client_of: Any, session: Session, change: dict[str, str], field: str
) -> None:
    answer = client_of(cast.lena).post("/p/birds/settings", data=SETTINGS | {"description": "Kept"} | change)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "Kept" in answer.text, "what was typed is still there"
    session.refresh(cast.project)
    assert cast.project.description == ""


def test_archive_and_reopen(cast: Cast, client_of: Any) -> None:
    lena = client_of(cast.lena)
    settings = lena.get("/p/birds/settings").text
    before = settings.split('action="/p/birds/archive"')[0]
    assert before.rindex("<details") > before.rindex("</details>"), "one click opens what follows from it"
    assert 'action="/p/birds/reopen"' not in settings
    archived = lena.post("/p/birds/archive", follow_redirects=True).text
    assert "is archived" in archived
    assert 'action="/p/birds/reopen"' in archived
    assert 'action="/p/birds/archive"' not in archived
    assert "Birds" not in lena.get("/").text.split("<main")[1]
    assert "Birds" in lena.get("/?archived=1").text
    page = lena.get("/p/birds/").text
    assert "is archived" in page
    assert 'action="/p/birds/reopen"' in page
    assert 'action="/p/birds/reopen"' not in client_of(cast.vic).get("/p/birds/").text
    assert ">Judge<" not in page
    ann = client_of(cast.ann)
    own = re.findall('href="(/p/birds/[^"]+)">Your ', ann.get("/p/birds/").text)
    assert own == ["/p/birds/history", "/p/birds/judge/flags", "/p/birds/numbers"]
    for path in own:
        read = ann.get(path)
        assert (read.status_code, 'href="/p/birds/judge"' in read.text) == (200, False), path
    lena.post("/p/birds/reopen")
    assert "Judge: Birds" in lena.get("/").text
    trail = lena.get("/p/birds/audit").text
    assert trail.index("project.reopen") < trail.index("project.archive")
    assert "annotator.add" not in trail, "who only looks back is made no annotator"


def test_names_and_descriptions_are_text(cast: Cast, client_of: Any) -> None:
    lena, evil = client_of(cast.lena), "<img src=x onerror=alert(1)>"
    lena.post("/p/birds/settings", data=SETTINGS | {"name": evil, "description": evil})
    for path in ("/", "/p/birds/", "/p/birds/settings", "/p/birds/audit", "/p/birds/members"):
        assert "<img src=x" not in lena.get(path).text, path


def test_the_audit_page_goes_back_as_far_as_there_is(
    cast: Cast, client_of: Any, session: Session, count_queries: Callable[[], Any]
) -> None:
    session.add_all(
        AuditEvent(
            project_id=cast.project.id, account_id=cast.ann.id, verb="judgment.submit", subject=f"n{n}"
        )
        for n in range(120)
    )
    session.add(AuditEvent(project_id=cast.project.id, verb="member.add", subject="somebody"))
    session.commit()
    lena, path, seen = client_of(cast.lena), "/p/birds/audit", []
    while path:
        with count_queries() as statements:
            page = lena.get(path).text
        assert len(statements) <= 4
        seen.append(page.count("<td>n"))
        older = page.split('rel="next"')[0].rsplit("<a ", 1)[-1] if 'rel="next"' in page else ""
        path = older.split('href="')[1].split('"')[0].replace("&amp;", "&") if older else ""
    assert seen == [49, 50, 21]
    only = lena.get("/p/birds/audit?verb=member").text
    assert "somebody" in only
    assert "judgment.submit" not in only
