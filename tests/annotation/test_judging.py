"""The judging page: a verdict is stored by response, counted once, and answered with the next pair."""

import gc
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlmodel import Session

from app import server
from app.models import Account, Outcome, Source
from app.projects import lifecycle
from tests.annotation.arrange import queue
from tests.annotation.desk import JUDGE, ClientOf, check, fields, send, shown_first, stored
from tests.conftest import Cast


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


def test_nobodys_first_pair_waits_for_a_template(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    gc.disable()
    try:
        compiled = set(server.warmed(app).jinja_env.cache)
        assert gc.isenabled(), "a server that frees nothing grows"
    finally:
        gc.unfreeze()
        gc.enable()
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "tie")
    assert {name for _, name in set(app.jinja_env.cache) - compiled} == set()


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
    assert "Saved." in done.text
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


def test_progress_counts_towards_the_daily_goal(session: Session, cast: Cast, client_of: ClientOf) -> None:
    cast.project.daily_goal = 20
    session.add(cast.project)
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert page.text.count("0 of 20 today") == 1, "the bar beside the words is not read out as well"
    assert ">Pair 1 of 20</h2>" in page.text
    answer = send(client, page, "a").text
    assert "1 of 20 today" in answer
    assert ">Pair 2 of 20</h2>" in answer
    cast.project.daily_goal = 1
    session.commit()
    page = client.get(JUDGE)
    assert "1 of 1 today" in page.text
    answer = send(client, page, "a").text
    assert "2 today" in answer
    assert "of 1 today" not in answer


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
    client = client_of(None)
    answer = client.get(JUDGE)
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next={JUDGE}")

    # Signed out since the page was shown: back to that page, and no doubt about what became of the verdict.
    here = f"http://localhost{JUDGE}?undo=1"
    with_htmx = {"HX-Request": "true", "HX-Current-URL": here}
    kept = client.post(JUDGE, headers=with_htmx).headers["HX-Redirect"]
    assert "kept in this browser" in client.get(kept).text
    skipped = client.post(f"{JUDGE}/skip", headers=with_htmx).headers["HX-Redirect"]
    lost = client.post(JUDGE, headers={"Referer": here}).location or ""
    for target in (skipped, lost):
        assert "what you sent was not saved" in client.get(target).text
    assert all(
        parse_qs(urlsplit(target).query)["next"] == [f"{JUDGE}?undo=1"] for target in (kept, skipped, lost)
    )
    assert "next" not in (client.post(JUDGE, headers={"Referer": "http://evil.example/"}).location or "")


def test_a_verdict_needs_its_csrf_token(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    app.config["WTF_CSRF_ENABLED"] = True
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    token = fields(page)["csrf_token"]
    assert send(client, page, "a", csrf_token="").status_code == 400
    assert "ended=kept" in send(client_of(None), page, "a", csrf_token=token).headers["HX-Redirect"]
    answer = send(client, page, "a", csrf_token=token)
    assert answer.status_code == 200
    assert send(client, answer, "a").status_code == 200


def test_whoever_judges_while_the_project_is_archived_is_told_what_became_of_the_verdict(
    session: Session, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    queue(session, cast.project, 2)
    client, api = client_of(cast.ann), client_of(None)
    first = client.get(JUDGE)
    second = send(client, first, "tie")
    lifecycle.archive(session, cast.project, by=cast.lena)
    session.commit()
    late = send(client, second, "tie")
    assert late.status_code == 409
    assert "archived" in late.text
    assert "Ask who leads it: Lena." in late.text
    assert "What you sent was not saved." in late.text
    unscripted = client.post(JUDGE, data={**fields(second), "outcome": "tie"})
    assert unscripted.status_code == 409
    assert "<h1>This project is archived</h1>" in unscripted.text
    again = send(client, first, "tie")
    assert again.status_code == 200, "its answer was lost on the way"
    assert again.headers["HX-Redirect"] == JUDGE
    page = client.get(JUDGE)
    assert page.status_code == 409
    assert "Your verdict was saved before the project was archived." in page.text
    assert "not saved" not in page.text
    [judgment] = stored(session)
    sent = {"assignment_id": fields(first)["assignment_id"], "outcome": "tie"}
    url, mine = "/api/v1/projects/birds/judgments", bearer(cast.ann)
    known = api.post(url, json=sent | {"submission_id": judgment.submission_id}, headers=mine)
    assert (known.status_code, known.json["outcome"]) == (200, "tie")
    again_by_ben = {"json": sent | {"submission_id": judgment.submission_id}, "headers": bearer(cast.ben)}
    for request in (
        {"json": sent | {"submission_id": "x" * 32}, "headers": mine},
        {"json": {"outcome": "boring"}, "headers": mine},
        again_by_ben,
    ):
        refused = api.post(url, **request)
        assert (refused.status_code, "archived" in refused.text) == (409, True), request
    assert send(client, first, "a").status_code == 409, "another verdict than the one that was saved"
    check(session, cast)
