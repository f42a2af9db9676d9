"""Words that pages and terminals share, and sentences that are made before it is known who reads them."""

import unicodedata
from collections.abc import Sequence
from typing import Any, Self

# Control, format and surrogate characters, and line and paragraph separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def written_out(text: str) -> str:
    """With the characters that steer a terminal, break a line or turn its direction written out."""
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSEEN else char
        for char in text
    )


def N_(text: str) -> str:  # noqa: N802 -- the name that gettext knows it by
    """English that is kept as it is; ``language.said`` says it in the reader's language."""
    return text


def forms(one: str, many: str) -> tuple[str, str]:
    """The same where a number decides: the two forms of a ``sentences``."""
    return one, many


class Percent(float):
    """A share of one that a sentence tells in hundredths."""


class Sentence(str):
    """English as terminals, files and the API have it, which remembers what it was made of.

    ``text`` has places for ``values``; where ``many`` is not empty, ``values["n"]`` chooses between the
    two. ``language.said`` makes the same sentence in the reader's language.
    """

    __slots__ = ("many", "text", "values")
    text: str
    many: str
    values: dict[str, Any]

    @classmethod
    def of(cls, text: str, many: str, values: dict[str, Any]) -> Self:
        """The sentence in English."""
        chosen = many if many and values["n"] != 1 else text
        made = cls(chosen % {name: _english(value) for name, value in values.items()})
        made.text, made.many, made.values = text, many, values
        return made


def sentence(text: str, /, **values: Any) -> Sentence:
    """A sentence with names, numbers and other sentences put in."""
    return Sentence.of(text, "", values)


def sentences(one: str, many: str, /, n: int, **values: Any) -> Sentence:
    """The same where it depends on a number, which is ``%(n)s``."""
    return Sentence.of(one, many, {"n": n, **values})


def _english(value: Any) -> str:
    if isinstance(value, Percent):
        return f"{value:.0%}"
    if isinstance(value, int):
        return f"{value:,}"
    return listed(value) if isinstance(value, tuple) else str(value)


# How the key of a prompt begins that nobody named: each vote that comes without one has one of its own.
UNKNOWN_PROMPT = "vote-"
NAMED = 6


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """Names as an English sentence has them: "Heron, Lark and Wren"."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 person", "1,284 judgments"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
