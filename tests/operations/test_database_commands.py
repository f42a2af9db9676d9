"""``tiebreak db check``: one plain sentence, and a status a script can read."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from app.errors import Problem
from app.operations.commands import database


def test_a_database_that_fits(app: Flask) -> None:
    with app.app_context():
        found = CliRunner().invoke(database, ["check"])
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "The database fits this version.\n")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "older than this version"),
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
