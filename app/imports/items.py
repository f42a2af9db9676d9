"""What every shape of record is turned into: a prompt, its responses, and what was made of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from app.models import AnnotatorKind, Message, Outcome

# An escaped NUL; an even number of backslashes before it belongs to the text itself.
_NUL = re.compile(rb"(?:^|[^\\])(?:\\\\)*\\u0000")


@dataclass(slots=True)
class Answer:
    """One response; ``sample`` None means the sample that has this text, or the next free one."""

    model: str
    messages: str | None = None
    digest: bytes | None = None
    sample: int | None = 0


@dataclass(slots=True)
class Vote:
    """A verdict on the item's two answers, in their order.

    ``identity`` is what the row says about itself; an equal row of the same file is told apart by
    its ordinal. ``annotator`` None means the file's own.
    """

    outcome: Outcome
    identity: bytes
    annotator: str | None = None
    kind: AnnotatorKind = AnnotatorKind.HUMAN
    preference: float | None = None
    swapped: bool | None = None
    at: datetime | None = None
    # Filled in once the row's ordinal is known.
    submission: str = ""


@dataclass(slots=True)
class Item:
    """One record. Two answers and ``paired`` make a comparison; without a vote or gold it is queued.

    An empty ``key`` means that the row stands for a prompt of its own, which is not known.
    """

    number: int
    key: str
    messages: str | None
    answers: list[Answer]
    paired: bool = False
    gold: Outcome | None = None
    vote: Vote | None = None
    category: str | None = None
    language: str | None = None
    tags: str | None = None
    meta: str | None = None


def dumped(value: Any) -> bytes:
    """Messages, tags or metadata as they are stored.

    Raises ValueError for text that a database cannot hold.
    """
    try:
        text = orjson.dumps(value)
    except TypeError:
        raise ValueError(
            "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)"
        ) from None
    if b"\\u0000" in text and _NUL.search(text):
        raise ValueError("the text has a NUL character")
    return text


def answer(model: str, messages: list[Message], sample: int | None) -> Answer:
    """A response with its text."""
    text = dumped(messages)
    return Answer(model, text.decode(), digest(text), sample)


def digest(messages: bytes) -> bytes:
    """Of a response's stored messages: tells a repeated import from a conflicting one."""
    return blake2b(messages, digest_size=16).digest()


def prompt_key(messages: bytes) -> str:
    """The name of a prompt that came without one: a digest of its stored messages."""
    return blake2b(messages, digest_size=12).hexdigest()
