"""The judging page as tests act on it, and what must hold after whatever was done."""

import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from app import divided, tallies
from app.models import Account, Annotator, Assignment, AssignmentState, Judgment, Slot
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]
HTMX = {"HX-Request": "true"}
JUDGE = "/p/birds/judge"


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
    assert divided.differences(session, cast.project.id or 0) == []
