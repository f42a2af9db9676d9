"""Where ``tiebreak serve`` and ``tiebreak demo`` listen."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import Session

from app import server
from app.accounts.setup import setup_code
from app.cli import tiebreak
from app.errors import Problem
from app.models import Account
from app.settings import Settings


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_address_that_is_taken_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TIEBREAK_DATA_DIR", str(tmp_path / "data"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = CliRunner().invoke(tiebreak, [command, "--port", str(port)])
    assert isinstance(found.exception, Problem)
    assert f"127.0.0.1:{port} cannot be served: Address already in use." in found.exception.detail
    assert not (tmp_path / "data").exists()


def test_a_server_says_which_address_to_open(
    settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data_dir", "database_url", "base_url"):
        monkeypatch.setenv(f"TIEBREAK_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("TIEBREAK_SECRET_KEY", settings.secret_key.get_secret_value())
    monkeypatch.setattr(server, "check_free", lambda *_address: None)
    monkeypatch.setattr(server, "serve", lambda *_asked: None)

    def told(*options: str) -> str:
        return CliRunner().invoke(tiebreak, ["serve", *options], catch_exceptions=False).stderr

    link = f"http://127.0.0.1:8000/welcome?code={setup_code(settings)}"
    assert told() == f"Nobody has an account yet. Make the first admin at {link}\n"
    session.add(Account(email="ada@example.org", name="Ada"))
    session.commit()
    assert told("--host", "::1", "--port", "8001") == "Tiebreak is on http://[::1]:8001\n"
    monkeypatch.setenv("TIEBREAK_BASE_URL", "https://birds.example.org/")
    assert told() == "Tiebreak is on https://birds.example.org\n"
