"""How much waits for somebody: what they are told, and that it is what they then get."""

import re

import pytest
from sqlmodel import Session

from app.annotation import waiting
from app.models import Assignment, AssignmentState, Outcome, now
from tests.annotation.arrange import annotator_of, queue
from tests.annotation.desk import HTMX, JUDGE, ClientOf, fields, send
from tests.conftest import Cast


def told(page: str) -> str:
    """The words beside the name of the page."""
    found = re.search(r'id="today"[^>]*>(?:<span[^>]*>)?([^<]*)<', page)
    assert found is not None
    return found[1]


def test_what_is_left_is_counted_down_and_up_again(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert told(page.text) == "0 today, 3 left"
    assert ">Pair 1 of 3</h2>" in page.text
    first = send(client, page, "a")
    assert told(first.text) == "1 today, 2 left"
    assert ">Pair 2 of 3</h2>" in first.text
    skipped = client.post(f"{JUDGE}/skip", data=fields(first), headers=HTMX)
    assert told(skipped.text) == "1 today, 1 left"
    back = client.post(f"{JUDGE}/undo", data=fields(skipped), headers=HTMX)
    assert told(back.text) == told(client.get(JUDGE).text) == "1 today, 2 left"
    last = send(client, send(client, back, "b"), "b")
    assert told(last.text) == "3 today"
    assert "All done" in last.text


def test_only_what_one_may_get_is_counted(session: Session, cast: Cast, client_of: ClientOf) -> None:
    cast.project.may_decline, cast.project.gold_every = True, 2
    session.add(cast.project)
    queue(session, cast.project, 4)
    queue(session, cast.project, 2, category="war")
    queue(session, cast.project, 1, gold=Outcome.A)
    had, *_others = queue(session, cast.project, 1)
    annotator = annotator_of(session, cast.project, cast.ann)
    session.add(
        Assignment(
            comparison_id=had.id,
            annotator_id=annotator.id,
            swapped=False,
            state=AssignmentState.SKIPPED,
            closed_at=now(),
        )
    )
    session.commit()
    client = client_of(cast.ann)
    client.post("/p/birds/limits", data={"categories": "war"})
    page = client.get(JUDGE)
    assert told(page.text) == "0 today, 5 left"
    met = 0
    while 'name="assignment_id"' in page.text:
        met += 1
        page = send(client, page, "tie")
    assert met == 5


def test_a_long_queue_is_not_counted_to_its_end(
    session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST", 3)
    queue(session, cast.project, 6)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert told(page.text) == "0 today, 4+ left"
    assert ">Pair 1</h2>" in page.text
    assert told(send(client, page, "a").text) == "1 today, 4+ left"


@pytest.mark.parametrize("left", ["", "many", "-1", "1e9", "9" * 40, "<b>"])
def test_what_else_comes_with_the_form_is_told_as_nothing(
    session: Session, cast: Cast, client_of: ClientOf, left: str
) -> None:
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    assert told(send(client, client.get(JUDGE), "a", left=left).text) == "1 today"
