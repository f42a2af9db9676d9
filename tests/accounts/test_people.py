"""The site's people, as its admins see them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from app.models import Account, AuditEvent, SiteRole
from tests.conftest import Cast

PASSWORD = "correct horse battery"


def test_only_admins_come_here(cast: Cast, client_of: Any, app: Flask) -> None:
    assert client_of(cast.lena).get("/people").status_code == 403
    assert app.test_client().get("/people").status_code == 303
    for action in ("disable", "enable", "password-link", "role"):
        answer = client_of(cast.lena).post(f"/people/{cast.ann.uid}/{action}", data={"role": "admin"})
        assert answer.status_code == 403
    assert client_of(cast.lena).post("/people/invitations").status_code == 403


def test_find_somebody(cast: Cast, client_of: Any) -> None:
    ada = client_of(cast.ada)
    assert "8 accounts" in ada.get("/people").text
    page = ada.get("/people?q=OTT").text
    assert "otto@example.org" in page
    assert "ann@example.org" not in page
    assert "0 accounts" in ada.get("/people?q=%25").text, "a percent sign is only itself"


def test_disable_and_enable(with_passwords: Cast, client_of: Any, app: Flask) -> None:
    ada, ann = client_of(with_passwords.ada), client_of(with_passwords.ann)
    assert ada.post(f"/people/{with_passwords.ann.uid}/disable").status_code == 303
    assert ann.get("/account").status_code == 303, "the session ends at once"
    assert "disabled" in ada.get("/people").text
    ada.post(f"/people/{with_passwords.ann.uid}/enable")
    form = {"email": "ann@example.org", "password": PASSWORD}
    assert app.test_client().post("/sign-in", data=form).status_code == 303


def test_make_an_admin(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    client_of(cast.ada).post(f"/people/{cast.lena.uid}/role", data={"role": "admin"})
    assert lena.get("/people").status_code == 200
    event = session.exec(select(AuditEvent)).one()
    assert (event.verb, event.detail) == ("account.role", {"role": {"from": "member", "to": "admin"}})
    session.commit()
    lena.post(f"/people/{cast.ada.uid}/role", data={"role": "member"})
    assert client_of(cast.ada).get("/people").status_code == 403


def test_what_changes_rights_asks_first(cast: Cast, client_of: Any, session: Session) -> None:
    cast.otto.role = SiteRole.ADMIN
    session.commit()
    page = client_of(cast.ada).get("/people").text

    def in_a_fold(person: Account, action: str) -> bool:
        before = page[: page.index(f'action="/people/{person.uid}/{action}"')]
        return before.rindex("<details") > max(before.rindex("</details>"), before.rindex("<tr>"))

    asked = [(cast.ann, "role"), (cast.ann, "disable"), (cast.ada, "role"), (cast.otto, "disable")]
    for person, action in asked:
        assert in_a_fold(person, action), (person.name, action)
    assert "Only another admin can make you one again" in page
    assert "Make Ann" in page


@pytest.mark.parametrize("action", ["disable", "role"])
def test_the_last_admin_stays(cast: Cast, client_of: Any, session: Session, action: str) -> None:
    answer = client_of(cast.ada).post(f"/people/{cast.ada.uid}/{action}", data={"role": "member"})
    assert answer.status_code == 409
    assert "only admin" in answer.text
    session.refresh(cast.ada)
    assert cast.ada.is_active
    assert cast.ada.role == SiteRole.ADMIN


def test_a_password_link(with_passwords: Cast, client_of: Any, app: Flask) -> None:
    ada = client_of(with_passwords.ada)
    answer = ada.post(f"/people/{with_passwords.ann.uid}/password-link")
    found = re.search(r"http://localhost(/password/[\w.-]+)", ada.get(answer.location).text)
    assert found
    link, client = found[1], app.test_client()
    assert "ann@example.org" in client.get(link).text
    assert client.post(link, data={"new": "short"}).status_code == 422
    assert client.post(link, data={"new": "another good one"}).status_code == 303
    assert client.get("/account").status_code == 200
    used = app.test_client().get(link)
    assert used.status_code == 404
    assert "used already" in used.text
    assert app.test_client().get(link + "x").status_code == 404


def test_the_record_of_the_site(cast: Cast, client_of: Any) -> None:
    ada = client_of(cast.ada)
    ada.post(f"/people/{cast.ann.uid}/disable")
    client_of(cast.lena).post("/account/name", data={"name": "Lenka"})
    page = ada.get("/people/audit").text
    assert page.index("account.rename") < page.index("account.disable")
    assert "Lena → Lenka" in page
    assert "account.rename" not in ada.get("/people/audit?verb=account.disable").text
    assert client_of(cast.lena).get("/people/audit").status_code == 403


def test_pages_of_many_people_cost_the_same(
    cast: Cast, client_of: Any, session: Session, count_queries: Callable[[], Any]
) -> None:
    ada = client_of(cast.ada)
    with count_queries() as few:
        ada.get("/people")
    session.add_all(Account(email=f"{n}@example.org", name=f"Person {n:03}") for n in range(120))
    session.commit()
    with count_queries() as many:
        page = ada.get("/people").text
    assert len(many) == len(few)
    assert "128 accounts" in page
    assert page.count("@example.org</div></th>") == 50
    assert "Person 119" in ada.get("/people?page=3").text
    assert ada.get("/people?page=99").status_code == 200
