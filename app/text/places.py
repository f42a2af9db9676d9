"""Where a place in a text as it is shown stands in its source, and the other way round.

A shown place is counted in visible characters: spaces and line ends count nothing, so that it does
not matter how a browser or a template lays them out. A source place is counted in the source's own
characters. Markdown's signs, entities and formulas stand between the two; words are alike in both. What
the page itself says within a conversation is never counted: each reader has it in their own language.
"""

import html
import re
from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

# The same in static/js/marks.js; Python's and JavaScript's own ideas of a space differ.
SPACE = "\t-\r \u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SPACES = re.compile(f"[{SPACE}]+")
# Who speaks, and how a folded turn begins, which its text says again. The same in static/js/marks.js; as the
# macro ``turn`` writes them, which nothing that a model wrote comes out as.
_OF_THE_PAGE = re.compile(r'<span class="role">.*?</span>|<summary>.*?</summary>', re.DOTALL)
# Attributes come with quotes around them and none within: see differences.py.
_TAG = re.compile(r'<(?:"[^"]*"|[^">])*>')
# Signs of scripts without spaces between words stand alone.
_WORD = re.compile(f"[぀-ヿ㐀-鿿豈-﫿]|(?:(?![぀-ヿ㐀-鿿豈-﫿])\\w)+|[^{SPACE}]")
# With more words than these only the same words, somewhere in the source, are looked for.
MOST_WORDS = 6_000
# Between the words that are alike, characters are matched while there are this few.
SHORT_GAP = 400


class Place(NamedTuple):
    """From where to where, the end excluded."""

    start: int
    end: int


def visible(text: str) -> str:
    """A text without its spaces."""
    return _SPACES.sub("", text)


def shown_text(markup: str) -> str:
    """What a reader sees of sanitised HTML, as one text, without what is the page's own."""
    return html.unescape(_TAG.sub(" ", _OF_THE_PAGE.sub(" ", markup)))


class Places:
    """One response's source and its HTML, laid beside each other."""

    def __init__(self, source: str, markup: str) -> None:
        self._source = source
        self._shown = visible(shown_text(markup))
        # For each visible character the place in the source where it stands, where that is known.
        self._at = _aligned(shown_text(markup), source, len(self._shown))

    def in_source(self, start: int, end: int, quote: str | None = None) -> Place | None:
        """The source of what is shown from ``start`` to ``end``; None where there is no such place.

        With a ``quote`` that stands elsewhere now, the place nearest to it counts: another version
        of the renderer may have shown the page.
        """
        found = self._found(start, end, quote)
        if found is None:
            return None
        known = [place for place in self._at[found.start : found.end] if place is not None]
        first, last = self._at[found.start], self._at[found.end - 1]
        before = next((p + 1 for p in reversed(self._at[: found.start]) if p is not None), 0)
        after = next((p for p in self._at[found.end :] if p is not None), len(self._source))
        begins, ends = first if first is not None else before, last + 1 if last is not None else after
        if not known and ends - begins > SHORT_GAP:
            return self._same_words(found)
        return self._trimmed(begins, ends)

    def _same_words(self, shown: Place) -> Place | None:
        """Where the source has the same visible characters, nearest to where they should be."""
        signs = [n for n, sign in enumerate(self._source) if not _SPACES.match(sign)]
        expected = shown.start * len(signs) // len(self._shown)
        found = _nearest(self.quote(shown), "".join(self._source[n] for n in signs), expected)
        return None if found is None else Place(signs[found.start], signs[found.end - 1] + 1)

    def _found(self, start: int, end: int, quote: str | None) -> Place | None:
        words = visible(quote) if quote else self._shown[start:end]
        if not words:
            return None
        if self._shown[start:end] == words:
            return Place(start, start + len(words))
        return _nearest(words, self._shown, start)

    def _trimmed(self, start: int, end: int) -> Place | None:
        part = self._source[start:end]
        start += len(part) - len(part.lstrip())
        end -= len(part) - len(part.rstrip())
        return Place(start, end) if start < end else None

    def in_shown(self, start: int, end: int) -> Place | None:
        """Where a part of the source is shown; None where nothing of it is."""
        known = [(place, n) for n, place in enumerate(self._at) if place is not None]
        first, beyond = bisect_left(known, (start, 0)), bisect_left(known, (end, 0))
        return Place(known[first][1], known[beyond - 1][1] + 1) if first < beyond else None

    def quote(self, place: Place) -> str:
        """The visible characters of a shown place."""
        return self._shown[place.start : place.end]


def _nearest(words: str, text: str, expected: int) -> Place | None:
    starts = [match.start() for match in re.finditer(re.escape(words), text)]
    nearest = min(starts, key=lambda place: abs(place - expected), default=None)
    return None if nearest is None else Place(nearest, nearest + len(words))


def _aligned(shown: str, source: str, length: int) -> list[int | None]:
    """For each visible character of the shown text its place in the source; they only ever grow."""
    here = [match[0] for match in _WORD.finditer(shown)]
    there = [(match[0], match.start()) for match in _WORD.finditer(source)]
    at: list[int | None] = [None] * length
    starts = [0]
    for word in here:
        starts.append(starts[-1] + len(word))
    if max(len(here), len(there)) > MOST_WORDS:
        return _if_alike(at, here, there)
    gap = (0, 0)
    matcher = SequenceMatcher(None, here, [word for word, _ in there])
    for mine, theirs, size in matcher.get_matching_blocks():
        _match_signs(at, here[gap[0] : mine], starts[gap[0]], there[gap[1] : theirs])
        for n in range(size):
            for sign in range(len(here[mine + n])):
                at[starts[mine + n] + sign] = there[theirs + n][1] + sign
        gap = (mine + size, theirs + size)
    return at


def _if_alike(
    at: list[int | None], here: Sequence[str], there: Sequence[tuple[str, int]]
) -> list[int | None]:
    """Text too long to be laid beside its source word by word is mostly shown as it stands."""
    if list(here) != [word for word, _ in there]:
        return at
    return [start + sign for word, start in there for sign in range(len(word))]


def _match_signs(
    at: list[int | None], here: Sequence[str], first: int, there: Sequence[tuple[str, int]]
) -> None:
    """Within a word or a formula that is written otherwise in the source, sign by sign."""
    mine = "".join(here)
    theirs = [(sign, start + n) for word, start in there for n, sign in enumerate(word)]
    if not mine or not theirs or max(len(mine), len(theirs)) > SHORT_GAP:
        return
    matcher = SequenceMatcher(None, mine, "".join(sign for sign, _ in theirs), autojunk=False)
    for a, b, size in matcher.get_matching_blocks():
        for n in range(size):
            at[first + a + n] = theirs[b + n][1]
