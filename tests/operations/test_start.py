"""What a start does not wait for, and what it does not do without."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from app import create_app, web
from app.errors import Problem
from app.settings import Settings

# Each takes a tenth of a second, or more, and a server can be ready and show a pair without them.
LATER = {"alembic", "pyarrow", "scipy.linalg", "scipy.sparse", "scipy.special"}


def test_a_server_starts_without_what_only_some_requests_need(settings: Settings) -> None:
    program = (
        "import sys; from app import create_app, db, server; from app.operations.commands import serve;"
        "assert db.misfit(create_app().extensions['engine']) is None;"
        f"print(sorted({LATER} & set(sys.modules)))"
    )
    made = {
        "TIEBREAK_DATA_DIR": str(settings.data_dir),
        "TIEBREAK_DATABASE_URL": settings.database_url,
        "TIEBREAK_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | made,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_data_directory_apart_from_the_database_is_made(settings: Settings, tmp_path: Path) -> None:
    elsewhere = {"database_url": f"sqlite:///{tmp_path}/elsewhere/x.db"}
    made = tmp_path / "not" / "yet"
    create_app(settings.model_copy(update=elsewhere | {"data_dir": made}))
    assert made.is_dir()
    (tmp_path / "taken").touch()
    with pytest.raises(Problem, match=f"TIEBREAK_DATA_DIR must be a folder .*{tmp_path}/taken"):
        create_app(settings.model_copy(update=elsewhere | {"data_dir": tmp_path / "taken" / "data"}))


def test_on_postgresql_a_start_with_a_key_needs_no_data_directory(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    nowhere = {"database_url": "postgresql+psycopg://127.0.0.1:1/x", "data_dir": tmp_path / "taken" / "data"}
    with pytest.raises(Problem, match=r"127\.0\.0\.1:1/x cannot be used"):
        create_app(settings.model_copy(update=nowhere))
    with pytest.raises(Problem, match="TIEBREAK_DATA_DIR must be a folder"):
        create_app(settings.model_copy(update=nowhere | {"secret_key": SecretStr("")}))


def test_where_no_key_can_be_kept_whole_one_must_be_set(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)

    monkeypatch.setattr(web.os, "link", refuse)
    folder = tmp_path / "new"
    with pytest.raises(Problem, match=r"new/secret_key: .* no hard links, set TIEBREAK_SECRET_KEY"):
        web.have_key(settings.model_copy(update={"data_dir": folder, "secret_key": SecretStr("")}))
    assert list(folder.iterdir()) == [], "nothing half-written is taken for a key"


def test_processes_that_start_at_once_have_one_key(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, none = tmp_path / "new", SecretStr("")
    first, second = (settings.model_copy(update={"data_dir": folder, "secret_key": none}) for _ in range(2))

    def draw(_bytes: int) -> str:
        monkeypatch.undo()
        web.have_key(second)
        return "x" * 64

    monkeypatch.setattr(web.secrets, "token_urlsafe", draw)
    web.have_key(first)
    assert first.secret_key == second.secret_key
    [kept] = folder.iterdir()
    assert (kept.name, kept.stat().st_mode & 0o777) == ("secret_key", 0o600)
    assert kept.read_text() == first.secret_key.get_secret_value() != "x" * 64


def test_an_installation_without_its_templates_says_so_and_does_not_start(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "ROOT", tmp_path)
    with pytest.raises(Problem, match=r"no templates in .*pip install -e"):
        create_app(settings)
