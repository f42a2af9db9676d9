"""Which words of two rendered texts differ, marked in both."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from markupsafe import Markup

# Beyond these a comparison word by word takes longer than a reader waits, or marks nearly everything.
MOST_WORDS = 3_000
LEAST_ALIKE = 0.5

# A formula is one word, and so is each sign of a script that has no spaces between words.
_PARTS = re.compile(
    r"""(?P<word> <math\b.*?</math> | &\#?\w+; | [぀-ヿ㐀-鿿豈-﫿] | (?:(?![぀-ヿ㐀-鿿豈-﫿])\w)+ | [^\s\w<&] )
    | (?P<tag> <(?:"[^"]*"|[^">])*> ) | (?P<space> \s+ ) | (?P<other> . )""",
    re.VERBOSE | re.DOTALL,
)


def mark_differences(first: str, second: str) -> tuple[Markup, Markup] | None:
    """Both texts with the words that only one of them has marked; None where they are too different."""
    sides = [_Parts(first), _Parts(second)]
    words = [side.words for side in sides]
    if max(map(len, words)) > MOST_WORDS:
        return None
    matcher = SequenceMatcher(None, words[0], words[1], autojunk=False)
    if matcher.real_quick_ratio() < LEAST_ALIKE or matcher.quick_ratio() < LEAST_ALIKE:
        return None
    blocks = matcher.get_matching_blocks()
    if 2 * sum(size for *_, size in blocks) < LEAST_ALIKE * sum(map(len, words)):
        return None
    same = [
        {start + n for *starts, size in blocks for start in [starts[side]] for n in range(size)}
        for side in (0, 1)
    ]
    return sides[0].marked(same[0], "mark-a"), sides[1].marked(same[1], "mark-b")


class _Parts:
    """Sanitised HTML in pieces: words, tags and the space between.

    What comes from the sanitiser has quotes around every attribute and none within, so that a tag
    ends where it seems to, and a mark never gets inside one.
    """

    def __init__(self, html: str) -> None:
        self._parts = [(match.lastgroup, match[0]) for match in _PARTS.finditer(html)]
        self.words: Sequence[str] = [part for kind, part in self._parts if kind == "word"]

    def marked(self, same: set[int], name: str) -> Markup:
        """The HTML again, each run of words that are not among the same ones within a mark."""
        out, space, place, within = [], "", 0, False
        for kind, part in self._parts:
            if kind == "space":
                space = part
                continue
            differs = kind == "word" and place not in same
            closing = "</mark>" if within and not differs else ""
            opening = f'<mark class="{name}">' if differs and not within else ""
            out += [closing, space, opening, part]
            space, within, place = "", differs, place + (kind == "word")
        return Markup("".join([*out, "</mark>" * within, space]))  # noqa: S704 -- what was safe, and marks
