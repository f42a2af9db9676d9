"""What judgments are asked to say: set up on one page, previewed, published version by version."""

import re
from typing import Any

from sqlmodel import Session, select

from app.asking import rubrics
from app.models import AuditEvent, RubricVersion
from app.rubric import USUAL_TAGS
from tests.annotation.desk import HTMX
from tests.conftest import Cast

PAGE = "/p/birds/rubric"
FORM = {
    "base": "0",
    "points": "7",
    "both_bad": "true",
    "criteria.0.name": "Follows the request",
    "criteria.0.judged": "rated",
    "criteria.1.name": " ",
    "tags.3.name": "Made up",
    "tags.3.key": "invented",
    "tags.3.severity": "critical",
    "questions.0.text": "Which is shorter?",
    "questions.0.answered": "one",
    "questions.0.options": "The first\r\n\r\nThe second\r\n",
    "rationale": "optional",
    "rationale_min": "",
}


def test_a_lead_sets_up_what_is_asked(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    assert lena.post(PAGE, data=FORM).status_code == 303
    version, rubric = rubrics.live(session, cast.project)
    assert (version, rubric.points, rubric.both_bad, rubric.rationale) == (1, 7, True, "optional")
    assert [(item.key, item.judged) for item in rubric.criteria] == [("follows_the_request", "rated")]
    assert [(tag.key, tag.severity) for tag in rubric.tags] == [("invented", "critical")]
    assert rubric.questions[0].options == ("The first", "The second")
    page = lena.get(PAGE).text
    assert 'name="base" value="1"' in page
    assert 'value="follows_the_request"' in page
    event = session.exec(select(AuditEvent)).one()
    assert event.verb == "rubric.publish"
    assert event.detail is not None
    assert event.detail["points"] == {"from": 3, "to": 7}


def test_the_preview_saves_nothing(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    page = lena.post(f"{PAGE}/preview", data=FORM)
    assert page.status_code == 200
    preview = page.text.split('id="preview"')[1]
    assert "A<" in preview
    assert "far better" in preview
    assert "Made up" in preview
    usual = lena.post(f"{PAGE}/preview", data=FORM | {"do": "usual:tags"}).text
    assert usual.index("Made up") < usual.index(USUAL_TAGS[0].name)
    moved = lena.post(f"{PAGE}/preview", data=FORM | {"do": "up:criteria:0", "criteria.1.name": "Tone"}).text
    assert 'name="criteria.0.name" value="Follows the request"' in moved
    assert "Made up" not in lena.post(f"{PAGE}/preview", data=FORM | {"do": "remove:tags:0"}).text
    wrong = lena.post(f"{PAGE}/preview", data=FORM | {"questions.0.options": "One"})
    assert wrong.status_code == 422
    assert "at least two different options" in wrong.text
    assert 'href="#questions/0/options">Question 1</a>' in wrong.text
    assert re.search(r'name="questions\.0\.options"[^>]* aria-invalid="true"', wrong.text)
    assert wrong.text.count('aria-invalid="true"') == 1
    typing = lena.post(f"{PAGE}/preview", data=FORM | {"questions.0.options": "One"}, headers=HTMX)
    assert typing.status_code == 200
    assert "Some of it does not fit yet" in typing.text
    assert session.exec(select(RubricVersion)).all() == []
    assert client_of(cast.ann).post(f"{PAGE}/preview", data=FORM).status_code == 403


def test_a_refused_rubric_keeps_what_was_typed(cast: Cast, client_of: Any, session: Session) -> None:
    twice = {"tags.4.name": "Again", "tags.4.key": "invented"}
    answer = client_of(cast.lena).post(PAGE, data=FORM | twice)
    assert answer.status_code == 422
    assert "Two have the key invented." in answer.text
    assert 'value="Again"' in answer.text
    assert session.exec(select(RubricVersion)).all() == []


def test_two_leads_writing_at_once_lose_nothing(cast: Cast, client_of: Any, session: Session) -> None:
    client_of(cast.lena).post(PAGE, data=FORM)
    answer = client_of(cast.ada).post(PAGE, data=FORM | {"points": "2"})
    assert answer.status_code == 409
    assert "published version 1 meanwhile" in answer.text
    assert 'name="base" value="1"' in answer.text
    again = client_of(cast.ada).post(PAGE, data=FORM | {"points": "2", "base": "1"})
    assert again.status_code == 303
    versions = session.exec(select(RubricVersion).order_by(RubricVersion.version)).all()  # type: ignore[arg-type]
    assert [(row.version, row.retired_at is None) for row in versions] == [(1, False), (2, True)]


def test_what_nobody_could_have_typed_is_refused(cast: Cast, client_of: Any) -> None:
    lena = client_of(cast.lena)
    for odd in (
        {"points": "x"},
        {"rationale": "maybe"},
        {"tags.0.severity": "awful", "tags.0.name": "Tag"},
        {"criteria.0.surprise": "yes"},
        {"criteria.0.options": "a"},
        {"rationale_min": "9999999999999"},
        {f"tags.{number}.name": f"Tag {number}" for number in range(60)},
    ):
        assert lena.post(PAGE, data=FORM | odd).status_code == 422, odd
    unsaid = {"questions.9.text": "Why?", "questions.9.options": "This\nThat"}
    answer = lena.post(PAGE, data=FORM | unsaid)
    assert answer.status_code == 422
    assert "A question answered in words has no options." in answer.text
    assert "This\nThat</textarea>" in answer.text
