"""A missed gold comparison among the others: explained at once where the lead wants it, and final then."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from app.annotation.claim import gold_is_due
from app.models import Account, Comparison, Outcome
from tests.annotation.arrange import annotator_of, queue
from tests.annotation.desk import HTMX, fields, send, stored
from tests.conftest import Cast
from tests.learning.arrange import JUDGE, REASON, place_of, school

ClientOf = Callable[[Account | None], FlaskClient]


@pytest.fixture
def gold(session: Session, cast: Cast) -> Comparison:
    """The next pair is a gold one."""
    [row] = queue(session, cast.project, 1, gold=Outcome.A)
    row.gold_reason = REASON
    session.add(row)
    ann = annotator_of(session, cast.project, cast.ann)
    ann.judged = next(judged for judged in range(2) if gold_is_due(1, ann.uid, judged))
    school(session, cast.project, gold_every=1, explains_gold=True)
    queue(session, cast.project, 1)
    return row


def test_it_is_explained_and_the_verdict_stays(
    session: Session, cast: Cast, client_of: ClientOf, gold: Comparison
) -> None:
    ann = client_of(cast.ann)
    page = ann.get(JUDGE)
    right = place_of(page).upper()
    wrong = "B" if right == "A" else "A"
    answer = send(ann, page, wrong.lower())
    assert f"known: {right} is better. You said: {wrong} is better." in answer.text
    assert f'<p dir="auto">{REASON}</p>' in answer.text
    aloud = f">Saved. This is about the pair before. Its right verdict is known: {right} is better."
    assert aloud in answer.text.partition('id="said"')[2]
    assert fields(answer)["assignment_id"] != fields(page)["assignment_id"]
    for seen in (answer, ann.get(f"{JUDGE}?undo={fields(page)['assignment_id']}"), ann.get(JUDGE)):
        assert re.search(r"judge/undo[^>]* disabled", seen.text), "it cannot be taken back"
    refused = ann.post(f"{JUDGE}/undo", data={"undo": fields(page)["assignment_id"]}, headers=HTMX)
    assert refused.status_code == 409
    assert "You were told the right verdict" in refused.text
    [judgment] = stored(session)
    assert judgment.outcome == Outcome.B
    again = ann.post(
        f"/p/birds/history/{judgment.submission_id}",
        data={**fields(page), "submission_id": "fresh", "outcome": "tie"},
    )
    assert again.status_code == 409
    seen = f"/p/birds/history/{judgment.submission_id}"
    assert f'href="{seen}"' in answer.text
    assert f'href="{seen}"' in ann.get("/p/birds/history").text.partition("final")[2]
    shown = ann.get(seen).text
    assert f"known: {right} is better. You said: {wrong} is better." in shown
    assert all(words in shown for words in (REASON, "Answer 0", "Answer 1", "This verdict is final."))
    assert shown.index("known: ") < shown.index("Answer 0"), "where the judging page says it, too"
    assert 'name="outcome"' not in shown, "it is only shown"


def test_without_a_script_the_next_page_explains_it(
    session: Session, cast: Cast, client_of: ClientOf, gold: Comparison
) -> None:
    ann = client_of(cast.ann)
    form = {**fields(ann.get(JUDGE)), "outcome": "tie"}
    page = ann.post(JUDGE, data=form, follow_redirects=True).text
    assert REASON in page
    assert "This is about the pair before. Its right" in page


def test_the_last_pair_is_explained_too(
    session: Session, cast: Cast, client_of: ClientOf, gold: Comparison
) -> None:
    row = annotator_of(session, cast.project, cast.ann)
    due = [gold_is_due(1, row.uid, judged) for judged in range(4)]
    row.judged = next(judged for judged in range(3) if not due[judged] and due[judged + 1])
    session.commit()
    ann = client_of(cast.ann)
    answer = send(ann, send(ann, ann.get(JUDGE), "a"), "tie").text
    assert answer.index(REASON) < answer.index("All done")
    assert "judge/undo" not in answer


def test_a_right_verdict_is_answered_like_any_other(
    session: Session, cast: Cast, client_of: ClientOf, gold: Comparison
) -> None:
    ann = client_of(cast.ann)
    page = ann.get(JUDGE)
    answer = send(ann, page, place_of(page))
    assert "right verdict" not in answer.text
    assert ann.post(f"{JUDGE}/undo", data={}, headers=HTMX).status_code == 200


def test_where_the_lead_does_not_want_it_nothing_tells_gold_apart(
    session: Session, cast: Cast, client_of: ClientOf, gold: Comparison
) -> None:
    school(session, cast.project, explains_gold=False)
    ann = client_of(cast.ann)
    page = ann.get(JUDGE)
    answer = send(ann, page, "tie")
    assert REASON not in answer.text
    assert ann.post(f"{JUDGE}/undo", data={}, headers=HTMX).status_code == 200
