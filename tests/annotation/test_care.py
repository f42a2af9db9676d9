"""What spares those who judge, and what their lead learns of it: counts, and never who."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.annotation import care_counts
from app.models import Account, AuditEvent, Decline, Outcome, Project
from tests.annotation.arrange import annotator_of, queue
from tests.annotation.desk import HTMX, JUDGE, check, fields, send
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]
LIMITS = "/p/birds/limits"
CARE = "/p/birds/learning"


def care(session: Session, project: Project, **settings: object) -> None:
    for name, value in settings.items():
        setattr(project, name, value)
    session.add(project)
    session.commit()


def told(lead: FlaskClient) -> str:
    """What the lead reads of care."""
    return lead.get(CARE).text.partition("Care, in numbers")[2].partition("</section>")[0]


def numbers_seen(client: FlaskClient, count: int) -> list[str]:
    """The categories of the pairs that somebody is given, one after another; empty where there is none."""
    page, found = client.get(JUDGE), []
    for _ in range(count):
        given = 'name="assignment_id"' in page.text
        found.append(
            next((word for word in ("kitchen", "war") if f">{word}<" in page.text), "") if given else "-"
        )
        if given:
            page = send(client, page, "a")
    return found


def test_a_warning_is_read_once_before_anything_else(
    session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(session, cast.project, 1)
    care(session, cast.project, warning="Some of this is **grim**, and `<cruel>`.", training=True)
    ann = client_of(cast.ann)
    assert ann.get(JUDGE).location == "/p/birds/begin"
    page = ann.get("/p/birds/begin").text
    assert "Some of this is <strong>grim</strong>, and <code>&lt;cruel&gt;</code>." in page
    assert ann.get("/p/birds/practice").location == "/p/birds/begin"
    for _ in range(2):
        assert ann.post("/p/birds/begin/warning").status_code == 303
    assert "Some of this" not in ann.get("/p/birds/begin").text
    assert ann.get(JUDGE).status_code == 200
    lena = client_of(cast.lena)
    monkeypatch.setattr(care_counts, "FEWEST", 1)
    assert ">1</dd>" in told(lena).partition("Read the warning")[2][:100]
    form = {"name": "Birds", "warning": "Another one."}
    assert lena.post("/p/birds/settings", data=form).status_code == 303
    begin = ann.get("/p/birds/begin").text
    assert "Another one." in begin, "a changed warning is read again"
    assert "One thing first" in begin
    assert "counts in no ranking" not in begin, "they judge live already"


def test_a_declined_category_is_never_handed_out(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 30, category="war")
    queue(session, cast.project, 2, category="kitchen")
    queue(session, cast.project, 1)
    queue(session, cast.project, 1, gold=Outcome.A, category="war")
    care(session, cast.project, may_decline=True, gold_every=1)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    held = fields(ann.get(JUDGE))["assignment_id"]
    trail = lena.get("/p/birds/audit").text
    assert ann.post(LIMITS, data={"categories": ["war", "no such"]}).status_code == 303
    assert held in trail, "the lead can tell whose it was"
    assert lena.get("/p/birds/audit").text == trail, "and not that they declined it"
    assert 'value="war" checked' in ann.get(LIMITS).text
    assert held not in ann.get(JUDGE).text, "the pair in hand goes back"
    assert numbers_seen(ann, 4) == ["kitchen", "kitchen", "", "-"]
    check(session, cast)
    assert numbers_seen(client_of(cast.ben), 1) == ["war"]
    assert ann.post(LIMITS, data={}).status_code == 303
    assert numbers_seen(ann, 1) == ["war"]


def test_the_lead_learns_how_many_and_never_who(
    session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(session, cast.project, 1, category="war")
    care(session, cast.project, may_decline=True, warning="Grim.", break_minutes=30)
    for who in (cast.ann, cast.ben):
        client = client_of(who)
        client.post(LIMITS, data={"categories": "war"})
        client.post("/p/birds/begin/warning")
        client.post("/p/birds/break", data={"taken": "true"})
    assert (
        client_of(cast.ann).post("/p/birds/break", data={"taken": "false"}, headers=HTMX).status_code == 204
    )
    assert client_of(cast.ann).post("/p/birds/break", data={"taken": "maybe"}).status_code == 422
    lena = client_of(cast.lena)
    page = told(lena)
    assert page.count("fewer than five</dd>") == 3
    assert "passed over" not in page
    assert "Decline war" not in page, "so few would be known"
    monkeypatch.setattr(care_counts, "FEWEST", 2)
    page = told(lena)
    assert page.count("2</dd>") == 3
    assert page.count("fewer than five</dd>") == 1
    assert "passed over" not in page
    assert cast.ann.name not in page
    client_of(cast.ben).post("/p/birds/break", data={"taken": "false"})
    assert "2 passed over" in told(lena)
    monkeypatch.setattr(care_counts, "FEWEST", 3)
    client_of(cast.ann).post("/p/birds/break", data={"taken": "true"})
    assert "3</dd>" not in told(lena), "three breaks of two people"
    assert len(session.exec(select(Decline)).all()) == 2
    verbs = set(session.exec(select(AuditEvent.verb)))
    assert verbs == {"annotator.add"}, "an event would have a name"


def test_nothing_is_declined_where_the_lead_does_not_offer_it(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1, category="war")
    ann = client_of(cast.ann)
    assert "does not offer to decline" in ann.get(LIMITS).text
    ann.post(LIMITS, data={"categories": "war"})
    assert numbers_seen(ann, 1) == ["war"]
    for name in ("rosa", "vic"):
        assert client_of(getattr(cast, name)).get(LIMITS).status_code == 403


@pytest.mark.parametrize(
    ("rules", "tags"),
    [
        ({"sensitive_categories": "love\nWAR"}, None),
        ({"sensitive_categories": "Épreuve 1%"}, ["ÉPREUVE 1%"]),
        ({}, ["Self-Harm"]),
        ({"all_sensitive": True}, None),
    ],
)
def test_a_daily_limit_leads_to_other_pairs_or_ends_the_day(
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    rules: dict[str, object],
    tags: list[str] | None,
) -> None:
    queue(session, cast.project, 6, category="war", tags=tags)
    if "all_sensitive" not in rules:
        queue(session, cast.project, 1, category="kitchen")
    care(session, cast.project, sensitive_daily=2, **rules)
    ann = client_of(cast.ann)
    page = ann.get(JUDGE)
    assert 'class="veil"' in page.text, "covered until asked for"
    others = [] if "all_sensitive" in rules else ["kitchen"]
    assert numbers_seen(ann, 3 + len(others)) == ["war", "war", *others, "-"]
    done = ann.get(JUDGE).text
    assert "Enough for today" in done
    assert 'aria-keyshortcuts="z"' in done
    again = send(ann, ann.post(f"{JUDGE}/undo", headers=HTMX), "b").text
    assert ">Saved. Enough for today</span>" in again
    assert 'href="/p/birds/numbers" autofocus' in again, "where the keyboard goes on"
    row = annotator_of(session, cast.project, cast.ann)
    session.refresh(row)
    assert (row.exposed, row.judged) == (2, 2 + len(others))
    row.exposed_on = row.exposed_on.replace(year=2020) if row.exposed_on else None
    session.commit()
    assert numbers_seen(ann, 1) == ["war"], "tomorrow is another day"
    assert numbers_seen(client_of(cast.ben), 1) == ["war"]
    monkeypatch.setattr(care_counts, "FEWEST", 2)
    assert ">3</dd>" in told(client_of(cast.lena)).partition("reached the daily limit")[2][:100]


def test_words_that_no_prompt_has_are_told_and_kept(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1, category="War", tags=["Grim"])
    lena = client_of(cast.lena)
    form = {"name": "Birds", "sensitive_categories": "war\ngrim\nwra"}
    page = lena.post("/p/birds/settings", data=form, follow_redirects=True).text
    assert "No prompt has this category or tag yet: wra" in page
    assert "war\ngrim\nwra</textarea>" in page
    form["sensitive_categories"] = "WAR"
    page = lena.post("/p/birds/settings", data=form, follow_redirects=True).text
    assert "No prompt has" not in page


def test_a_break_is_suggested_by_the_page(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    assert "data-break" not in client_of(cast.ann).get(JUDGE).text
    care(session, cast.project, break_minutes=45)
    assert 'data-break="45" role="status"><form class="message" hidden' in client_of(cast.ann).get(JUDGE).text


def test_a_project_without_care_asks_the_queue_as_before(
    session: Session, cast: Cast, client_of: ClientOf, count_queries: Callable[[], object]
) -> None:
    """Whoever declines nothing costs no statement more, whatever the project offers."""
    queue(session, cast.project, 4)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    counted = []
    for offered in (False, True):
        # Where a gold comparison may be due, one more is asked.
        care(session, cast.project, may_decline=offered, gold_every=0)
        with count_queries() as statements:  # type: ignore[attr-defined]
            page = send(client, page, "a")
        counted.append(len(statements))
    assert counted[0] == counted[1]
