"""The language a page speaks, and how numbers look in it.

Pages speak the language that the signed-in person chose, else what was chosen in this browser, else what
the browser asks for, else English. The API and the command line speak English, because scripts read them.
"""

from functools import lru_cache
from pathlib import Path

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, format_decimal, gettext, refresh
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

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
    app.add_template_filter(format_decimal, "number")
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
    if request.path.startswith("/api/"):
        return ENGLISH
    return _of_browser(request.cookies.get(COOKIE, ""), request.headers.get("Accept-Language", ""))


def number(count: int) -> str:
    """A whole number as people write it in the language of the page."""
    # No language groups three digits, and Babel takes as long for them as a query.
    return str(count) if 0 <= count < 1000 else format_decimal(count)


def prefer(language: str | None) -> None:
    """Speak from here on what the asker chose, if they did."""
    if language in LANGUAGES:
        g.language = language
        refresh()  # type: ignore[no-untyped-call]


def field_name(name: str) -> str:
    """What a field is called that has no label of its own: "new_password" is "New password"."""
    return gettext(name.replace("_", " ").capitalize())


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
