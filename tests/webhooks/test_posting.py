"""Addresses that are not asked, and answers that could do harm."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Delivery, DeliveryState
from app.webhooks import posting
from tests.annotation.arrange import queue
from tests.annotation.desk import JUDGE, send
from tests.conftest import Cast
from tests.webhooks.conftest import Listen, Receiver

ClientOf = Callable[[Account | None], FlaskClient]


def test_no_address_of_a_private_network_is_asked(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project)
    listen()
    app.config["SETTINGS"].webhook_private_addresses = False
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    assert receiver.got == []
    row = session.exec(select(Delivery)).one()
    assert row.status is None
    assert "private" in (row.answer or "")
    assert row.state == DeliveryState.FAILED, "another attempt would find the same"


INSIDE = """
127.0.0.1 10.1.2.3 192.168.0.1 172.16.5.5 169.254.169.254 0.0.0.0 100.64.0.1 224.0.0.1 255.255.255.255
::1 :: fe80::1%eth0 fd00::1 ff02::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_an_address_within_is_told_however_it_is_written(address: str) -> None:
    assert not posting.is_public(address)
    assert posting.is_public("93.184.216.34")
    assert posting.is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_redirect_is_not_followed(
    session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project)
    listen()
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    assert len(receiver.got) == 1
    assert session.exec(select(Delivery.status)).one() == 302


def test_an_answer_without_end_is_cut(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.answer = b"y" * 5_000_000
    found = posting.post(receiver.url, {}, b"{}", private=True)
    assert found.text == "y" * posting.KEPT
    monkeypatch.setattr(posting, "SECONDS", 0.0)
    with pytest.raises(posting.UnreachableError, match="no answer within"):
        posting.post(receiver.url, {}, b"{}", private=True)


@contextmanager
def dripping(first: bytes, more: bytes) -> Iterator[str]:
    """A server that begins to answer, and goes on a few bytes at a time for as long as it is heard."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.sendall(first)
                while True:
                    peer.sendall(more)
                    time.sleep(0.01)

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
    ],
)
def test_an_answer_in_drops_ends_in_time(first: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.2)
    with dripping(first, more) as url, pytest.raises(posting.UnreachableError, match="no answer within"):
        posting.post(url, {}, b"{}", private=True)


def test_the_name_is_resolved_once_and_told_to_the_receiver(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = socket.getaddrinfo, []

    def counted(host: str, *others: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "hooks.example" else host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    port = receiver.url.split(":")[2]
    found = posting.post(f"http://hooks.example:{port}", {}, b"{}", private=True)
    assert (found.status, found.text) == (200, "thanks")
    assert asked.count("hooks.example") == 1
    assert {*asked} <= {"hooks.example", "127.0.0.1"}, "the address is no name to ask for again"
    ((headers, _),) = receiver.got
    assert headers["host"] == f"hooks.example:{port.partition('/')[0]}"


def test_a_compressed_answer_is_kept_as_it_came(receiver: Receiver) -> None:
    receiver.headers, receiver.answer = {"Content-Encoding": "gzip"}, b"no gzip"
    assert posting.post(receiver.url, {}, b"{}", private=True).text == "no gzip"
