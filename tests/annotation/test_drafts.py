"""What is entered for a pair is kept until it is judged, in whatever tab and on whatever device."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from app.annotation import drafts, statements
from app.models import Assignment, Draft, Outcome, now
from tests.annotation.arrange import ask, queue
from tests.annotation.desk import HTMX, JUDGE, ClientOf, check, fields, send, shown_first, stored
from tests.conftest import Cast

DRAFT = f"{JUDGE}/draft"
SAID = {"rationale": "A <b>bold</b> claim.", "criterion:accuracy": "b", "tags:a": ["unsafe"]}


@pytest.fixture(autouse=True)
def _asking(session: Session, cast: Cast) -> None:
    queue(session, cast.project, 3)
    ask(session, cast.project, criteria="usual", tags="usual", spans=True, rationale="optional")


def save(client: FlaskClient, page: TestResponse, **said: Any) -> TestResponse:
    return client.post(DRAFT, data={**fields(page), **said}, headers=HTMX)


def holds_what_was_said(page: TestResponse) -> bool:
    accuracy = re.search(r'name="criterion:accuracy" value="b" checked', page.text)
    unsafe = re.search(r'name="tags:a" value="unsafe" checked', page.text)
    return bool(accuracy and unsafe and escape(SAID["rationale"]) in page.text)


def kept(session: Session) -> list[Draft]:
    session.rollback()
    session.expire_all()
    return list(session.exec(select(Draft)))


def test_it_is_there_after_a_reload_and_on_another_device_and_goes_with_the_judgment(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    client, other_device = client_of(cast.ann), client_of(cast.ann)
    page = client.get(JUDGE)
    assert save(client, page, **SAID).json == {"version": 1}
    assert holds_what_was_said(client.get(JUDGE))
    there = other_device.get(JUDGE)
    assert holds_what_was_said(there)
    assert fields(there)["assignment_id"] == fields(page)["assignment_id"]
    assert not holds_what_was_said(client_of(cast.ben).get(JUDGE))
    following = send(other_device, there, "tie", **SAID)
    assert kept(session) == []
    assert not holds_what_was_said(following)
    check(session, cast)


@pytest.mark.parametrize("verb", ["", "/skip"])
def test_it_is_not_wanted_any_more_once_its_pair_was_dealt_with(
    verb: str, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    client.post(JUDGE + verb, data={**fields(page), "outcome": "a"}, headers=HTMX)
    late = save(client, page, **SAID)
    assert (late.status_code, late.text) == (204, "")
    assert kept(session) == []
    check(session, cast)


def test_clearing_every_field_leaves_no_draft(session: Session, cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    save(client, page, **SAID)
    assert save(client, page, draft_version=1, rationale="  ").json == {"version": 2}
    assert kept(session) == []


def test_an_older_tab_does_not_replace_what_is_newer(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    client, other_device = client_of(cast.ann), client_of(cast.ann)
    older, newer = client.get(JUDGE), other_device.get(JUDGE)
    save(other_device, newer, rationale="Newer.")
    refused = save(client, older, rationale="Older.")
    assert refused.status_code == 409
    assert refused.json is not None
    assert refused.json["version"] == 1
    assert [row.entered for row in kept(session)] == [{"rationale": ["Newer."]}]
    assert save(client, older, draft_version=1, rationale="Mine all the same.").json == {"version": 2}


def test_a_draft_sent_once_more_is_the_same_draft(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert save(client, page, **SAID).json == {"version": 1}
    assert save(client, page, **SAID).json == {"version": 1}


def test_nobody_asks_for_a_draft_where_nothing_was_entered(
    cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DRAFT", "DROP_DRAFT"):
        monkeypatch.setattr(statements, name, None)
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a")
    assert page.status_code == 200
    assert client.get(JUDGE).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"assignment_id": "nobodys"}, 404),
        ({"draft_version": "x", "rationale": "Other."}, 409),
        ({"draft_version": str(10**12), "rationale": "Other."}, 409),
        ({"rationale": "x" * (drafts.LONGEST + 1)}, 422),
    ],
)
def test_bad_input_keeps_the_draft_there_was(
    session: Session, cast: Cast, client_of: ClientOf, sent: dict[str, str], status: int
) -> None:
    client = client_of(cast.ann)
    save(client, client.get(JUDGE), **SAID)
    assert save(client, client.get(JUDGE), **(SAID | sent)).status_code == status
    assert holds_what_was_said(client.get(JUDGE))


def test_somebody_elses_pair_has_no_draft_of_mine(session: Session, cast: Cast, client_of: ClientOf) -> None:
    page = client_of(cast.ann).get(JUDGE)
    assert save(client_of(cast.ben), page, **SAID).status_code == 404
    assert kept(session) == []


def test_other_fields_are_not_kept(session: Session, cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    save(client, client.get(JUDGE), rationale="So.", surprise="!", criteria="x")
    assert [row.entered for row in kept(session)] == [{"rationale": ["So."]}]


def test_who_gets_a_lost_pair_back_finds_it_as_it_was(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    """A draft names places on the screen, so the order of the responses stays."""
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    save(client, page, **SAID)
    for _ in range(8):
        assignment = session.exec(select(Assignment)).one()
        assignment.state, assignment.closed_at = "released", now() - timedelta(days=1)  # type: ignore[assignment]
        session.commit()
        again = client.get(JUDGE)
        if fields(again)["assignment_id"] != fields(page)["assignment_id"]:
            break
        assert holds_what_was_said(again)
        assert shown_first(again) == shown_first(page)
        session.expire_all()


def test_undo_brings_back_what_was_said(session: Session, cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a", **SAID, spans=spans("Answer"))
    back = client.post(f"{JUDGE}/undo", data=fields(page), headers=HTMX)
    assert holds_what_was_said(back)
    assert "Answer" in fields(back)["spans"]
    send(client, back, "b", **SAID, spans=spans("Answer"))
    first, second = stored(session)
    assert first.spans == second.spans
    assert kept(session) == []
    check(session, cast)


def spans(quote: str) -> str:
    return f'[{{"response": "a", "start": 0, "end": {len(quote)}, "quote": "{quote}"}}]'


def test_judged_in_one_tab_then_in_the_other(session: Session, cast: Cast, client_of: ClientOf) -> None:
    """The second verdict does not replace the first unasked, and is not lost."""
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    send(client, page, "a")
    there = send(client, page, "b", submission_id="other", **SAID).headers["HX-Redirect"]
    shown = client.get(there)
    assert "You judged this pair already: A is better." in shown.text
    assert holds_what_was_said(shown)
    assert 'value="b" aria-keyshortcuts="ArrowRight 4" aria-pressed="true"' in shown.text
    [first] = stored(session)
    client.post(there, data={**fields(shown), "outcome": "b", **SAID})
    second = stored(session)[-1]
    assert second.supersedes_id == first.id
    assert second.rationale == SAID["rationale"]
    assert kept(session) == []
    check(session, cast)


def test_it_may_be_left_as_it_was(session: Session, cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    send(client, page, "a")
    there = send(client, page, "b", submission_id="other", **SAID).headers["HX-Redirect"]
    assert client.post(f"{there}/leave").status_code == 303
    assert "pair already" not in client.get(there).text
    assert kept(session) == []
    assert len(stored(session)) == 1


def test_skipped_in_one_tab_then_judged_in_the_other(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    client.post(f"{JUDGE}/skip", data=fields(page), headers=HTMX)
    assert send(client, page, "b", **SAID).headers["HX-Redirect"] == JUDGE
    said = client.get(JUDGE).text
    assert "You skipped this comparison." in said
    assert "What you entered is kept with it." in said
    back = client.post(f"{JUDGE}/undo", data={"undo": fields(page)["assignment_id"]}, headers=HTMX)
    assert holds_what_was_said(client.get(JUDGE)) or holds_what_was_said(back)
    assert stored(session) == []


def test_changed_in_one_tab_then_in_the_other(session: Session, cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    send(client, page, "a")
    first = f"/p/birds/history/{stored(session)[-1].submission_id}"
    tabs = [client.get(first), client.get(first)]
    client.post(first, data={**fields(tabs[0]), "outcome": "tie"})
    late = client.post(first, data={**fields(tabs[1]), "outcome": "b", **SAID})
    assert late.location == f"/p/birds/history/{stored(session)[-1].submission_id}"
    shown = client.get(late.location)
    assert "You judged this pair already: Tie." in shown.text
    assert holds_what_was_said(shown)
    assert [judgment.outcome for judgment in stored(session)][1:] == [Outcome.TIE]


def test_a_change_that_does_not_fit_is_said_and_kept(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    there = f"/p/birds/history/{stored(session)[-1].submission_id}"
    refused = client.post(there, data={**fields(client.get(there)), "outcome": "nobody", **SAID})
    assert refused.status_code == 422
    assert holds_what_was_said(refused)
    assert "Nothing was saved yet." in refused.text
