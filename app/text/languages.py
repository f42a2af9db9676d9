"""The language and the direction of writing of a text, as HTML wants to be told."""

import re
import unicodedata
from collections import Counter
from functools import cache

from babel import Locale
from babel.core import get_global

# What so many characters do not tell, more would not tell either.
LOOKED_AT = 4_000

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")

# The first word of a letter's Unicode name, and the scripts (ISO 15924) that are written with it.
_SCRIPTS = {
    "LATIN": ("Latn",), "CYRILLIC": ("Cyrl",), "GREEK": ("Grek",), "ARMENIAN": ("Armn",),
    "GEORGIAN": ("Geor",), "ARABIC": ("Arab",), "HEBREW": ("Hebr",), "THAANA": ("Thaa",), "SYRIAC": ("Syrc",),
    "ETHIOPIC": ("Ethi",), "DEVANAGARI": ("Deva",), "BENGALI": ("Beng",), "GURMUKHI": ("Guru",),
    "GUJARATI": ("Gujr",), "ORIYA": ("Orya",), "TAMIL": ("Taml",), "TELUGU": ("Telu",), "KANNADA": ("Knda",),
    "MALAYALAM": ("Mlym",), "SINHALA": ("Sinh",), "THAI": ("Thai",), "LAO": ("Laoo",), "TIBETAN": ("Tibt",),
    "MYANMAR": ("Mymr",), "KHMER": ("Khmr",), "CJK": ("Hans", "Hant", "Jpan", "Kore"),
    "HIRAGANA": ("Jpan",), "KATAKANA": ("Jpan",), "HANGUL": ("Kore",),
}  # fmt: skip
_KANA = ("HIRAGANA", "KATAKANA")

# Few right-to-left texts are without Latin names and words; hardly any other text has so much of it.
_RIGHT_TO_LEFT_SHARE = 0.4
# The bidirectional classes of letters.
_STRONG = ("L", "R", "AL")


def language_of(text: str, declared: str | None = None) -> str:
    """The text's language tag: as declared, where its script allows that, else as the script suggests.

    Empty where neither tells it, which is how HTML says that a language is not known.
    """
    tag, scripts = tag_of(declared), _scripts_of(text)
    if tag and (not scripts or _script_of(tag) in scripts):
        return tag
    return "" if not scripts or scripts == ("Latn",) else _usual_language(scripts[0])


def direction_of(text: str, around: str = "") -> str:
    """How the text as a whole is written: "ltr", "rtl", or empty where it has no letters.

    ``around`` is the direction of what it is a part of: a sentence in a right-to-left text that begins
    right-to-left is of that text, however many Latin names follow.
    """
    if text.isascii():
        return "ltr" if any(map(str.isalpha, text)) else ""
    kinds = Counter(map(unicodedata.bidirectional, text[:LOOKED_AT]))
    rightward, leftward = kinds["L"], kinds["R"] + kinds["AL"]
    if not rightward + leftward:
        return ""
    # A Counter keeps the order in which its keys were met.
    if around == "rtl" and next(kind for kind in kinds if kind in _STRONG) != "L":
        return "rtl"
    return "rtl" if leftward >= _RIGHT_TO_LEFT_SHARE * (rightward + leftward) else "ltr"


@cache
def tag_of(language: str | None) -> str:
    """A language by its tag or its English name, as a tag; empty where it is neither."""
    words = (language or "").strip()
    by_name = _tags_by_name().get(words.lower(), "")
    if by_name or not _TAG.fullmatch(words):
        return by_name
    tag = words.replace("_", "-")
    return tag if tag.split("-")[0].lower() in Locale("en").languages else ""


@cache
def _tags_by_name() -> dict[str, str]:
    return {name.lower(): tag.replace("_", "-") for tag, name in Locale("en").languages.items()}


def _scripts_of(text: str) -> tuple[str, ...]:
    """The scripts that most of the text may be written in; none where it has no letters of any known one."""
    letters = (unicodedata.name(sign, "").partition(" ")[0] for sign in text[:LOOKED_AT] if sign.isalpha())
    counts = Counter(word for word in letters if word in _SCRIPTS)
    if not counts:
        return ()
    if sum(counts[kana] for kana in _KANA) * 10 > counts.total():
        return _SCRIPTS["HIRAGANA"]
    return _SCRIPTS[counts.most_common(1)[0][0]]


def _script_of(tag: str) -> str:
    """The script that a language is usually written in."""
    known, parts = get_global("likely_subtags"), tag.split("-")
    likely = known.get("_".join(parts)) or known.get(parts[0], "")
    return next((part.title() for part in [*parts[1:], *likely.split("_")] if len(part) == 4), "")


def _usual_language(script: str) -> str:
    """The language most often written in a script."""
    return str(get_global("likely_subtags")[f"und_{script}"]).split("_")[0]
