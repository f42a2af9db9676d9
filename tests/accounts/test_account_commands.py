"""Accounts and tokens at a terminal."""

import gc
import io
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlmodel import Session, select

from app.accounts import passwords
from app.accounts.commands import commands
from app.cli import tiebreak
from app.errors import Conflict, Invalid, NotFound
from app.models import Account, SiteRole
from tests.conftest import Cast

PASSWORD = "correct horse battery"


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """Runs a command of this room as ``tiebreak`` does, in the app's context."""
    named = {command.name: command for command in commands}

    def run_command(name: str, *arguments: str, stdin: str = "") -> Result:
        with app.app_context():
            return CliRunner().invoke(named[name], arguments, input=stdin)

    return run_command


def test_add_an_admin(run: Callable[..., Result], session: Session) -> None:
    answer = run("user", "add", "Ada@Example.org", "--role", "admin", "--name", "Ada L.")
    assert answer.exit_code == 0, answer.output
    ada = session.exec(select(Account)).one()
    assert (ada.email, ada.name, ada.role) == ("ada@example.org", "Ada L.", SiteRole.ADMIN)
    assert passwords.fits(ada.password_hash, answer.stdout.strip()), "the password is all of stdout"


def test_add_with_a_password_from_stdin(run: Callable[..., Result], session: Session) -> None:
    answer = run(
        "user", "add", "ann@example.org", "--role", "member", "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    assert (answer.exit_code, answer.stdout) == (0, "")
    ann = session.exec(select(Account)).one()
    assert ann.name == "ann"
    assert passwords.fits(ann.password_hash, PASSWORD)


def test_what_cannot_be_added(run: Callable[..., Result], cast: Cast) -> None:
    assert run("user", "add", "ann@example.org").exit_code == 2, "the role is not given"
    assert run("user", "add", "x@example.org", "--role", "king").exit_code == 2
    taken = run("user", "add", "ann@example.org", "--role", "member").exception
    assert isinstance(taken, Invalid)
    assert taken.by_field() == {"email": "There is an account with this address already."}
    short = run("user", "add", "x@example.org", "--role", "member", "--password-stdin", stdin="short\n")
    assert (short.exit_code, "password: Use at least" in short.stderr) == (2, True)
    wrong = run("user", "add", "nowhere", "--role", "member")
    assert (wrong.exit_code, "Error: EMAIL: This is not an email address." in wrong.stderr) == (2, True)


def test_list_disable_enable(run: Callable[..., Result], cast: Cast) -> None:
    run("user", "disable", "Ann@example.org")
    lines = run("user", "list").stdout.splitlines()
    assert lines[:2] == ["ada@example.org\tadmin\tactive\tAda", "ann@example.org\tmember\tdisabled\tAnn"]
    run("user", "enable", "ann@example.org")
    assert "disabled" not in run("user", "list").stdout
    assert isinstance(run("user", "disable", "nobody@example.org").exception, NotFound)
    assert isinstance(run("user", "disable", "ada@example.org").exception, Conflict)


def test_new_password(run: Callable[..., Result], cast: Cast, client_of: Any, session: Session) -> None:
    ann = client_of(cast.ann)
    made_up = run("user", "password", "ann@example.org").stdout.strip()
    session.refresh(cast.ann)
    assert passwords.fits(cast.ann.password_hash, made_up)
    assert ann.get("/account").status_code == 303


def test_token(run: Callable[..., Result], cast: Cast, app: Flask) -> None:
    answer = run("token", "add", "ann@example.org", "--name", "laptop")
    header = {"Authorization": f"Bearer {answer.stdout.strip()}"}
    assert app.test_client().get("/api/v1/projects", headers=header).status_code == 200
    assert isinstance(run("token", "add", "no@example.org", "--name", "x").exception, NotFound)
    refused = run("token", "add", "otto@example.org", "--name", "x", "--project", "birds").exception
    assert isinstance(refused, Invalid)
    assert "tiebreak project member birds otto@example.org --role" in refused.errors[0].detail
    missing = run("token", "add", "otto@example.org", "--name", "x", "--project", "fish").exception
    assert isinstance(missing, NotFound)
    assert missing.detail == "There is no project fish. See them all: tiebreak project list"


def test_the_whole_command_line_says_what_was_wrong(
    monkeypatch: pytest.MonkeyPatch, settings: Any, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    from app import cli

    monkeypatch.setenv("TIEBREAK_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("TIEBREAK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr("sys.argv", ["tiebreak", "user", "add", "ann@example.org", "--role", "admin"])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert "email: There is an account with this address already." in capsys.readouterr().err
    assert gc.isenabled(), "what a command no longer needs is freed"
    assert {"user", "token", "project"} <= set(tiebreak.list_commands(None))  # type: ignore[arg-type, union-attr]
