"""Tells texts that may be trained on from those that may not, and why."""

import sys
from collections.abc import Sequence
from operator import eq
from typing import Any

import orjson

from app.words import N_

# Reasons in the words the page and the manifest show.
TEXTLESS = N_("came as a vote without texts, or as one more on its pair by nobody named")
SAME_TEXT = N_("both responses say the same")
EMPTY = N_("a side is empty")
UNSUPPORTED = N_("holds more than text turns")
NOT_ASKED = N_("prompt does not end with a question to answer")

# How one plain turn begins when it is stored, where its words do, and what follows them.
ASKS = '[{"role":"user","content":"'
ANSWERS = '[{"role":"assistant","content":"'
ASKED, ANSWERED = len(ASKS), len(ANSWERS)
ENDS = '"}]'
# Looked at one by one in what is said; of more, parsing is the quicker way.
QUOTES = 8
# What a turn that says something does not begin with; after a backslash a blank may follow.
NO_WORD = {'"', "\\", *filter(str.isspace, map(chr, range(sys.maxunicode)))}

Messages = list[dict[str, Any]]

# Not a set: what is stored as a role may be unhashable.
TEXT_ROLES = ("system", "user", "assistant")


def fitness(
    prompts: Sequence[str | None], a: Sequence[str | None], b: Sequence[str | None]
) -> tuple[list[bool], list[str | None]]:
    """Of each: whether its texts are one plain turn, and why they cannot be a training row, if they cannot.

    The first is told without parsing most; it may be false of some that are.
    """
    are_one = (_are_one(prompts, ASKS), _are_one(a, ANSWERS), _are_one(b, ANSWERS))
    is_plain = list(map(all, zip(*are_one, strict=True)))
    if all(is_plain) and not any(map(eq, a, b)):
        return is_plain, [None] * len(is_plain)
    problems = [
        None if plain and one != other else _problem(prompt, one, other)
        for plain, prompt, one, other in zip(is_plain, prompts, a, b, strict=True)
    ]
    return is_plain, problems


def _problem(prompt: str | None, a: str | None, b: str | None) -> str | None:
    if prompt is None or a is None or b is None:
        return TEXTLESS
    return SAME_TEXT if a == b else _trouble(orjson.loads(prompt), orjson.loads(a), orjson.loads(b))


def _are_one(texts: Sequence[str | None], begins: str) -> list[bool]:
    """Which messages are one plain turn that says something; it may be false of some that are."""
    first, ends = len(begins), len(ENDS)
    # Slices, because they are compared sooner than methods are called.
    return [
        text is not None
        and text[:first] == begins
        and text[first] not in NO_WORD
        and ((mark := text.find('"', first)) == len(text) - ends or _is_one_turn(text, mark))
        for text in texts
    ]


def _is_one_turn(text: str, mark: int) -> bool:
    """Whether marks within what is said, of which this is the first, are what it quotes, and none ends it."""
    last = len(text) - len(ENDS)
    for _ in range(QUOTES):
        if mark == last:
            return True
        # Not even escaped, or by a backslash that may be escaped itself.
        if text[mark - 1] != "\\" or text[mark - 2] == "\\":
            break
        mark = text.find('"', mark + 1)
    turns = orjson.loads(text)
    return len(turns) == 1 and len(turns[0]) == 2 and text.endswith(ENDS)


def are_plain(messages: str) -> bool:
    """Whether stored messages are plain turns."""
    is_one = any(_are_one([messages], ASKS)) or any(_are_one([messages], ANSWERS))
    return is_one or _plain(orjson.loads(messages))


def _trouble(prompt: Messages, *answers: Messages) -> str | None:
    """The same of messages that were parsed."""
    if not (_plain(prompt) and all(map(_plain, answers))):
        return UNSUPPORTED
    if prompt[-1]["role"] != "user" or any(answer[-1]["role"] != "assistant" for answer in answers):
        return NOT_ASKED
    if any(not message["content"].strip() for part in (prompt, *answers) for message in part):
        return EMPTY
    return None


def _plain(messages: Messages) -> bool:
    """Whether every message is just a role and a text, so that all rows have the same type."""
    for message in messages:
        if (
            len(message) != 2
            or message.get("role") not in TEXT_ROLES
            or type(message.get("content")) is not str
        ):
            return False
    return bool(messages)
