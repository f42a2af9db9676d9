"""Where ``tiebreak serve`` and ``tiebreak demo`` listen."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import tiebreak
from app.errors import Problem


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
