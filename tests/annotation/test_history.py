"""What one judged or skipped: taken back, changed, looked at again, and when its models are named."""

import re
from collections.abc import Callable

from sqlmodel import Session, select

from app.models import Account, Annotator, Assignment, AuditEvent, Outcome, SkipReason
from tests.annotation.arrange import MARKERS, queue
from tests.annotation.desk import HTMX, JUDGE, ClientOf, check, fields, send, shown_first, stored
from tests.conftest import Cast


def test_undo_brings_the_pair_back_as_it_was(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    after = send(client, page, "a")
    for _ in range(2):
        back = client.post(f"{JUDGE}/undo", data=fields(after), headers=HTMX)
        assert fields(back)["assignment_id"] == fields(page)["assignment_id"]
        assert shown_first(back) == shown_first(page)
        assert ">Taken back.</span>" in back.text
        assert ">Pair 1 of 2</h2>" in back.text
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


def test_whoever_looks_back_before_they_judge_is_made_no_annotator(
    session: Session, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    queue(session, cast.project, 1)
    ada, key = client_of(cast.ada), bearer(cast.ada)
    pages = {
        "history": 200,
        "history?show=skipped": 200,
        "history/none": 404,
        "judge/flags": 200,
        "limits": 200,
    }
    assert {page: ada.get(f"/p/birds/{page}").status_code for page in pages} == pages
    listed, base = (
        {"judgments": 200, "judgments/none": 404, "my-flags": 200, "declines": 200},
        "/api/v1/projects",
    )
    assert {it: ada.get(f"{base}/birds/{it}", headers=key).status_code for it in listed} == listed
    assert session.exec(select(Annotator)).all() == []
    assert "annotator.add" not in session.exec(select(AuditEvent.verb)).all()


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
    assert "that verdict is then final" in client_of(cast.lena).get("/p/birds/settings").text
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
    assert "This verdict is final." in client.get(edit).text
    assert client.post(f"{JUDGE}/undo", headers=HTMX).status_code == 409, "it would come back known"
    assert [row.retired_at for row in stored(session)] == [None]
    events = session.exec(select(AuditEvent.verb).where(AuditEvent.verb == "assignment.reveal")).all()
    assert len(events) == 1
    check(session, cast)
