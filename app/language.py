"""The language a page speaks, and how numbers look in it.

Pages speak the language that the signed-in person chose, else what was chosen in this browser, else what
the browser asks for, else English. The command line speaks English, and so does the API, because scripts
read them: only what it says of an error is in another language, where Accept-Language asks for that.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from babel import Locale, numbers, units
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, gettext, ngettext, refresh
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from app.words import N_, NAMED, Percent, Sentence

# By tag, each with its own name, as those who read it look for it.
LANGUAGES = {"en": "English", "es": "Español", "ar": "العربية", "zh-Hans": "简体中文"}
ENGLISH = "en"
RIGHT_TO_LEFT = frozenset({"ar"})
COOKIE = "language"

TRANSLATIONS = Path(__file__).parent / "translations"


def init_app(app: Flask) -> None:
    """Let templates and Python translate."""
    Babel(  # type: ignore[no-untyped-call]
        app, default_translation_directories=str(TRANSLATIONS), locale_selector=_locale
    )
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    for filter_ in (number, decimal, percent, size, said, listed):
        app.add_template_filter(filter_)
    app.add_template_filter(field_name)
    app.context_processor(_context)


def _context() -> dict[str, object]:
    spoken = current()
    return {"locale": spoken, "direction": direction(spoken), "languages": LANGUAGES}


def current() -> str:
    """The tag of the language that the asker reads."""
    if not has_request_context():
        return ENGLISH
    spoken: str | None = g.get("language")
    if spoken is None:
        spoken = g.language = _of_request()
    return spoken


def _of_request() -> str:
    # What a script reads hangs on nothing but what it asks for.
    chosen = "" if request.path.startswith("/api/") else request.cookies.get(COOKIE, "")
    return _of_browser(chosen, request.headers.get("Accept-Language", ""))


def number(count: int) -> str:
    """A whole number as people write it in the language of the page."""
    # No language groups three digits, and Babel takes as long for them as a query.
    return str(count) if 0 <= count < 1000 else _grouped(count, _locale())


def decimal(value: float, places: int = 0, *, signed: bool = False) -> str:
    """A number with so many decimals, ungrouped, as ratings and coefficients are written."""
    # A zero added, so that what rounds to nothing has no minus before it.
    return _decimal(round(float(value), places) + 0.0, places, signed, _locale())


def percent(share: float, places: int = 0) -> str:
    """A share of one in hundredths: "61%", in Spanish "61 %"."""
    return _percent(round(float(share), places + 2), places, _locale())


def size(many: float) -> str:
    """So many bytes in the unit that suits them: "1.2 MB"."""
    names = iter(("byte", "kilobyte", "megabyte", "gigabyte"))
    name = next(names)
    while many >= 1000 and (larger := next(names, "")):
        many, name = many / 1000, larger
    return units.format_unit(many, f"digital-{name}", "short", format="0.#", locale=_locale())


# Babel reads its patterns anew for each number, and a table has thousands.
@lru_cache(maxsize=8192)
def _grouped(count: int, locale: str) -> str:
    return numbers.format_decimal(count, locale=locale)


@lru_cache(maxsize=8192)
def _decimal(value: float, places: int, signed: bool, locale: str) -> str:
    pattern = f"0.{'0' * places}" if places else "0"
    return _isolated(
        numbers.format_decimal(value, f"+{pattern};-{pattern}" if signed else pattern, locale), locale
    )


@lru_cache(maxsize=8192)
def _percent(share: float, places: int, locale: str) -> str:
    pattern = Locale.parse(locale).percent_formats[None].pattern
    if places:
        pattern = pattern.replace("#,##0", f"#,##0.{'0' * places}")
    return _isolated(numbers.format_percent(share, pattern, locale), locale)


def _isolated(written: str, locale: str) -> str:
    """Among letters that run to the left, a sign would move to the other end of its number."""
    return f"\u200e{written}\u200e" if locale in RIGHT_TO_LEFT else written


def said(text: str) -> str:
    """What was kept in English (``app.words``), as the reader's language says it."""
    if not isinstance(text, Sentence):
        return gettext(text)
    values = {name: _put(value) for name, value in text.values.items()}
    if text.many:
        # The number that chooses the form is not the number as it is written.
        return str(ngettext(text.text, text.many, text.values["n"], **values))
    return str(gettext(text.text) % values)


def _put(value: object) -> str:
    if isinstance(value, Sentence):
        return said(value)
    if isinstance(value, Percent):
        return percent(value)
    if isinstance(value, int):
        return number(value)
    return listed(value) if isinstance(value, tuple) else str(value)


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: "Heron, Lark and Wren"."""
    if len(names) > NAMED:
        rest = len(names) - NAMED + 1
        return str(
            ngettext(
                "%(names)s and %(num)s more",
                "%(names)s and %(num)s more",
                rest,
                names=_joined(names[: NAMED - 1]),
            )
        )
    if len(names) < 2:
        return "".join(names)
    return str(gettext("%(names)s and %(last)s", names=_joined(names[:-1]), last=names[-1]))


def _joined(names: Sequence[str]) -> str:
    return str(gettext(", ")).join(names)


def prefer(language: str | None) -> None:
    """Speak from here on what the asker chose, if they did."""
    if language in LANGUAGES:
        g.language = language
        refresh()  # type: ignore[no-untyped-call]


# Of addresses alone; no form has a label for them.
ADDRESSED = {
    "after": N_("After"),
    "before": N_("Before"),
    "offset": N_("Offset"),
    "page": N_("Page"),
    "since": N_("From"),
    "until": N_("To, that day included"),
    "version": N_("Version"),
}


def field_name(name: str) -> str:
    """What a field is called that has no label of its own: "new_password" is "New password"."""
    return gettext(ADDRESSED.get(name) or name.replace("_", " ").capitalize())


def direction(language: str) -> str:
    """How a language is written: "ltr" or "rtl"."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def _locale() -> str:
    """The same in the words of Babel."""
    return current().replace("-", "_")


@lru_cache(maxsize=1024)
def _of_browser(chosen: str, accepted: str) -> str:
    if chosen in LANGUAGES:
        return chosen
    # Not werkzeug's best_match: of "es-MX, en;q=0.5" it would take English.
    for tag, quality in parse_accept_header(accepted, LanguageAccept):
        for language in LANGUAGES:
            if quality and language.partition("-")[0] == tag.partition("-")[0].lower():
                return language
    return ENGLISH
