"""Signing in, staying signed in, and being kept out."""

from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app import create_app
from app.accounts import passwords, people
from app.accounts.setup import link, setup_code
from app.models import Account, AuditEvent, SignInFailure, now
from app.settings import Settings
from tests.conftest import Cast

PASSWORD = "correct horse battery"

# What a proxy may give in place of an address, longer than the count's column.
LONG_NAME = f"_{'hidden' * 60}"


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, query: str = "") -> Any:
    return client.post(f"/sign-in{query}", data={"email": email, "password": password})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def test_sign_in_and_out(app: Flask, with_passwords: Cast, session: Session) -> None:
    client = app.test_client()
    answer = sign_in(client, " ANN@example.org ")
    assert (answer.status_code, answer.location) == (303, "/")
    assert is_signed_in(client)
    assert session.exec(select(AuditEvent.subject).where(AuditEvent.verb == "account.sign_in")).all() == [
        "account:ann@example.org"
    ]

    assert client.post("/sign-out").status_code == 303
    answer = client.get("/account")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/account")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.org", "wrong"),
        ("ann@example.org", ""),
        ("nobody@example.org", PASSWORD),
        ("", PASSWORD),
        ("rui@example.org", PASSWORD),  # has no password yet
    ],
)
def test_wrong_password_and_unknown_address_read_the_same(
    app: Flask, with_passwords: Cast, email: str, password: str
) -> None:
    client = app.test_client()
    answer = sign_in(client, email, password)
    assert answer.status_code == 422
    assert "Email or password is wrong" in answer.text
    assert f'value="{email}"' in answer.text or not email
    assert PASSWORD not in answer.text
    assert not is_signed_in(client)


def test_a_form_without_fields_says_which(app: Flask, with_passwords: Cast) -> None:
    answer = app.test_client().post("/sign-in", data={})
    assert answer.status_code == 422
    assert answer.text.count("This is required") >= 2


def test_disabled_account_learns_so_only_with_its_password(
    app: Flask, with_passwords: Cast, session: Session
) -> None:
    with_passwords.ann.disabled_at = now()
    session.add(with_passwords.ann)
    session.commit()
    client = app.test_client()
    assert "Email or password is wrong" in sign_in(client, "ann@example.org", "guess").text
    answer = sign_in(client, "ann@example.org")
    assert answer.status_code == 403
    assert "disabled" in answer.text
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/p/birds/?a=1%262", "/p/birds/?a=1&2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/%09/evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("", "/"),
    ],
)
def test_next_leads_only_to_this_site(app: Flask, with_passwords: Cast, wanted: str, location: str) -> None:
    client = app.test_client()
    assert sign_in(client, "ann@example.org", query=f"?next={wanted}").location == location
    # Somebody signed in already is sent on as well.
    assert client.get(f"/sign-in?next={wanted}").location == location


def test_ten_wrong_guesses_at_an_account_close_it_to_where_they_came_from(
    app: Flask, with_passwords: Cast, session: Session
) -> None:
    client = app.test_client()
    for _ in range(10):
        assert sign_in(client, "ann@example.org", "guess").status_code == 422
    answer = sign_in(client, "ann@example.org")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60 + 1
    assert "with this email from your network" in answer.text
    assert "try again in 15 min" in answer.text
    assert sign_in(app.test_client(), "lena@example.org").status_code == 303, (
        "her neighbours are not affected"
    )
    elsewhere = app.test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.1"
    assert sign_in(elsewhere, "ann@example.org").status_code == 303, "nor is she, elsewhere"

    for row in session.exec(select(SignInFailure)):
        row.at -= timedelta(minutes=15)
    session.commit()
    assert sign_in(client, "ann@example.org").status_code == 303
    session.expire_all()
    assert not session.exec(select(SignInFailure)).all(), "old failures are not kept"


@pytest.fixture
def two_attempts(app: Flask) -> None:
    """Fewer hashes to wait for: two failures close an account to an address, twenty either alone."""
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"sign_in_attempts": 2})


@pytest.mark.usefixtures("two_attempts")
def test_many_wrong_guesses_from_an_address_close_the_address(app: Flask, with_passwords: Cast) -> None:
    client = app.test_client()
    for number in range(20):
        # One customer's addresses in the same IPv6 network are one address.
        client.environ_base["REMOTE_ADDR"] = f"2001:db8::{number:x}"
        assert sign_in(client, f"guess{number}@example.org").status_code == 422
    answer = sign_in(client, "ann@example.org")
    assert answer.status_code == 429
    assert "from your network, with whatever email" in answer.text
    client.environ_base["REMOTE_ADDR"] = "2001:db8:0:1::1"
    assert sign_in(client, "ann@example.org").status_code == 303


@pytest.mark.usefixtures("two_attempts")
def test_an_address_is_the_same_however_a_proxy_writes_it(app: Flask, with_passwords: Cast) -> None:
    client = app.test_client()

    def guess(address: str) -> int:
        client.environ_base["REMOTE_ADDR"] = address
        return int(sign_in(client, "ann@example.org", "guess").status_code)

    # Two failures close the account to the place: the third says that the first two were of one place.
    for forms in (
        ("203.0.113.5:51234", "::ffff:203.0.113.5", "203.0.113.5"),
        ("[2001:db8::1]:443", "[2001:db8::2]", "2001:db8::3"),
        (LONG_NAME, f"{LONG_NAME}:80", LONG_NAME),
    ):
        assert [guess(address) for address in forms] == [422, 422, 429]
    assert guess("::ffff:203.0.113.6") == 422, "not all of IPv4 is one network"


