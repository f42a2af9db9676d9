"""Who sets webhooks up, and what is refused."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Delivery, Project, Webhook
from tests.conftest import Cast
from tests.webhooks.conftest import Listen, Receiver

ClientOf = Callable[[Account | None], FlaskClient]
Bearer = Callable[[Account], dict[str, str]]
API = "/api/v1/projects/birds/webhooks"


def test_a_lead_manages_webhooks_by_page(
    session: Session, cast: Cast, client_of: ClientOf, receiver: Receiver
) -> None:
    lena = client_of(cast.lena)
    made = lena.post("/p/birds/webhooks", data={"url": receiver.url, "events": ["judgment", "alert"]})
    assert made.status_code == 303, made.text
    page = lena.get(made.location)
    secret = session.exec(select(Webhook.secret)).one()
    assert secret in page.text
    assert secret not in lena.get(made.location).text, "once"
    assert lena.post(f"{made.location}/test").status_code == 303
    assert receiver.told[0]["type"] == "webhook.test"
    assert "webhook.test" in lena.get(made.location).text
    session.rollback()
    delivery = session.exec(select(Delivery.uid)).one()
    lena.post(f"{made.location}/deliveries/{delivery}/resend")
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [delivery, delivery]
    lena.post(made.location, data={"url": "https://example.org/new", "events": ["batch"]})
    session.rollback()
    assert session.exec(select(Webhook.url, Webhook.on_batch)).one() == ("https://example.org/new", True)
    lena.post(f"{made.location}/disable")
    assert lena.post(f"{made.location}/test").status_code == 409
    lena.post(f"{made.location}/remove")
    session.rollback()
    assert session.exec(select(Webhook)).all() == []
    assert lena.get(made.location).status_code == 404


ODD = ("0x7f000001", "2130706433", "127.1", "0177.0.0.1", "0", "localhost.")


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("ftp://example.org", ["judgment"]),
        ("https://", ["judgment"]),
        ("https://user:word@example.org/", ["judgment"]),
        ("https://example.org:99999/", ["judgment"]),
        ("https://exa mple.org/", ["judgment"]),
        ("javascript:alert(1)", ["judgment"]),
        ("https://example.org/\r\nX-More: 1", ["judgment"]),
        ("https://example.org/" + "x" * 2000, ["judgment"]),
        ("http://127.0.0.1:8000/hook", ["judgment"]),
        ("http://[::1]/hook", ["judgment"]),
        *((f"http://{host}/", ["judgment"]) for host in ODD),
        ("https://localhost/hook", ["judgment"]),
        ("https://example.org/", []),
        ("https://example.org/", ["everything"]),
    ],
)
def test_what_is_no_webhook_is_refused(
    app: Flask, cast: Cast, client_of: ClientOf, bearer: Bearer, url: str, events: list[str]
) -> None:
    page = client_of(cast.lena).post("/p/birds/webhooks", data={"url": url, "events": events})
    assert page.status_code == 422
    api = app.test_client().post(API, json={"url": url, "events": events}, headers=bearer(cast.lena))
    assert api.status_code == 422
    assert api.mimetype == "application/problem+json"


def test_only_a_lead_knows_of_them(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, listen: Listen, client_of: ClientOf
) -> None:
    made = listen()
    assert made["secret"] not in app.test_client().get(API, headers=bearer(cast.lena)).text
    for who in (cast.rui, cast.ann, cast.rosa, cast.vic):
        assert client_of(who).get(f"/p/birds/webhooks/{made['uid']}").status_code == 403
        assert app.test_client().get(API, headers=bearer(who)).status_code == 403
    assert app.test_client().get(API, headers=bearer(cast.otto)).status_code == 404
    other = Project(slug="fish", name="Fish")
    session.add(other)
    session.commit()
    elsewhere = client_of(cast.ada).get(f"/p/fish/webhooks/{made['uid']}")
    assert elsewhere.status_code == 404


def test_there_are_ten_at_most(app: Flask, cast: Cast, bearer: Bearer) -> None:
    client, lena = app.test_client(), bearer(cast.lena)
    given = {"url": "https://example.org/", "events": ["batch"]}
    codes = [client.post(API, json=given, headers=lena).status_code for _ in range(11)]
    assert codes == [201] * 10 + [409]
