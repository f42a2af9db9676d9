"""Cutting a JSON document into its records without reading it whole.

Only strings and brackets matter to see where a record ends; what is between is parsed by a real
parser, record by record, so that one bad record costs one row and not the file.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

STEP = 256 * 1024

# A whole string, a bracket, or the quote of a string that goes on after what was read so far.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]"]', re.DOTALL)
_LIST_OF_OBJECTS = re.compile(rb"\s*:\s*\[\s*\{")


class BrokenError(Exception):
    """The document does not hold together; the message says where and how."""


class TooLongError(Exception):
    """One record is longer than the limit."""


def find_list(head: bytes, names: frozenset[str]) -> int | None:
    """Where the list begins that a JSON object keeps its records in, under one of the names."""
    depth = 0
    for token in _TOKEN.finditer(head):
        first = token.group()[:1]
        if first in b"{[":
            depth += 1
        elif first in b"}]":
            depth -= 1
        elif depth == 1 and token.group()[1:-1].decode(errors="replace") in names:
            follows = _LIST_OF_OBJECTS.match(head, token.end())
            if follows:
                return head.index(b"[", token.end())
        if depth == 0:
            return None
    return None


def split(stream: BinaryIO, limit: int, *, in_list: bool, wrapped: bool = False) -> Iterator[bytes]:
    """Each object of a list, or of a sequence of objects; the stream is at its first bracket.

    ``wrapped``: the list is a field of an object that may have others after it. At most about
    ``limit`` bytes are held. Raises BrokenError and TooLongError.
    """
    cutter = _Cutter(in_list, wrapped)
    while more := stream.read(max(STEP, len(cutter.rest))):
        yield from cutter.feed(more)
        if len(cutter.rest) > limit + STEP:
            raise TooLongError
    cutter.end()


class _Cutter:
    def __init__(self, in_list: bool, wrapped: bool) -> None:
        self.wrapped = wrapped
        self.rest = b""
        self.depth = 0
        # Depth at which records lie, and where in ``rest`` to go on looking.
        self.floor = 1 if in_list else 0
        self.scanned = 0
        self.start = -1
        self.ended = False
        self.first = True

    def feed(self, more: bytes) -> Iterator[bytes]:
        buffer = self.rest + more
        if self.ended:
            self._after(buffer)
            return
        done, position = 0, self.scanned
        for token in _TOKEN.finditer(buffer, self.scanned):
            text = token.group()
            if text == b'"':
                position = token.start()
                break
            position = token.end()
            if text in (b"{", b"["):
                done = self._open(buffer, done, token.start())
            elif text in (b"}", b"]"):
                record_end = self._close(buffer, done, token.start())
                if record_end:
                    yield buffer[self.start : record_end]
                    done, self.start = record_end, -1
                elif self.ended:
                    self._after(buffer[token.end() :])
                    return
        else:
            position = len(buffer)
        keep = self.start if self.start >= 0 else done
        self.rest, self.scanned = buffer[keep:], position - keep
        self.start = 0 if self.start >= 0 else -1

    def _open(self, buffer: bytes, done: int, at: int) -> int:
        if self.depth == self.floor:
            expected = b"," if self.floor and not self.first else b""
            if buffer[done:at].strip() != expected:
                raise BrokenError(f"found {_shown(buffer[done:at])} between two records")
            self.start, self.first = at, False
        self.depth += 1
        return at + 1 if self.depth == self.floor else done

    def _close(self, buffer: bytes, done: int, at: int) -> int:
        self.depth -= 1
        if self.depth == self.floor and self.start >= 0:
            return at + 1
        if self.depth < self.floor:
            if buffer[done:at].strip():
                raise BrokenError(f"found {_shown(buffer[done:at])} before the end of the list")
            self.ended = True
        return 0

    def _after(self, follows: bytes) -> None:
        """What comes after the list is not read, but that a wrapping object is closed is."""
        if not self.wrapped and follows.strip():
            raise BrokenError(f"found {_shown(follows)} after the end of the list")
        self.rest = follows.rstrip()[-1:] or self.rest[-1:]

    def end(self) -> None:
        """Say so if the document stops too early."""
        if self.start >= 0 or (self.floor and not self.ended) or (self.wrapped and self.rest != b"}"):
            raise BrokenError("the end is missing")
        if not self.ended and self.rest.strip():
            raise BrokenError(f"found {_shown(self.rest)} after the last record")


def _shown(found: bytes) -> str:
    return repr(found.strip()[:40].decode(errors="replace"))