@pytest.mark.usefixtures("two_attempts")
def test_many_wrong_guesses_from_everywhere_close_the_account(app: Flask, with_passwords: Cast) -> None:
    client = app.test_client()
    for number in range(20):
        client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        assert sign_in(client, "ann@example.org", "guess").status_code == 422
    answer = sign_in(app.test_client(), "ann@example.org")
    assert answer.status_code == 429
    assert "with this email, from wherever" in answer.text
    assert sign_in(client, "lena@example.org").status_code == 303


@pytest.mark.usefixtures("two_attempts")
def test_a_right_password_does_not_reset_the_address(app: Flask, with_passwords: Cast) -> None:
    client = app.test_client()
    for number in range(19):
        sign_in(client, f"guess{number}@example.org")
    assert sign_in(client, "otto@example.org").status_code == 303
    assert sign_in(client, "lena@example.org", "guess").status_code == 422
    assert sign_in(client, "otto@example.org").status_code == 429


def test_a_session_outlives_a_restart(
    app: Flask, with_passwords: Cast, settings: Settings, session: Session
) -> None:
    client = app.test_client()
    answer = sign_in(client, "ann@example.org")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires=" in cookie, "it survives closing the browser too"

    restarted = create_app(settings)
    later = restarted.test_client()
    kept = client.get_cookie("tiebreak")
    assert kept is not None
    later.set_cookie("tiebreak", kept.value)
    assert is_signed_in(later)
    restarted.extensions["engine"].dispose()


def test_signing_in_begins_a_new_session(app: Flask, with_passwords: Cast) -> None:
    client = app.test_client()
    with client.session_transaction() as planted:
        planted["planted"] = "by somebody else"
    sign_in(client, "ann@example.org")
    with client.session_transaction() as cookie:
        assert "planted" not in cookie


def test_a_hash_of_older_parameters_is_renewed(app: Flask, with_passwords: Cast, session: Session) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    with_passwords.ann.password_hash = weak
    session.add(with_passwords.ann)
    session.commit()
    assert sign_in(app.test_client(), "ann@example.org").status_code == 303
    session.refresh(with_passwords.ann)
    assert with_passwords.ann.password_hash != weak
    assert passwords.fits(with_passwords.ann.password_hash, PASSWORD)


def test_a_copied_cookie_is_worthless_after_signing_out(
    app: Flask, with_passwords: Cast, session: Session
) -> None:
    here, elsewhere = app.test_client(), app.test_client()
    for client in (here, elsewhere):
        sign_in(client, "ann@example.org")
    copied = here.get_cookie("tiebreak")
    assert copied is not None
    thief = app.test_client()
    thief.set_cookie("tiebreak", copied.value)
    assert is_signed_in(thief)
    here.post("/sign-out")
    verbs = session.exec(select(AuditEvent.verb).order_by(AuditEvent.id)).all()  # type: ignore[arg-type]
    assert verbs == ["account.sign_in"] * 2 + ["account.sign_out"]
    assert not is_signed_in(thief)
    assert thief.post("/p/birds/judge").status_code == 303, "the fast way in knows it too"
    assert is_signed_in(elsewhere), "the other browser was not signed out"
    assert elsewhere.post("/p/birds/judge").status_code != 303


def test_signing_out_ever_again_costs_no_more(
    app: Flask, with_passwords: Cast, client_of: Any, session: Session
) -> None:
    ann = with_passwords.ann
    for number in range(people.MOST_ENDED):
        people.end_session(session, ann, f"browser-{number}")
        session.flush()
    session.commit()
    assert is_signed_in(client_of(ann))
    stays = client_of(ann)
    people.end_session(session, ann, "one more")
    session.commit()
    assert not is_signed_in(stays), "one too many ends all of them"
    assert ann.ended_sessions == ""


def test_a_forged_cookie_is_nobody(app: Flask, with_passwords: Cast) -> None:
    for value in ("", "ann", f"{with_passwords.ann.id}", f"{with_passwords.ann.id}:guess", "9999:x"):
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = value
        assert not is_signed_in(client)


def test_unknown_addresses_cost_a_hash_too(
    app: Flask, with_passwords: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    hasher = passwords.HASHER

    class Counting:
        def hash(self, password: str) -> str:
            return hasher.hash(password)

        def verify(self, kept: str, password: str) -> bool:
            checked.append(password)
            return hasher.verify(kept, password)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    sign_in(app.test_client(), "nobody@example.org", "one")
    sign_in(app.test_client(), "ann@example.org", "two")
    assert checked == ["one", "two"]


def test_first_admin_needs_the_code(app: Flask, settings: Settings, session: Session) -> None:
    client = app.test_client()
    assert client.get("/sign-in").location == "/welcome"
    code = setup_code(settings)
    printed = link(session, settings, "http://127.0.0.1:8000")
    assert printed == f"http://127.0.0.1:8000/welcome?code={code}"
    assert code in client.get(printed).text, "the printed link fills it in"
    form = {"code": "guess", "email": "Ada@example.org", "name": "Ada", "password": PASSWORD}
    answer = client.post("/welcome", data=form)
    assert answer.status_code == 422
    assert "not the code" in answer.text
    assert not session.exec(select(Account)).all()
    session.rollback()

    assert client.post("/welcome", data=form | {"code": code.upper()}).status_code == 303
    assert is_signed_in(client)
    [ada] = session.exec(select(Account)).all()
    assert (ada.email, ada.is_admin) == ("ada@example.org", True)

    assert link(session, settings, "") is None
    stranger = app.test_client()
    assert stranger.get("/welcome").location == "/sign-in"
    again = stranger.post("/welcome", data=form | {"code": code, "email": "eve@example.org"})
    assert again.status_code == 409
    assert not is_signed_in(stranger)
