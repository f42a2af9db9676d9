"""What every shape of record is turned into: a prompt, its responses, and what was made of them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.models import AnnotatorKind, Outcome

# An escaped NUL; an even number of backslashes before it belongs to the text itself.
_NUL = re.compile(r"(?:^|[^\\])(?:\\\\)*\\u0000")


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


def dumped(value: Any) -> str:
    """Messages, tags or metadata as they are stored.

    Raises ValueError for text that a database cannot hold.
    """
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        raise ValueError(
            "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)"
        ) from None
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("the text has a NUL character")
    return text


def digest(text: str) -> bytes:
    """Of a response's stored messages: tells a repeated import from a conflicting one."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def prompt_key(messages: str) -> str:
    """The name of a prompt that came without one: a digest of its stored messages."""
    return hashlib.blake2b(messages.encode(), digest_size=12).hexdigest()
