"""One request to an address that somebody chose: to no machine of ours, in bounded time and memory.

The name is resolved once, and the address that was looked at is the one connected to: a second
resolution could give another. Redirects are answers like any other.
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS = 10.0
# Of an answer: its headers, and as much of its body as is kept.
MOST_READ = 16_384
KEPT = 500

# Addresses within which an IPv4 address hides.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class UnreachableError(Exception):
    """No answer, and why."""


@dataclass(frozen=True)
class Answer:
    """What came back: a status, and the beginning of the body."""

    status: int
    text: str


def post(url: str, headers: dict[str, str], body: bytes, *, private: bool) -> Answer:
    """POST and read the answer. Raises UnreachableError."""
    deadline = time.monotonic() + SECONDS
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        address = _resolved(host, parts.port or (443 if parts.scheme == "https" else 80), private=private)
        with _connected(address, host, deadline, secure=parts.scheme == "https") as connection:
            connection.sendall(_request(url, headers, body))
            return _answer(connection, deadline)
    except TimeoutError as error:
        raise UnreachableError(f"no answer within {SECONDS:.0f} seconds") from error
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise UnreachableError(str(error) or type(error).__name__) from error


def _resolved(host: str, port: int, *, private: bool) -> tuple[str, int]:
    """The first address of a host, every one of which may be connected to."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(map(is_public, found)):
        raise UnreachableError("the address is private, and webhooks go to public ones only")
    return found[0], port


def is_public(address: str) -> bool:
    """Whether an address is nobody's own network, however it is written."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _TRANSLATED:
            hidden = ipaddress.IPv4Address(ip.packed[-4:])
        if hidden:
            return is_public(str(hidden))
    return ip.is_global and not ip.is_multicast


def _connected(address: tuple[str, int], host: str, deadline: float, *, secure: bool) -> socket.socket:
    plain = socket.create_connection(address, timeout=_left(deadline))
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _request(url: str, headers: dict[str, str], body: bytes) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _answer(connection: socket.socket, deadline: float) -> Answer:
    received = b""
    while len(received) < MOST_READ and not _is_whole(received):
        connection.settimeout(_left(deadline))
        block = connection.recv(4096)
        if not block:
            break
        received += block
    answer = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type]
    answer.begin()
    try:
        body = answer.read(KEPT)
    except http.client.IncompleteRead as cut:
        body = cut.partial
    return Answer(answer.status, body.decode("utf-8", "replace").replace("\0", "")[:KEPT])


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d{1,9})", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= min(int(length[1]), KEPT)


class _Received:
    """What was received, in the place of the socket it came from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.data)
