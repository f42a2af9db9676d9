"""``tiebreak db check``: one plain sentence, and a status a script can read."""

import pytest
import sqlalchemy as sa
from alembic import command
from click.testing import CliRunner
from flask import Flask

from app import db
from app.cli import tiebreak
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


@pytest.mark.parametrize("asked", [["db", "upgrade"], ["demo", "--port", "1"]])
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
