"""What every shape of record is turned into: a prompt, its responses, and what was made of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from app.models import AnnotatorKind, Outcome

# An escaped NUL; an even number of backslashes before it belongs to the text itself.
HAS_NUL = "the text has a NUL character"
_NUL = re.compile(rb"(?:^|[^\\])(?:\\\\)*\\u0000")


@dataclass(slots=True)
class Answer:
    """One response; ``sample`` None means the sample that has this text, or the next free one.

    It is never changed: rows may share it.
    Without ``messages`` it is known from votes only, or it is ``empty``: nothing was answered.
    """

    model: str
    messages: bytes | None = None
    digest: bytes | None = None
    sample: int | None = 0
    empty: bool = False


@dataclass(slots=True)
class Vote:
    """A verdict on the item's two answers, in their order.

    ``identity`` is what the row says about itself; an equal row of the same file is told apart by
    its ordinal. ``annotator`` None means the file's own, ``kind`` None what whoever has
    that name is known as.
    """

    outcome: Outcome
    identity: bytes
    annotator: str | None = None
    kind: AnnotatorKind | None = None
    preference: float | None = None
    swapped: bool | None = None
    at: datetime | None = None
    strength: int | None = None
    # Of an export of judgments: what it calls this one, and its pair.
    exported: tuple[str, str] | None = None
    # Whether a new annotator is nobody.
    simulated: bool = False
    # Whether it takes the place of what its annotator said of these very texts before.
    replaces: bool = False
    # Filled in once the row's ordinal is known.
    submission: str = ""


@dataclass(slots=True)
class Item:
    """One record. Two answers and ``paired`` make a comparison; without a vote or gold it is queued.

    Messages, tags and metadata are as they are stored: JSON in UTF-8. An empty ``key`` means that
    the row stands for a prompt of its own, which is not known.
    """

    number: int
    key: str
    messages: bytes | None
    answers: list[Answer]
    paired: bool = False
    gold: Outcome | None = None
    vote: Vote | None = None
    category: str | None = None
    language: str | None = None
    tags: bytes | None = None
    meta: bytes | None = None
    # As it was read, to be given back where it contradicts what is there.
    record: Any = None


def dumped(value: Any) -> bytes:
    """Messages, tags or metadata as they are stored.

    Raises ValueError for text that a database cannot hold.
    """
    text = _json(value)
    if b"\\u0000" in text and _NUL.search(text):
        raise ValueError(HAS_NUL)
    return text


def dumped_text(role: str, text: str) -> bytes:
    """The same for one plain message; most are, and this is what an import spends its time on."""
    if "\x00" in text:
        raise ValueError(HAS_NUL)
    return _json([{"role": role, "content": text}])


def _json(value: Any) -> bytes:
    try:
        # Copied, because orjson leaves a text in the room it took for a longer one.
        return bytes(memoryview(orjson.dumps(value)))
    except TypeError:
        raise ValueError(
            "the text is not valid Unicode (a lone surrogate, or no UTF-8): save the file as UTF-8"
        ) from None


def answer(model: str, messages: bytes, sample: int | None) -> Answer:
    """A response with its text."""
    return Answer(model, messages, digest(messages), sample)


def digest(messages: bytes) -> bytes:
    """Of a response's stored messages, by which texts are told apart without reading them."""
    return sha256(messages).digest()[:16]


@lru_cache(1)
def prompt_key(messages: bytes) -> str:
    """The name of a prompt that came without one: a digest of its stored messages."""
    return sha256(messages).hexdigest()[:24]
