"""``tiebreak import``."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from app.cli import main
from app.errors import NotFound, Problem
from app.imports.commands import import_
from app.settings import Settings
from tests.conftest import Cast
from tests.imports.arrange import comparison, json_lines, response

ROWS = [response(1, "heron"), response(1, "wren"), {"prompt": "Hi", "model": "heron"}]


@pytest.fixture
def file(tmp_path: Path, cast: Cast) -> Path:
    path = tmp_path / "birds.jsonl"
    path.write_bytes(json_lines(ROWS))
    return path


def run(app: Flask, *arguments: object) -> Result:
    with app.app_context():
        return CliRunner().invoke(import_, [str(argument) for argument in arguments])


def test_it_tells_what_came_of_each_file(app: Flask, file: Path) -> None:
    done = run(app, "birds", file)
    assert done.exit_code == 0
    assert "birds.jsonl (responses): 3 rows read, 2 added, 0 already there, 1 refused" in done.stdout
    assert "new: 2 models, 1 prompt, 2 responses" in done.stdout
    assert "birds.jsonl, 3: response is missing" in done.stderr
    again = run(app, "birds", file)
    assert "3 rows read, 0 added, 2 already there, 1 refused" in again.stdout
    file.write_bytes(
        json_lines([comparison(2, winner=won, annotator=who) for won in "ab" for who in ("kim", None)])
    )
    judged = run(app, "birds", file)
    assert "  1 vote replaced by a later one of the same annotator on the same responses" in judged.stderr
    assert "  1 further vote on the same responses by nobody named" in judged.stderr


def test_json_and_the_refused_rows(app: Flask, file: Path, tmp_path: Path) -> None:
    refused = tmp_path / "refused.jsonl"
    done = run(app, "birds", file, "--json", "--dry-run", "--refused", refused)
    report = json.loads(done.stdout)
    assert (report["read"], report["added"], report["refused"], report["dry_run"]) == (3, 2, 1, True)
    assert json.loads(refused.read_text())["reason"] == "response is missing"


def test_nothing_taken_is_a_failure(app: Flask, file: Path) -> None:
    done = run(app, "birds", file, "--as", "votes", "--json")
    assert (done.exit_code, json.loads(done.stdout)["all_refused"]) == (1, True)
    assert "Every row was refused" in done.stderr


def test_files_of_one_name_are_told_apart(app: Flask, file: Path) -> None:
    other = file.parent / "other" / file.name
    other.parent.mkdir()
    other.write_bytes(file.read_bytes())
    done = run(app, "birds", file, other)
    assert f"{file} (responses)" in done.stdout
    assert f"{other} (responses)" in done.stdout


def test_what_a_file_says_steers_no_terminal(
    app: Flask, tmp_path: Path, cast: Cast, settings: Settings, monkeypatch: Any, capsys: Any
) -> None:
    file = tmp_path / "birds\x1b[2J.jsonl"
    file.write_bytes(json_lines(ROWS))
    done = run(app, "birds", file)
    assert "birds\\x1b[2J.jsonl (responses): 3 rows read, 2 added" in done.stdout
    assert "birds\\x1b[2J.jsonl, 3: response is missing" in done.stderr
    file.write_bytes(json_lines([{"text\x1b[1A\n": "?"}]))
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("TIEBREAK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr("sys.argv", ["tiebreak", "import", "birds", str(file)])
    with pytest.raises(SystemExit):
        main()
    assert "tiebreak: birds\\x1b[2J.jsonl fits no known shape. Found the fields text\\x1b[1A\\n. " in (
        capsys.readouterr().err
    )


def test_wrong_usage(app: Flask, file: Path) -> None:
    assert run(app, "birds", file, "--as", "novel").exit_code == 2
    assert run(app, "birds", file.parent).exit_code == 2
    assert run(app, "birds", file.parent / "missing").exit_code == 2
    assert isinstance(run(app, "nests", file).exception, NotFound)
    file.write_bytes(b"")
    empty = run(app, "birds", file).exception
    assert isinstance(empty, Problem)
    assert "is empty" in empty.detail
