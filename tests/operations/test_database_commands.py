"""``tiebreak db check``: one plain sentence, and a status a script can read."""

import gc
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from click.testing import CliRunner
from flask import Flask

from app import create_app, db
from app.cli import main, tiebreak
from app.errors import Problem
from app.operations.commands import database
from app.settings import Settings


def test_a_database_that_fits(app: Flask) -> None:
    with app.app_context():
        found = CliRunner().invoke(database, ["check"])
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "The database fits this version.\n")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "older than this version"),
        ("UPDATE alembic_version SET version_num = '9999'", "upgraded by a newer version"),
        ("DELETE FROM alembic_version", "is empty"),
        ("DROP INDEX ix_slots_free", "changed the tables: slots."),
        ("ALTER TABLE jobs ADD COLUMN more INTEGER", "changed the tables: jobs."),
        ("DROP TABLE tokens", "changed the tables: tokens."),
    ],
)
def test_a_database_that_does_not(app: Flask, statement: str, words: str) -> None:
    with app.extensions["engine"].begin() as connection:
        connection.execute(sa.text(statement))
    with app.app_context():
        found = CliRunner().invoke(database, ["check"])
    assert isinstance(found.exception, Problem)
    assert words in found.exception.detail
    assert found.stdout == ""


@pytest.mark.parametrize("asked", [["db", "upgrade"], ["demo", "--port", "65535"]])
def test_a_newer_versions_database_is_left_alone(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    with app.extensions["engine"].begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("TIEBREAK_DATA_DIR", str(settings.data_dir))
    found = CliRunner().invoke(tiebreak, asked)
    assert isinstance(found.exception, Problem)
    assert "newer version" in found.exception.detail


@pytest.mark.parametrize(
    ("revision", "words"), [("0010", "is older than this version."), ("base", "is empty.")]
)
def test_a_command_on_a_database_of_another_version_says_so(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, revision: str, words: str
) -> None:
    command.downgrade(db.alembic_config(app.extensions["engine"]), revision)
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("TIEBREAK_DATA_DIR", str(settings.data_dir))
    found = CliRunner().invoke(tiebreak, ["export", "birds", "--format", "trl"])
    assert isinstance(found.exception, Problem)
    assert words in found.exception.detail
    assert found.stdout == ""


@pytest.mark.parametrize("name", ["jobs.db", "limits.db"])
def test_a_file_beside_the_database_that_cannot_be_had_is_told_by_its_folder(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(Problem, match=f"{name} cannot be used; check TIEBREAK_DATA_DIR: "):
        create_app(Settings(_env_file=None, data_dir=tmp_path, database_url=""))


@pytest.mark.parametrize(
    "asked", ["serve --port 65535", "demo --port 65535", "worker", "db check", "user list"]
)
@pytest.mark.parametrize("trouble", ["nobody answers", "no database", "a folder", "a file as its folder"])
def test_a_database_that_cannot_be_had_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: str,
    trouble: str,
) -> None:
    file, url, words = tmp_path / "tiebreak.db", "", f"The database {tmp_path}/tiebreak.db cannot be used"
    if trouble == "nobody answers":
        url, words = "postgresql://ada:hush@127.0.0.1:1/birds", "ada:***@127.0.0.1:1/birds cannot be used"
    elif trouble == "no database":
        file.write_text("heron, wren\n" * 100)
    elif trouble == "a folder":
        file.mkdir()
    else:
        tmp_path /= "taken"
        tmp_path.touch()
        words = f"TIEBREAK_DATA_DIR must be a folder that can be written to; {tmp_path}"
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", url)
    monkeypatch.setenv("TIEBREAK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["tiebreak", *asked.split()])
    for name in ("disable", "enable", "set_threshold"):
        monkeypatch.setattr(gc, name, lambda *_numbers: None)
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    assert (end.value.code, told.out, told.err.count("\n")) == (1, "", 1)
    assert told.err.startswith("tiebreak: ")
    assert words in told.err
    assert "hush" not in told.err


@pytest.mark.parametrize("set_to", ["", "kept/birds.db"])
def test_what_only_reads_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_to: str) -> None:
    """An empty folder stays as it is, and a snapshot's, whose own data/ holds nothing of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", f"sqlite:///{tmp_path}/{set_to}" if set_to else "")
    for name in ("TIEBREAK_DATA_DIR", "TIEBREAK_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    for helped in ("export --help", "snapshot verify --help", "db --help", "user add --help"):
        assert CliRunner().invoke(tiebreak, helped.split()).exit_code == 0
    assert CliRunner().invoke(tiebreak, ["export"]).exit_code == 2, "a wrong use is told before all else"
    for asked in ("leaderboard nope", "export birds", "snapshot list birds", "db check", "worker"):
        found = CliRunner().invoke(tiebreak, asked.split()).exception
        assert isinstance(found, Problem), asked
        assert f"no Tiebreak database at {tmp_path / (set_to or 'data/tiebreak.db')}: set" in found.detail
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "data").mkdir()
    (tmp_path / "SHA256SUMS").write_text("")
    wrong = CliRunner().invoke(tiebreak, ["snapshot", "verify", "."])
    assert (wrong.exit_code, wrong.stdout) == (1, "SHA256SUMS: names no file\n")
    assert not list((tmp_path / "data").iterdir())
    assert CliRunner().invoke(tiebreak, ["db", "upgrade"]).exit_code == 0
    assert CliRunner().invoke(tiebreak, ["project", "list"]).exit_code == 0
