"""Projects whose newcomers learn first, and what a person does on their way."""

import re
from typing import Any

from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from app.models import Comparison, GoldUse, Outcome, Project
from tests.annotation.arrange import queue

BEGIN, PRACTICE, JUDGE = "/p/birds/begin", "/p/birds/practice", "/p/birds/judge"
REASON = "Because herons wade."


def school(session: Session, project: Project, **settings: Any) -> None:
    """Settings of the way to live judging, committed."""
    for name, value in settings.items():
        setattr(project, name, value)
    session.add(project)
    session.commit()


def lessons(
    session: Session,
    project: Project,
    use: GoldUse,
    count: int,
    gold: Outcome = Outcome.A,
    category: str | None = None,
) -> list[Comparison]:
    """Gold comparisons of one use, with a reason, committed; the first response is the right one."""
    rows = queue(session, project, count, gold=gold, category=category)
    for row in rows:
        row.gold_use, row.gold_reason = use, REASON
    session.add_all(rows)
    session.commit()
    return rows


def place_of(page: TestResponse, number: int = 0) -> str:
    """Where on the screen a response stands, by the number in its text."""
    first = re.search(r"Answer (\d)", page.text)
    assert first is not None
    return "a" if int(first[1]) == number else "b"


def trial(page: TestResponse) -> str:
    """The trial in hand."""
    found = re.search(r'name="trial_id" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def practise(client: FlaskClient, right: bool = True) -> TestResponse:
    """Judge the pair in hand, rightly or wrongly, and look at what comes."""
    page = client.get(PRACTICE)
    place = place_of(page, 0 if right else 1)
    form = {"trial_id": trial(page), "outcome": place}
    return client.post(PRACTICE, data=form, follow_redirects=True)
