"""What changed between two versions of a text that somebody wrote, in its own words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new"]
Piece = tuple[Kind, str]

# Beyond this many words a passage is shown before and after as a whole.
MOST_WORDS = 2_000
LEAST_ALIKE = 0.4

# With the space after it, so that no word is alike for its space alone; each sign of a script
# without spaces between words is a word.
_WORDS = re.compile(r"\s+|(?:[぀-ヿ㐀-鿿豈-﫿]|(?:(?![぀-ヿ㐀-鿿豈-﫿])\w)+|.)\s*", re.DOTALL)
_SIGNS = re.compile(r"\*\*|__|^#{1,6}[ \t]+|[ \t]+#+[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"#{1,6}\s+(.+?)[\s#]*")


@dataclass(frozen=True)
class Change:
    """One changed passage, and the heading it stands under, empty before the first one."""

    heading: str
    pieces: tuple[Piece, ...]


def changes(before: str, after: str) -> list[Change]:
    """The passages that differ, in the order of the later text."""
    old, new = before.splitlines(), after.splitlines()
    found, heading = [], ""
    for tag, i, i2, j, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            pieces = tuple(
                _pieces(*_in_words("\n".join(old[i:i2]).strip("\n"), "\n".join(new[j:j2]).strip("\n")))
            )
            if any(text.strip() for kind, text in pieces if kind != "same"):
                found.append(Change(heading, pieces))
        heading = _last_heading(new[j:j2]) or heading
    return found


def _in_words(old: str, new: str) -> tuple[str, str]:
    """Both without signs of emphasis and headings, unless that is all in which they differ."""
    plain = _SIGNS.sub("", old), _SIGNS.sub("", new)
    return plain if plain[0] != plain[1] else (old, new)


def _last_heading(lines: list[str]) -> str:
    return next((match[1] for line in reversed(lines) if (match := _HEADING.fullmatch(line))), "")


def _pieces(old: str, new: str) -> Iterator[Piece]:
    first, second = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    if max(len(first), len(second)) > MOST_WORDS or matcher.ratio() < LEAST_ALIKE:
        yield from _both(old, new)
        return
    for tag, i, i2, j, j2 in matcher.get_opcodes():
        gone, came = "".join(first[i:i2]), "".join(second[j:j2])
        if tag == "equal":
            yield "same", came
        else:
            yield from _both(gone, came)


def _both(gone: str, came: str) -> Iterator[Piece]:
    if gone:
        yield "gone", gone
    if came:
        yield "new", came
