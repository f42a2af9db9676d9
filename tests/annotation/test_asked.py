"""What a project asks beside the verdict: shown, kept, and said where it is missing."""

import json
import re
from typing import Any

from sqlmodel import Session, select

from app.models import RubricVersion, Tally
from tests.annotation.arrange import annotator_of, ask, queue
from tests.annotation.desk import HTMX, JUDGE, ClientOf, check, fields, send, shown_first, stored
from tests.conftest import Cast

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


def test_a_judgment_is_changed_by_the_rubric_it_was_made_by(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a")
    ask(session, cast.project, tags="usual")
    page = client.get(JUDGE)
    send(client, page, "a", **{"tags:a": "unsafe"})
    ask(session, cast.project, rationale="required")
    edits = re.findall(r'href="(/p/birds/history/[^"]+)"', client.get("/p/birds/history").text)
    asked_more = {**fields(client.get(edits[0])), "outcome": "b", "rubric_version": "0"}
    assert client.post(edits[0], data=asked_more).status_code == 409
    for edit, version in zip(edits, (1, None), strict=True):
        page = client.get(edit)
        assert 'name="rationale"' not in page.text, "nobody asked for it then"
        assert client.post(edit, data={**fields(page), "outcome": "b"}).status_code == 303
        session.rollback()
        changed = stored(session)[-1]
        kept = session.get_one(RubricVersion, changed.rubric_id).version if changed.rubric_id else None
        assert (changed.supersedes_id is not None, kept) == (True, version)


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
