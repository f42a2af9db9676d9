"""One request to an address that somebody chose: to no machine of ours, in bounded time and memory.

The name is resolved once, and the address that was looked at is the one connected to: a second
resolution could give another. Redirects are answers like any other.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

SECONDS = 10.0
# Of an answer's body.
KEPT = 500

# Addresses within which an IPv4 address hides.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class UnreachableError(Exception):
    """No answer, and why."""


class PrivateError(UnreachableError):
    """The address is within somebody's own network; another attempt would find it there again."""

    def __init__(self) -> None:
        super().__init__("the address is private, and webhooks go to public ones only")


@dataclass(frozen=True)
class Answer:
    """What came back: a status, and the beginning of the body."""

    status: int
    text: str


def post(url: str, headers: dict[str, str], body: bytes, *, private: bool) -> Answer:
    """POST and read the answer. Raises UnreachableError."""
    deadline = time.monotonic() + SECONDS
    parts = urlsplit(url)
    try:
        with _connected(parts, private=private) as connection, _cut_off(connection, deadline):
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            sent = {**headers, "Host": parts.netloc, "Connection": "close"}
            # Read below, and as it came: one that is inflated could be of any size.
            connection.request("POST", target, body, sent, preload_content=False, decode_content=False)
            answer = connection.getresponse()
            text = answer.read(KEPT).decode("utf-8", "replace").replace("\0", "")
            if time.monotonic() >= deadline:
                raise TimeoutError("cut off")
    except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException, UnicodeError) as error:
        if time.monotonic() >= deadline:
            raise UnreachableError(f"no answer within {SECONDS:.0f} seconds") from error
        raise UnreachableError(str(error) or type(error).__name__) from error
    return Answer(answer.status, text[:KEPT])


@contextmanager
def _connected(parts: SplitResult, *, private: bool) -> Iterator[HTTPConnection]:
    """Connected to the address that was looked at, which must prove to be the host that was named."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    address, port = _resolved(host, parts.port or (443 if secure else 80), private=private)
    connection = (
        HTTPSConnection(
            address,
            port,
            timeout=SECONDS,
            ssl_context=ssl.create_default_context(),
            server_hostname=host,
        )
        if secure
        else HTTPConnection(address, port, timeout=SECONDS)
    )
    try:
        connection.connect()
        yield connection
    finally:
        connection.close()


@contextmanager
def _cut_off(connection: HTTPConnection, deadline: float) -> Iterator[None]:
    """Shut at the deadline: a peer that sends a byte now and then never times out."""
    there = connection.sock

    def shut() -> None:
        with suppress(OSError):
            there.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline - time.monotonic(), shut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _resolved(host: str, port: int, *, private: bool) -> tuple[str, int]:
    """The first address of a host, every one of which may be connected to."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(map(is_public, found)):
        raise PrivateError
    return found[0], port


def is_plainly_private(host: str) -> bool:
    """Whether a host says by itself that it is private; a name may still turn out to be."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    # Resolvers read 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 as 127.0.0.1.
    with suppress(OSError):
        host = socket.inet_ntoa(socket.inet_aton(host))
    try:
        return not is_public(host)
    except ValueError:
        return False


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
