"""A receiver of webhooks, and how a project tells it something."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
from flask import Flask

from app.models import Account
from tests.conftest import Cast

Bearer = Callable[[Account], dict[str, str]]
API = "/api/v1/projects/birds/webhooks"


@dataclass
class Receiver:
    """A server that keeps what it is sent and answers as it is told."""

    url: str = ""
    status: int = 200
    answer: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.got]


@pytest.fixture
def receiver(app: Flask) -> Iterator[Receiver]:
    """On this machine, which a setting allows here."""
    there = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(there.status)
            for name, value in there.headers.items():
                self.send_header(name, value)
            self.end_headers()
            # Who has heard enough hangs up.
            with suppress(ConnectionError):
                self.wfile.write(there.answer)

        def log_message(self, *_: object) -> None:
            pass

    app.config["SETTINGS"].webhook_private_addresses = True
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        there.url = f"http://127.0.0.1:{server.server_port}/hook?from=birds"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield there
        server.shutdown()
        thread.join()


Listen = Callable[..., dict[str, Any]]


@pytest.fixture
def listen(app: Flask, cast: Cast, bearer: Bearer, receiver: Receiver) -> Listen:
    """Registers the receiver over the API."""
    lena = bearer(cast.lena)

    def add(*events: str) -> dict[str, Any]:
        made = app.test_client().post(
            API, json={"url": receiver.url, "events": events or ["judgment"]}, headers=lena
        )
        assert made.status_code == 201, made.text
        return dict(made.json)  # type: ignore[arg-type]

    return add
