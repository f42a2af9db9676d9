"""What the export page says to type does what its download does."""

import html
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlmodel import Session

from app.exports import typed
from app.exports.commands import export
from app.exports.forms import ExportSpec
from tests.annotation.arrange import queue
from tests.api.conftest import Program, program
from tests.conftest import Cast, plain
from tests.exports.arrange import judge
from tests.exports.test_download import DOWNLOAD, PAGE, ClientOf

__all__ = ["program"]

# Each thing that may be asked for, at least once.
ASKED = [
    {"format": "judgments", "file": "csv", "kind": "model", "group": ["a b", "c"], "ties": "drop"},
    {"format": "kto", "part": "provenance", "category": ["it's, new", "-x"], "language": ["日本語"]},
    {"model": ["a&b", "c"], "split": "test", "gold": "only", "adjudicated": True, "margin": True},
    {"guideline": [1, 2], "criterion": "safety", "aggregate": "weighted", "held_out": 0.25, "salt": "-$x"},
    {"since": "2026-03-01", "until": "2026-03-02T09:30:00Z", "min_votes": 2, "min_agreement": 0.6},
    {"min_strength": 1.5},
]


@pytest.mark.parametrize("asked", ASKED)
def test_an_address_asks_for_the_same(asked: dict[str, object]) -> None:
    spec = ExportSpec.model_validate(asked)
    assert ExportSpec.model_validate(_read(typed.query(spec))) == spec


def _read(query: str) -> dict[str, object]:
    lists = {name for name in ExportSpec.model_fields if ExportSpec.model_fields[name].default == []}
    return {name: found if name in lists else found[0] for name, found in parse_qs(query).items()}


@pytest.mark.parametrize("asked", ASKED)
def test_a_command_asks_for_the_same(asked: dict[str, object]) -> None:
    spec = ExportSpec.model_validate(asked)
    words = typed.command("birds", spec)
    read = export.make_context("export", words[2:]).params
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in read.items()}
    left = {name: value for name, value in given.items() if value not in (None, [], "birds")}
    assert str(left.pop("output")) == spec.file_name("birds")
    assert ExportSpec.model_validate(left) == spec


def test_everything_that_may_be_asked_for_was() -> None:
    assert {name for asked in ASKED for name in asked} == set(ExportSpec.model_fields)


def test_what_the_page_says_to_type_writes_the_same_file(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for category in ("code, new", "it's"):
        (comparison,) = queue(session, cast.project, category=category)
        judge(session, cast.project, cast.ann, comparison, "a")
    client, asked = client_of(cast.rosa), {"format": "messages", "category": "code, new", "salt": "a b"}
    for headers in ({}, {"HX-Request": "true"}):
        page = client.get(PAGE, query_string=asked, headers=headers).text
        code = {
            tool: html.unescape(found)
            for tool, found in re.findall(r'id="typed-(\w+)"><code>([^<]*)</code>', page)
        }
        assert 'id="typed" class="stack" hx-swap-oob' in page or not headers
        assert list(code) == ["curl", "api", "tiebreak"], "what works from anywhere comes first"
        assert "tiebreak On the server’s machine, where its data is Copy" in plain(page)
        written = client.get(DOWNLOAD, query_string=asked).data
        assert written.count(b"\n") == 1
        address = urlsplit(code["api"])
        assert program(cast.rosa).get(f"{address.path}?{address.query}").data == written
        assert shlex.split(code["curl"])[-3:] == ["-o", "birds-messages.jsonl", code["api"]]
    monkeypatch.chdir(tmp_path)
    with app.app_context():
        ran = CliRunner().invoke(export, shlex.split(code["tiebreak"])[2:], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "birds-messages.jsonl").read_bytes() == written
    wrong = client.get(PAGE, query_string={"min_agreement": "7"}).text
    assert "typed-curl" not in wrong, "of values that do not fit there is nothing to type"
