"""How somebody reads is theirs: kept from page to page and browser to browser, with or without JavaScript."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, AuditEvent, Prompt, Response
from tests.annotation.arrange import queue
from tests.annotation.desk import HTMX, JUDGE, fields, send
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]
VIEW = "/p/birds/view"


def look(client: FlaskClient, path: str = JUDGE) -> str:
    """The classes of the page's body."""
    found = re.search(r'<body class="([^"]*)"', client.get(path).text)
    assert found is not None
    return found[1]


def answers(session: Session, *texts: str) -> None:
    """Give the two models' responses to every prompt these texts."""
    for row in session.exec(select(Response)):
        row.messages = [{"role": "assistant", "content": texts[row.model_id % 2]}]
    session.commit()


def test_it_is_remembered_for_the_person(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 2)
    client = client_of(cast.ann)
    assert look(client) == "judging text-normal"
    answer = client.post(VIEW, data={"text_size": "large", "stacked": "true", "together": "true"})
    assert (answer.status_code, answer.location) == (303, JUDGE)
    assert look(client_of(cast.ann)) == "judging text-large stacked together"
    assert look(client_of(cast.ben)) == "judging text-normal"
    client.post(VIEW, data={"text_size": "small"})
    assert look(client) == "judging text-small"


def test_it_holds_where_a_judgment_is_reconsidered(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    send(client, page, "a")
    judgment = fields(page)["submission_id"]
    answer = client.post(VIEW, data={"stacked": "true", "judgment": judgment})
    assert answer.location == f"/p/birds/history/{judgment}"
    assert look(client, answer.location) == "judging text-normal stacked"


def test_differing_words_are_marked_from_pair_to_pair(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    answers(session, "It eats *small* fish.", "It eats *big* fish.")
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert "<mark" not in page.text
    data = {"differences": "true", "assignment_id": fields(page)["assignment_id"]}
    marked = client.post(VIEW, data=data, headers=HTMX)
    words = dict(re.findall(r'<mark class="mark-([ab])">(\w+)</mark>', marked.text))
    assert set(words.values()) == {"small", "big"}
    assert "<input" not in marked.text, "what was chosen already stays"
    assert page.text.index(f">{words['a']}<") < page.text.index(f">{words['b']}<")
    assert send(client, page, "tie").text.count("<mark") == 2


def test_two_that_have_little_in_common_are_not_marked(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1)
    answers(session, "Herons eat fish, frogs and mice.", "No.")
    client = client_of(cast.ann)
    client.post(VIEW, data={"differences": "true"})
    page = client.get(JUDGE).text
    assert "<mark" not in page
    assert "Too different to mark the words" in page


def test_nobody_sees_another_persons_pair_so(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 2)
    page = client_of(cast.ann).get(JUDGE)
    data = {"assignment_id": fields(page)["assignment_id"]}
    assert client_of(cast.ben).post(VIEW, data=data, headers=HTMX).status_code == 404


@pytest.mark.parametrize("given", [{"text_size": "enormous"}, {"stacked": "perhaps"}])
def test_a_switch_has_only_its_positions(cast: Cast, client_of: ClientOf, given: dict[str, str]) -> None:
    client = client_of(cast.ann)
    assert client.post(VIEW, data=given).status_code == 422
    assert look(client) == "judging text-normal"


def test_a_change_leaves_one_event(session: Session, cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    for _ in range(2):
        client.post(VIEW, data={"together": "true"})
    [event] = session.exec(select(AuditEvent)).all()
    assert (event.verb, event.account_id) == ("account.reading", cast.ann.id)
    assert event.detail == {"together": {"from": False, "to": True}}


@pytest.mark.parametrize(
    ("spoken", "shows", "roles"),
    [
        ("es", "Mostrar", ["sistema", "usuario"]),
        ("ar", "إظهار", ["النظام", "المستخدم"]),
        ("zh-Hans", "显示", ["系统", "用户"]),
    ],
)
def test_the_words_around_a_kept_conversation_are_the_readers(
    session: Session, cast: Cast, client_of: ClientOf, spoken: str, shows: str, roles: list[str]
) -> None:
    queue(session, cast.project, 1)
    turns = [{"role": "system", "content": "Show geese."}, {"role": "user", "content": "Which?"}]
    for row in (*session.exec(select(Prompt)), *session.exec(select(Response))):
        row.messages = turns
    session.commit()
    client = client_of(cast.ann)
    client.get(JUDGE)  # in English, and kept
    page = client.get(JUDGE, headers={"Accept-Language": spoken}).text
    assert re.findall(r"<summary>(\S+) <span[^>]*>(.*?)</span>", page) == [(shows, "Show geese.")] * 3
    assert re.findall(r'class="role">(.*?)<', page) == roles * 3
