"""The documentation names all there is, and nothing that is not."""

import re
from pathlib import Path

import click
import pytest

from app import cli
from app.api.operations import OPERATIONS
from app.exports.forms import Format
from app.imports.shapes import SHAPES
from app.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_setting_is_documented_and_no_other() -> None:
    told = set(re.findall(r"^\| `TIEBREAK_(\w+)`", (DOCS / "operating.md").read_text(), re.MULTILINE))
    assert told == {name.upper() for name in Settings.model_fields}


def test_every_export_format_is_documented() -> None:
    text = (DOCS / "exports.md").read_text()
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == {form.value for form in Format}


def test_every_import_shape_is_documented() -> None:
    text = (DOCS / "imports.md").read_text()
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(SHAPES)


def test_every_command_is_documented() -> None:
    text = (DOCS / "commands.md").read_text()
    assert set(re.findall(r"^\| `tiebreak (\w+)", text, re.MULTILINE)) == set(cli.ROOMS)


def test_what_is_to_be_copied_stands_on_one_line() -> None:
    for file in (ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")):
        prose = re.sub(r"^```.*?^```$", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert [line for line in prose.splitlines() if line.count("`") % 2] == [], file.name


@pytest.mark.parametrize("name", cli.ROOMS)
def test_every_command_has_help(name: str) -> None:
    context = click.Context(cli.tiebreak)
    command = cli.tiebreak.get_command(context, name)
    assert command is not None
    assert command.get_short_help_str()


def test_every_operation_of_the_api_is_documented_with_its_scope() -> None:
    text = (DOCS / "api.md").read_text()
    told = set(re.findall(r"^\| (\w+) `(/[^`]*)` \| (\w+) \|", text, re.MULTILINE))
    there = {
        (
            operation.method,
            re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.path),
            str(operation.scope or "any"),
        )
        for operation, _ in OPERATIONS.values()
    }
    assert told == there


PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("document", PAGES, ids=lambda document: document.name)
def test_links_between_pages_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
