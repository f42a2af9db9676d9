"""What may happen once happens once, however many ask at the same moment."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask
from sqlmodel import Session, select

from app.accounts.setup import setup_code
from app.models import Account, Membership
from app.settings import Settings
from tests.conftest import Cast

PASSWORD = "correct horse battery"
AT_ONCE = 4


def statuses(app: Flask, path: str, form_of: Callable[[int], dict[str, str]]) -> Counter[int]:
    """What some people get who send a form to the same address together."""
    start = Barrier(AT_ONCE)

    def send(number: int) -> int:
        client = app.test_client()
        start.wait()
        return client.post(path, data=form_of(number)).status_code

    with ThreadPoolExecutor(AT_ONCE) as people:
        return Counter(people.map(send, range(AT_ONCE)))


def newcomer(number: int) -> dict[str, str]:
    return {"email": f"p{number}@example.org", "name": f"P{number}", "password": PASSWORD}


def test_one_first_admin(app: Flask, settings: Settings, session: Session) -> None:
    code = setup_code(settings)
    found = statuses(app, "/welcome", lambda number: newcomer(number) | {"code": code})
    assert found == {303: 1, 409: AT_ONCE - 1}
    assert len(session.exec(select(Account)).all()) == 1


def test_one_newcomer_for_an_invitation(app: Flask, cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    lena.post("/p/birds/invitations", data={"role": "viewer"})
    link = re.search(r"/invitations/[\w-]{20,}", lena.get("/p/birds/members").text)
    assert link
    before = len(session.exec(select(Membership)).all())
    session.rollback()
    assert statuses(app, link[0], newcomer) == {303: 1, 410: AT_ONCE - 1}
    assert len(session.exec(select(Membership)).all()) == before + 1


def test_one_account_for_an_address(app: Flask, cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    links = []
    for _ in range(AT_ONCE):
        lena.post("/p/birds/invitations", data={"role": "viewer"})
        link = re.search(r"/invitations/[\w-]{20,}", lena.get("/p/birds/members").text)
        assert link
        links.append(link[0])
    start = Barrier(AT_ONCE)

    def send(link: str) -> int:
        client = app.test_client()
        start.wait()
        return client.post(link, data=newcomer(0)).status_code

    with ThreadPoolExecutor(AT_ONCE) as people:
        assert Counter(people.map(send, links)) == {303: 1, 422: AT_ONCE - 1}


def test_no_more_guesses_than_allowed(app: Flask, with_passwords: Cast) -> None:
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"sign_in_attempts": 1})
    guess = {"email": "ann@example.org", "password": "guess"}
    assert statuses(app, "/sign-in", lambda _number: guess) == {422: 1, 429: AT_ONCE - 1}
