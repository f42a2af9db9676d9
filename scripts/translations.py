"""Bring the catalogues of app/translations up to date with the sources, and compile them (make translations).

New strings come out untranslated: fill them in and run it again. A string that is no longer used goes;
nothing is guessed from similar ones. The compiled files are committed, so that a clone, a package and a
container have them without a step of their own; tests/test_translations.py says when they are behind.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "app" / "translations"
LOCALES = ("ar", "es", "zh_Hans")
METHODS = [("app/**.py", "python"), ("templates/**.html", "jinja2")]
# As app/language.py sets the templates up.
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}
KEYWORDS = DEFAULT_KEYWORDS | {
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    # As app/words.py keeps them.
    "sentence": None,
    "sentences": (1, 2),
    "forms": (1, 2),
}
SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)
# What follows such a word in a comment before a string is for the translator.
COMMENT_TAGS = ("Translators:",)


def extracted() -> Catalog:
    """Every string of the sources that is marked for translation."""
    template = Catalog(project="Tiebreak", copyright_holder="the Tiebreak authors")
    found = extract_from_dir(
        ROOT, METHODS, OPTIONS, KEYWORDS, COMMENT_TAGS, strip_comment_tags=True, directory_filter=_is_source
    )
    for filename, _line, message, comments, context in sorted(found, key=lambda item: (item[0], item[1])):
        template.add(message, None, [(filename, 0)], auto_comments=comments, context=context)
    return template


def _is_source(folder: str) -> bool:
    path = Path(folder).resolve()
    return any(path.is_relative_to(ROOT / top) or path == ROOT for top in ("app", "templates"))


def catalogue(locale: str) -> Catalog:
    """The catalogue of a locale as it is kept; an empty one where there is none yet."""
    path = po_file(locale)
    if not path.exists():
        return Catalog(locale=locale, project="Tiebreak")
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def po_file(locale: str) -> Path:
    """Where a catalogue is kept."""
    return TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po"


def updated(locale: str, template: Catalog) -> Catalog:
    """The catalogue with the strings of the sources, no more and no fewer."""
    kept = catalogue(locale)
    kept.update(template, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
    kept.obsolete.clear()
    # Who changed what and when is the repository's to know.
    kept.fuzzy, kept.creation_date, kept.revision_date = False, SOMETIME, SOMETIME
    kept.version = kept.last_translator = kept.language_team = kept.msgid_bugs_address = ""
    return kept


def compiled(found: Catalog) -> bytes:
    """The catalogue as the running application reads it."""
    binary = io.BytesIO()
    write_mo(binary, found)
    return binary.getvalue()


def missing(found: Catalog) -> list[str]:
    """The strings without a translation, or without one of its plural forms."""
    return [
        str(message.id)
        for message in found
        if message.id and not all(message.string if message.pluralizable else [message.string])
    ]


def main() -> None:
    """Extract, update, compile; say what is left to translate."""
    template = extracted()
    for locale in LOCALES:
        found, path = updated(locale, template), po_file(locale)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, found, width=110, sort_output=True, include_lineno=False, omit_header=False)
        path.with_suffix(".mo").write_bytes(compiled(found))
        untranslated = missing(found)
        print(f"{locale}: {len(found)} strings, {len(untranslated)} untranslated")
        for text in untranslated:
            print(f"  {text}")


if __name__ == "__main__":
    main()
