"""The catalogues say everything the interface says, in every language, and are what the sources ask for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from flask import Flask
from jinja2 import nodes

from app import errors
from app.language import LANGUAGES, TRANSLATIONS
from app.names import usual
from app.rubric import USUAL_CRITERIA, USUAL_TAGS
from app.web import ROOT
from scripts import translations

LOCALES = translations.LOCALES
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%(?!\()")
TAG = re.compile(r"</?\w+[^>]*>")

# Of a language with letters of its own; the names of languages in their own are no translations.
ALPHABETS = {"ar": "[\u0621-\u064a]", "zh_Hans": "[\u4e00-\u9fff]"}

# The parts of every page together, for whoever develops them.
FOR_DEVELOPERS = ("styleguide",)


@pytest.fixture(scope="module")
def sources() -> Catalog:
    """What is marked for translation."""
    return translations.extracted()


def _keys(catalog: Catalog) -> set[tuple[str | None, object]]:
    return {(message.context, message.id) for message in catalog if message.id}


def test_there_is_a_catalogue_for_every_language_but_the_one_of_the_sources() -> None:
    assert {language.replace("-", "_") for language in LANGUAGES} == {"en", *LOCALES}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_catalogue_has_the_strings_of_the_sources(sources: Catalog, locale: str) -> None:
    # If this fails: make translations, and translate what it lists.
    assert _keys(translations.catalogue(locale)) == _keys(sources)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_string_is_translated(locale: str) -> None:
    found = translations.catalogue(locale)
    assert translations.missing(found) == []
    assert [message.id for message in found if message.id and message.fuzzy] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_translation_is_in_the_letters_of_its_language(locale: str) -> None:
    others = {own: letters for own, letters in ALPHABETS.items() if own != locale}
    said = [str(message.string) for message in translations.catalogue(locale) if message.id]
    foreign = [text for text in said if any(re.search(letters, text) for letters in others.values())]
    assert foreign == []


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_compiled_is_what_was_translated(locale: str) -> None:
    compiled = translations.po_file(locale).with_suffix(".mo").read_bytes()
    assert compiled == translations.compiled(translations.catalogue(locale))


@pytest.mark.parametrize("locale", LOCALES)
def test_translations_keep_the_placeholders_and_the_markup(locale: str) -> None:
    wrong = [
        (source, form)
        for message in translations.catalogue(locale)
        if message.id
        for source, form, may_leave_out in _pairs(message)
        if not _fits(source, form, may_leave_out)
    ]
    assert wrong == []


def _pairs(message: Message) -> Iterator[tuple[str, str, bool]]:
    if not message.pluralizable:
        yield str(message.id), str(message.string), False
        return
    last = len(message.string) - 1
    for index, form in enumerate(message.string):
        # A form for one number alone may say it in words: "two comparisons".
        yield message.id[1], form, index < min(last, 3)


def _fits(source: str, form: str, may_leave_out: bool) -> bool:
    asked, given = sorted(PLACEHOLDER.findall(source)), sorted(PLACEHOLDER.findall(form))
    same = set(given) <= set(asked) if may_leave_out else given == asked
    return same and sorted(TAG.findall(source)) == sorted(TAG.findall(form))


@pytest.mark.parametrize("locale", LOCALES)
def test_plurals_have_the_forms_of_the_language(locale: str) -> None:
    wanted = {"ar": 6, "es": 2, "zh_Hans": 1}[locale]
    found = translations.catalogue(locale)
    assert found.num_plurals == wanted
    assert {len(message.string) for message in found if message.pluralizable} <= {wanted}


def test_the_usual_criteria_and_tags_are_known_by_their_names(app: Flask) -> None:
    said = {item.name for item in (*USUAL_CRITERIA, *USUAL_TAGS)}
    said |= {item.description for item in USUAL_CRITERIA}
    with app.test_request_context(headers={"Accept-Language": "zh-CN"}):
        assert [words for words in said if usual(words) == words] == []


TEMPLATES = sorted(
    path.relative_to(ROOT / "templates").as_posix()
    for path in (ROOT / "templates").rglob("*.html")
    if not path.relative_to(ROOT / "templates").as_posix().startswith(FOR_DEVELOPERS)
)
GETTEXT = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
# Names of people, products and formats, which are the same in every language.
NAMES = ("Tiebreak", "Parquet")
SAME = re.compile(r"Tiebreak|UTC|\bAPI\b|\bCSV\b|\bJSON\b|\bSVG\b|SHA-256|\b[AB]\b")
WORDY_ATTRIBUTE = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-why-not|data-missing)="([^"]*)"')
ATTRIBUTES = {"page_class", "look", "input_attributes", "act"}
LETTERS = re.compile(r"[A-Za-z]{2,}")
# A sentence, or a piece of one; names of classes and of what roles may do have fewer small words.
WORDS = re.compile(
    r"[A-Z][a-z’]+(?:[ .,:?!…].*)?|(?:[AB]|API) [a-z].*"
    r"|[a-z’]{2,}(?: [a-z’]{2,}){3,}.*|[a-z]{2,} | [a-z]{2,} .*"
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_says_nothing_that_is_not_marked(app: Flask, name: str) -> None:
    source = Path(ROOT / "templates" / name).read_text()
    parsed = app.jinja_env.parse(source)
    markup = "".join(_markup(parsed))
    said = [re.sub(r"<(code|script|style)\b.*?</\1>|<[^>]*>|&\w+;", " ", markup, flags=re.DOTALL)]
    said += WORDY_ATTRIBUTE.findall(markup)
    bare = [word for text in said for word in LETTERS.findall(SAME.sub("", text))]
    assert bare == []
    assert [text for text in _strings(parsed) if text not in NAMES and WORDS.fullmatch(text)] == []


def _markup(node: nodes.Node) -> Iterator[str]:
    """What a template writes as it stands, but for blocks and macros that make classes and attributes."""
    if isinstance(node, nodes.Block | nodes.Macro) and node.name in ATTRIBUTES:
        return
    if isinstance(node, nodes.TemplateData):
        yield node.data
    for child in node.iter_child_nodes():
        yield from _markup(child)


def _strings(node: nodes.Node) -> Iterator[str]:
    """The strings in an expression that no gettext translates."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in GETTEXT:
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _strings(child)


SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
# The names of keys.
KEYS = {"Arrow", "Enter", "Escape"}
SAID = re.compile(r"""(["'`])([A-Z][a-z]+(?: [^"'`]*)?)\1""")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_only_what_the_page_gave_it(path: Path) -> None:
    assert {words for _, words in SAID.findall(path.read_text())} <= KEYS


# What tells somebody something, by the page's flash or by an error; in forms, what does not fit.
TELL = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.Problem)
}
TELL |= {"saved", "flash", "at"}
# What only programs and terminals read, and the reports of imports, which go into files: all English.
FOR_PROGRAMS = re.compile(
    r"api/|demo/|operations/|snapshots/(store|verify)|cli|db|health|server|settings|.*commands|projects/files"
    r"|imports/(?!views|forms|uploads)|leaderboard/(votes_file|column_files|terminal|of_)"
)
PYTHON = sorted(
    path.relative_to(ROOT / "app").as_posix()
    for path in (ROOT / "app").rglob("*.py")
    if not FOR_PROGRAMS.match(path.relative_to(ROOT / "app").as_posix())
)


@pytest.mark.parametrize("name", PYTHON)
def test_python_tells_nobody_anything_that_is_not_marked(name: str) -> None:
    told = TELL | ({"ValueError"} if name.endswith(("forms.py", "rubric.py")) else set())
    calls = [
        call for call in ast.walk(ast.parse((ROOT / "app" / name).read_text())) if isinstance(call, ast.Call)
    ]
    assert [
        ast.unparse(call) for call in calls if _called(call) in told and any(map(_is_prose, call.args))
    ] == []


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _is_prose(argument: ast.expr) -> bool:
    """Whether it is a sentence as it stands, or made of pieces; commands of a terminal are none."""
    if isinstance(argument, ast.IfExp):
        return _is_prose(argument.body) or _is_prose(argument.orelse)
    words = ast.unparse(argument) if isinstance(argument, ast.JoinedStr | ast.Constant) else ""
    return " " in words and "tiebreak " not in words


def test_the_folder_holds_nothing_else() -> None:
    assert sorted(path.name for path in TRANSLATIONS.iterdir()) == sorted(LOCALES)
