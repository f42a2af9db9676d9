"""What may happen once happens once, however many ask at the same moment."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlmodel import Session, select

from app.accounts import invitations, passwords
from app.accounts.setup import setup_code
from app.models import Account, Invitation, Membership, now
from app.settings import Settings
from tests.conftest import Cast

PASSWORD = "correct horse battery"
AT_ONCE = 4
SIGNING_IN = {"email": "lena@example.org", "password": PASSWORD}


def statuses(app: Flask, path: str, form_of: Callable[[int], dict[str, str]]) -> Counter[int]:
    """What some people get who send a form to the same address together."""
    start = Barrier(AT_ONCE)

    def send(number: int) -> int:
        client = app.test_client()
        start.wait()
        return client.post(path, data=form_of(number)).status_code

    with ThreadPoolExecutor(AT_ONCE) as people:
        return Counter(people.map(send, range(AT_ONCE)))


class Slow(PasswordHasher):
    """Something happens while it hashes; every hash of the cast is one to be made stronger."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(time_cost=1, memory_cost=16, parallelism=1)
        self.meanwhile = meanwhile

    def hash(self, *given: Any, **more: Any) -> str:
        self.meanwhile()
        return super().hash(*given, **more)

    def verify(self, *given: Any) -> Any:
        self.meanwhile()
        return super().verify(*given)


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


def take_back(invitation: Invitation, _monkeypatch: pytest.MonkeyPatch) -> None:
    invitation.revoked_at = now()


def use(invitation: Invitation, _monkeypatch: pytest.MonkeyPatch) -> None:
    invitation.accepted_at, invitation.accepted_by = now(), invitation.created_by


def set_the_clock_back(_invitation: Invitation, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it has run out by the clock."""
    late = iter([now() + timedelta(days=1000)] * 2)
    monkeypatch.setattr(invitations, "now", lambda: next(late, now()))


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        (take_back, "was taken back. Ask"),
        (use, "was used already. Sign in, or ask"),
        (set_the_clock_back, "has expired. Ask"),
    ],
)
def test_an_invitation_that_ends_while_a_password_is_hashed(
    meanwhile: Callable[[Invitation, pytest.MonkeyPatch], None],
    told: str,
    app: Flask,
    cast: Cast,
    client_of: Any,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lena = client_of(cast.lena)
    lena.post("/p/birds/invitations", data={"role": "viewer"})
    link = re.search(r"/invitations/[\w-]{20,}", lena.get("/p/birds/members").text)
    assert link

    def end() -> None:
        meanwhile(session.exec(select(Invitation)).one(), monkeypatch)
        session.commit()

    monkeypatch.setattr(passwords, "HASHER", Slow(end))
    answer = app.test_client().post(link[0], data=newcomer(0))
    assert (answer.status_code, told in answer.text) == (410, True)
    assert session.exec(select(Account).where(Account.email == "p0@example.org")).all() == []


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


def test_nobody_waits_while_a_password_is_hashed(
    app: Flask, with_passwords: Cast, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, lena, ada = map(client_of, (with_passwords.ann, with_passwords.lena, with_passwords.ada))
    lena.post("/p/birds/invitations", data={"role": "viewer"})
    invitation = re.search(r"/invitations/[\w-]{20,}", lena.get("/p/birds/members").text)
    ada.post(f"/people/{with_passwords.otto.uid}/password-link")
    link = re.search(r"/password/[\w.-]+", ada.get("/people").text)
    assert invitation
    assert link
    # A connection in use is a transaction, which on SQLite would keep everybody else from writing.
    in_use: list[int] = []
    pool = app.extensions["engine"].pool
    monkeypatch.setattr(passwords, "HASHER", Slow(lambda: in_use.append(pool.checkedout())))
    for client, path, form, hashes in (
        (app.test_client(), "/sign-in", SIGNING_IN, 2),
        (ann, "/account/password", {"current": PASSWORD, "new": "another good one"}, 2),
        (app.test_client(), invitation[0], newcomer(0), 1),
        (app.test_client(), link[0], {"new": "another good one"}, 1),
    ):
        assert client.post(path, data=form).status_code == 303
        assert in_use == [0] * hashes, path
        in_use.clear()


def test_what_happens_while_a_password_is_hashed_holds(
    app: Flask, with_passwords: Cast, client_of: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ada = client_of(with_passwords.ann), client_of(with_passwords.ada)
    ada.post(f"/people/{with_passwords.otto.uid}/password-link")
    link = re.search(r"/password/[\w.-]+", ada.get("/people").text)
    assert link

    def shut_out(account: Account) -> None:
        account.end_sessions()
        account.password_hash = "chosen meanwhile"
        session.add(account)
        session.commit()

    new = {"new": "another good one"}
    for person, client, path, form, status in (
        (with_passwords.ann, ann, "/account/password", {"current": PASSWORD, **new}, 303),
        (with_passwords.otto, app.test_client(), link[0], new, 404),
        (with_passwords.lena, app.test_client(), "/sign-in", SIGNING_IN, 422),
    ):
        monkeypatch.setattr(passwords, "HASHER", Slow(lambda person=person: shut_out(person)))
        assert client.post(path, data=form).status_code == status
        session.refresh(person)
        assert person.password_hash == "chosen meanwhile"
        session.rollback()
        assert client.get("/account").status_code == 303
