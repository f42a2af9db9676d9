"""The judging page: a verdict is stored by response, counted once, and answered with the next pair."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from app import tallies
from app.models import (
    Account,
    Annotator,
    Assignment,
    AssignmentState,
    AuditEvent,
    Judgment,
    Outcome,
    RubricVersion,
    SkipReason,
    Slot,
    Source,
    Tally,
)
from tests.annotation.arrange import MARKERS, annotator_of, ask, queue
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]
HTMX = {"HX-Request": "true"}
JUDGE = "/p/birds/judge"


EVERYTHING: dict[str, Any] = {
    "points": 5,
    "criteria": [
        {"key": "accuracy", "name": "Accuracy"},
        {"key": "tone", "name": "Tone", "judged": "rated"},
    ],
    "tags": "usual",
    "spans": True,
    "rationale": "required",
    "better_answer": "optional",
    "confidence": "optional",
    "questions": [
        {"key": "sources", "text": "Did you look it up?", "answered": "one", "options": ["Yes", "No"]},
        {"key": "why", "text": "What helped?", "answered": "several", "options": ["Clear", "Short"]},
    ],
}


def fields(page: TestResponse) -> dict[str, str]:
    """The hidden fields of the pair on a page."""
    form = re.search(r"<form class=\"pair\".*?</form>", page.text, re.DOTALL)
    assert form is not None, page.text
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))


def send(client: FlaskClient, page: TestResponse, outcome: str, **more: Any) -> TestResponse:
    return client.post(JUDGE, data={**fields(page), "outcome": outcome, **more}, headers=HTMX)


def shown_first(page: TestResponse) -> int:
    """Which of the two answers is on the left, by the number in its text."""
    first = re.search(r"Answer (\d)", page.text)
    assert first is not None
    return int(first[1])


def stored(session: Session) -> list[Judgment]:
    """Every judgment, in the order made, as the database has them now."""
    session.commit()
    session.expire_all()
    return list(session.exec(select(Judgment).order_by(Judgment.id)))  # type: ignore[arg-type]


def check(session: Session, cast: Cast) -> None:
    """What must hold after whatever was done."""
    session.commit()
    session.expire_all()
    live = session.exec(select(Judgment).where(Judgment.retired_at == None)).all()  # noqa: E711
    for row in session.exec(select(Annotator)):
        assert row.judged == len([judgment for judgment in live if judgment.annotator_id == row.id])
    held = session.exec(
        select(Assignment).where(Assignment.state.in_([AssignmentState.OPEN, AssignmentState.JUDGED]))  # type: ignore[attr-defined]
    ).all()
    for slot in session.exec(select(Slot)):
        assert slot.taken == len([row for row in held if row.comparison_id == slot.comparison_id])
    assert tallies.differences(session, cast.project.id or 0) == []


def test_a_verdict_is_answered_with_the_next_pair(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    answer = send(client, page, "tie")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert fields(answer)["assignment_id"] != fields(page)["assignment_id"]
    assert "1 today" in answer.text
    [judgment] = stored(session)
    assert (judgment.outcome, judgment.source) == (Outcome.TIE, Source.PAGE)
    assert judgment.submission_id == fields(page)["submission_id"]
    check(session, cast)


@pytest.mark.parametrize("place", ["a", "b"])
def test_a_verdict_is_stored_by_response_whatever_the_screen_showed(
    session: Session, cast: Cast, client_of: ClientOf, place: str
) -> None:
    queue(session, cast.project, 12)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    for _ in range(12):
        left = shown_first(page)
        preferred = left if place == "a" else 1 - left
        page = send(client, page, place)
        judgment = stored(session)[-1]
        assert judgment.outcome == (Outcome.A, Outcome.B)[preferred]
        assert judgment.swapped == bool(left)
    check(session, cast)


def test_two_who_prefer_the_same_responses_agree_in_30_of_30(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 30, wanted=2)
    for who in (cast.ann, cast.ben):
        client = client_of(who)
        page = client.get(JUDGE)
        for _ in range(30):
            number = int(re.search(r"to prompt (\d+)", page.text)[1])  # type: ignore[index]
            preferred = number % 2
            page = send(client, page, "a" if shown_first(page) == preferred else "b")
    verdicts: dict[int, set[Outcome]] = {}
    orders = set()
    for row in stored(session):
        verdicts.setdefault(row.comparison_id, set()).add(row.outcome)
        orders.add(row.swapped)
    assert len(verdicts) == 30
    assert all(len(found) == 1 for found in verdicts.values())
    assert orders == {True, False}


def test_the_same_submission_twice_counts_once(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    first, second = send(client, page, "a"), send(client, page, "a")
    assert second.status_code == 200
    assert fields(second)["assignment_id"] == fields(first)["assignment_id"]
    assert len(stored(session)) == 1
    check(session, cast)


def test_a_second_verdict_on_a_judged_pair_is_kept_as_a_change_to_choose(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    send(client, page, "a")
    again = send(client, page, "b", submission_id="another")
    [kept] = stored(session)
    assert again.headers["HX-Redirect"] == f"/p/birds/history/{kept.submission_id}"
    changed = send(client, page, "b")
    assert changed.headers["HX-Redirect"] == again.headers["HX-Redirect"]
    assert [row.outcome for row in stored(session)] == [kept.outcome]
    check(session, cast)


def test_without_javascript_a_verdict_leads_back_to_the_page(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1)
    client = client_of(cast.ann)
    given = fields(client.get(JUDGE)) | {"outcome": "both_bad"}
    answer = client.post(JUDGE, data=given)
    assert (answer.status_code, answer.location) == (303, f"{JUDGE}?undo={given['assignment_id']}")
    done = client.get(JUDGE)
    assert "All done" in done.text
    assert "1 comparison." in done.text


def test_what_others_hold_may_come_back(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    client_of(cast.ben).get(JUDGE)
    page = client_of(cast.ann).get(JUDGE)
    assert "Nothing to judge yet" in page.text
    assert "1 is in other hands" in page.text


def test_what_others_hold_does_not_come_back_to_whoever_judged_it(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1, wanted=2)
    ann = client_of(cast.ann)
    send(ann, ann.get(JUDGE), "a")
    client_of(cast.ben).get(JUDGE)
    page = ann.get(JUDGE)
    assert "All done" in page.text
    assert "in other hands" not in page.text


def test_undo_brings_the_pair_back_as_it_was(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    after = send(client, page, "a")
    for _ in range(2):
        back = client.post(f"{JUDGE}/undo", data=fields(after), headers=HTMX)
        assert fields(back)["assignment_id"] == fields(page)["assignment_id"]
        assert shown_first(back) == shown_first(page)
        assert "Taken back. 0 today. Previous pair." in back.text
        check(session, cast)
    gone = client.get(f"/p/birds/history/{fields(page)['submission_id']}", follow_redirects=True)
    assert "It may have been changed or taken back." in gone.text
    assert fields(back)["submission_id"] != fields(page)["submission_id"]
    send(client, back, "b")
    assert [row.retired_at is None for row in stored(session)] == [False, True]
    check(session, cast)


def test_undo_from_a_fresh_page_takes_the_last_verdict(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    first = fields(page)["assignment_id"]
    send(client, page, "a")
    back = client.post(f"{JUDGE}/undo", headers=HTMX)
    assert fields(back)["assignment_id"] == first
    assert client.post(f"{JUDGE}/undo", headers=HTMX).status_code == 409


def test_a_skip_and_its_undo(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    after = client.post(f"{JUDGE}/skip", data=fields(page), headers=HTMX)
    assert fields(after)["assignment_id"] != fields(page)["assignment_id"]
    check(session, cast)
    back = client.post(f"{JUDGE}/undo", data=fields(after), headers=HTMX)
    assert fields(back)["assignment_id"] == fields(page)["assignment_id"]
    check(session, cast)


def test_without_javascript_undo_knows_what_was_skipped(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    answer = client.post(f"{JUDGE}/skip", data=fields(page) | {"reason": "broken"})
    assert answer.status_code == 303
    after = client.get(answer.location)
    assert fields(after)["undo"] == fields(page)["assignment_id"]
    back = client.get(client.post(f"{JUDGE}/undo", data=fields(after)).location)
    assert fields(back)["assignment_id"] == fields(page)["assignment_id"]
    check(session, cast)


def test_why_a_pair_was_skipped_is_kept_and_it_can_be_judged_after_all(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2, category="code")
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert client.post(f"{JUDGE}/skip", data=fields(page) | {"reason": "bored"}).status_code == 422
    client.post(f"{JUDGE}/skip", data=fields(page) | {"reason": "subject"})
    uid = fields(page)["assignment_id"]
    skipped = session.exec(select(Assignment).where(Assignment.uid == uid)).one()
    assert skipped.skip_reason == SkipReason.SUBJECT
    past = client.get("/p/birds/history?show=skipped&category=code").text
    assert "Not my subject" in past
    assert uid in past
    assert uid not in client.get("/p/birds/history?show=skipped&category=none").text
    client.post(f"{JUDGE}/undo", data={"undo": uid})
    session.commit()
    session.expire_all()
    assert skipped.skip_reason is None
    assert fields(client.get(JUDGE))["assignment_id"] == uid


def test_the_history_is_filtered_by_what_the_screen_showed(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 8)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    for outcome in ("a", "b", "a", "tie", "a", "b", "both_bad", "a"):
        page = send(client, page, outcome)
    counts = {}
    for show in ("", "a", "b", "tie", "both_bad", "changed", "skipped"):
        counts[show] = client.get(f"/p/birds/history?show={show}").text.count(">Change<span")
    assert counts == {"": 8, "a": 4, "b": 2, "tie": 1, "both_bad": 1, "changed": 0, "skipped": 0}
    lost = client.get("/p/birds/history?show=best", follow_redirects=True)
    assert "Nothing of yours fits what you asked for." in lost.text
    assert lost.text.count(">Change<span") == counts[""]


def test_every_change_leaves_an_event(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    after = send(client, page, "tie")
    back = client.post(f"{JUDGE}/undo", data=fields(after), headers=HTMX)
    client.post(f"{JUDGE}/skip", data=fields(back), headers=HTMX)
    events = session.exec(select(AuditEvent).order_by(AuditEvent.id)).all()  # type: ignore[arg-type]
    claimed, added = ["annotator.add", "assignment.open"], ["judgment.add", "assignment.open"]
    assert [event.verb for event in events] == [*claimed, *added, "judgment.withdraw", "assignment.skip"]
    assert {event.account_id for event in events} == {cast.ann.id}
    assert events[4].detail == {"outcome": {"from": "tie", "to": None}}


def test_a_change_of_mind_supersedes(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "tie")
    past = client.get("/p/birds/history")
    assert "Tie" in past.text
    edit = re.search(r'href="(/p/birds/history/[^"]+)"', past.text)
    assert edit is not None
    page = client.get(edit[1])
    assert 'value="tie" aria-keyshortcuts="ArrowDown 2" aria-pressed="true"' in page.text
    left = shown_first(page)
    answer = client.post(edit[1], data={**fields(page), "outcome": "a"})
    assert answer.status_code == 303
    old, new = stored(session)
    assert new.outcome == (Outcome.A, Outcome.B)[left]
    assert (new.supersedes_id, old.retired_at is None, new.retired_at) == (old.id, False, None)
    assert "A is better" in client.get("/p/birds/history").text
    other_tab = client.post(edit[1], data={**fields(page), "submission_id": "x", "outcome": "b"})
    assert other_tab.location == f"/p/birds/history/{new.submission_id}"
    # The browser's Back leads to the page of the judgment that was replaced.
    assert client.get(edit[1]).location == f"/p/birds/history/{new.submission_id}"
    assert len(stored(session)) == 2
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "judgment.change")).one()
    assert event.detail is not None
    assert event.detail["outcome"] == {"from": "tie", "to": new.outcome}
    check(session, cast)


def test_what_the_project_asks_for_is_asked_and_kept(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    ask(session, cast.project, **EVERYTHING)
    queue(session, cast.project, 6)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    for name in (
        "Accuracy",
        "Unsafe",
        "Why?",
        "Write a better answer",
        "How sure are you?",
        "Did you look it up?",
    ):
        assert name in page.text
    for _ in range(6):
        left = shown_first(page)
        here, there = ("a", "b") if left == 0 else ("b", "a")
        source = f"Answer {left} to prompt"
        page = send(
            client,
            page,
            "a:2",
            **{
                "criterion:accuracy": "b",
                "rating:tone:a": "4",
                "rating:tone:b": "2",
                "tags:b": ["unsafe", "factual_error"],
                "spans": json.dumps(
                    [{"response": "a", "start": 0, "end": len(source.replace(" ", "")), "note": "So?"}]
                ),
                "rationale": "Shorter, and it says so.",
                "better_answer": "A better one.",
                "confidence": "3",
                "answer:sources": "Yes",
                "answer:why:several": ["Clear"],
                "duration_ms": "1200",
            },
        )
        judgment = stored(session)[-1]
        assert (judgment.outcome, judgment.strength, judgment.duration_ms) == (here, 2, 1200)
        assert judgment.criteria == {"accuracy": there, "tone": here}
        assert judgment.ratings == {"tone": {here: 4, there: 2}}
        assert judgment.tags == {there: ["unsafe", "factual_error"]}
        assert judgment.spans is not None
        assert [(span["response"], span["quote"], span["note"]) for span in judgment.spans] == [
            (here, source, "So?")
        ]
        assert (judgment.rationale, judgment.better_answer) == ("Shorter, and it says so.", "A better one.")
        assert (judgment.confidence, judgment.answers) == (3, {"sources": "Yes", "why": ["Clear"]})
    check(session, cast)
    change = client.get(f"/p/birds/history/{judgment.submission_id}").text
    assert 'value="a:2" aria-keyshortcuts="1" aria-pressed="true"' in change
    assert re.search(r'name="rating:tone:a" value="4" checked', change)
    assert re.search(r'name="tags:b" value="unsafe" checked', change)
    assert "A better one.</textarea>" in change


def test_what_is_missing_or_unknown_is_said_and_nothing_is_lost(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    needs = {"rationale": "required", "rationale_min": 20, "confidence": "required"}
    criterion = {"key": "accuracy", "name": "Accuracy", "required": True}
    ask(session, cast.project, points=2, both_bad=False, criteria=[criterion], **needs)
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert "verdict-tie" not in page.text
    refused = send(client, page, "tie", rationale="Too short", **{"tags:a": "unsafe"})
    assert refused.status_code == 422
    for words in (
        "This project takes a, b.",
        "at least 20 characters",
        "Say how sure you are.",
        "Judge this too: Accuracy.",
        "no such tag",
    ):
        assert words in refused.text
    assert "Too short</textarea>" in refused.text
    assert fields(refused)["assignment_id"] == fields(page)["assignment_id"]
    assert stored(session) == []


def test_a_pair_begun_before_the_rubric_changed_is_judged_by_the_one_it_showed(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    ask(session, cast.project, tags="usual")
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    ask(session, cast.project, rationale="required")
    after = send(client, page, "a", **{"tags:a": "unsafe"})
    assert after.status_code == 200
    assert send(client, after, "a").status_code == 422, "the next pair is asked about as the lead wants now"
    assert send(client, after, "a", rubric_version="1", rationale="So.").status_code == 409
    [judgment] = stored(session)
    assert session.get_one(RubricVersion, judgment.rubric_id).version == 1
    assert judgment.tags in ({"a": ["unsafe"]}, {"b": ["unsafe"]})


def test_verdicts_by_criterion_and_the_group_are_counted_through_undo_and_change(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    ask(session, cast.project, criteria=[{"key": "accuracy", "name": "Accuracy"}])
    queue(session, cast.project, 3)
    annotator_of(session, cast.project, cast.ann).group_name = "experts"
    session.commit()
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a", **{"criterion:accuracy": "tie"})
    send(client, page, "b", **{"criterion:accuracy": "b"})
    check(session, cast)
    kept = {(row.slice_by, row.slice_value): row.n for row in session.exec(select(Tally)) if row.n}
    assert ("criterion", "accuracy") in kept
    assert ("group", "experts") in kept
    client.post(f"{JUDGE}/undo", headers=HTMX)
    check(session, cast)
    edit = re.findall(r'href="(/p/birds/history/[^"]+)"', client.get("/p/birds/history").text)[0]
    page = client.get(edit)
    client.post(edit, data={**fields(page), "outcome": "b", "criterion:accuracy": "a"})
    assert (stored(session)[-1].supersedes_id, len(stored(session))) == (stored(session)[0].id, 3)
    check(session, cast)


def test_a_refused_verdict_keeps_the_pair_and_the_words(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    ask(session, cast.project, rationale="optional")
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    refused = send(client, page, "a", rationale="long " * 3_000)
    assert refused.status_code == 422
    assert fields(refused)["assignment_id"] == fields(page)["assignment_id"]
    assert "long long" in refused.text
    assert "Nothing was saved yet" in refused.text
    assert stored(session) == []


def test_progress_counts_towards_the_daily_goal(session: Session, cast: Cast, client_of: ClientOf) -> None:
    cast.project.daily_goal = 20
    session.add(cast.project)
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert "0 of 20 today" in page.text
    assert "1 of 20 today" in send(client, page, "a").text


@pytest.mark.parametrize("kind", [{"category": "safety"}, {"tags": ["Red-Teaming"]}])
def test_harmful_text_comes_with_a_warning(
    session: Session, cast: Cast, client_of: ClientOf, kind: dict[str, object]
) -> None:
    queue(session, cast.project, 1, **kind)  # type: ignore[arg-type]
    page = client_of(cast.ann).get(JUDGE)
    assert page.text.index("may contain harmful text") < page.text.index("Answer")
    assert '<details class="veil"' in page.text


def test_a_response_shows_its_script_as_text(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1, models=("<script>alert(1)</script>", "b"))
    page = client_of(cast.ann).get(JUDGE)
    assert "<script>alert" not in page.text


def test_somebody_elses_assignment_is_nobodys_business(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    page = client_of(cast.ann).get(JUDGE)
    assert send(client_of(cast.ben), page, "a").status_code == 404
    assert stored(session) == []


@pytest.mark.parametrize(
    ("name", "status"), [("otto", 404), ("vic", 403), ("rosa", 403), ("lena", 200), ("ada", 200)]
)
def test_who_may_judge(cast: Cast, client_of: ClientOf, name: str, status: int) -> None:
    assert client_of(getattr(cast, name)).get(JUDGE).status_code == status


def test_signing_in_comes_first(cast: Cast, client_of: ClientOf) -> None:
    answer = client_of(None).get(JUDGE)
    assert answer.status_code == 303
    assert "/sign-in" in (answer.location or "")


def test_a_verdict_needs_its_csrf_token(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    app.config["WTF_CSRF_ENABLED"] = True
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    token = fields(page)["csrf_token"]
    assert send(client, page, "a", csrf_token="").status_code == 400
    answer = send(client, page, "a", csrf_token=token)
    assert answer.status_code == 200
    assert send(client, answer, "a").status_code == 200


def test_the_models_are_named_only_afterwards_and_where_the_project_reveals_them(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    assert MARKERS[0] not in client.get("/p/birds/history").text
    [judgment] = stored(session)
    edit = f"/p/birds/history/{judgment.submission_id}"
    assert client.post(f"{edit}/reveal").status_code == 409
    cast.project.reveals_models = True
    session.add(cast.project)
    session.commit()
    past = client.get("/p/birds/history").text
    assert MARKERS[0] not in past, "not before they ask"
    assert past.index("The verdict cannot be changed afterwards") < past.index(
        "Name them, and keep the verdict"
    )
    page = client.get(edit)
    for _ in range(2):
        assert client.post(f"{edit}/reveal").status_code == 303
    assert client.get("/p/birds/history").text.count(MARKERS[0]) == 1
    assert client.post(edit, data=fields(page) | {"outcome": "tie"}).status_code == 409
    assert client.post(f"{JUDGE}/undo", headers=HTMX).status_code == 409, "it would come back known"
    assert [row.retired_at for row in stored(session)] == [None]
    events = session.exec(select(AuditEvent.verb).where(AuditEvent.verb == "assignment.reveal")).all()
    assert len(events) == 1
    check(session, cast)
