"""Connections that are open and say nothing, as browsers keep some in reserve, hold nobody up."""

import http.client
import socket
from contextlib import ExitStack

from app.settings import Settings
from tests.conftest import Cast
from tests.faults.servers import served


def test_others_are_answered_all_the_same(settings: Settings, cast: Cast) -> None:
    with served(settings) as (port, _), ExitStack() as reserve:
        address = "127.0.0.1", port
        idle = [reserve.enter_context(socket.create_connection(address, timeout=10)) for _ in range(64)]
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asked.request("GET", "/healthz")
        assert asked.getresponse().status == 200
        # One that speaks up after all is heard.
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle[0].recv(12) == b"HTTP/1.1 200"
