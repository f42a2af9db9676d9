"""A power cut: of what SQLite wrote, only what it also synced is still there.

The statements are those of real judgments, recorded as the page's requests made them, replayed
under this project's own pragmas on a file system that forgets. NORMAL is the proof that the
test can fail.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.db import SQLITE_PRAGMAS
from app.models import Account
from tests.annotation.arrange import queue
from tests.annotation.desk import JUDGE, send
from tests.conftest import Cast

JUDGMENTS = 40


class ForgetfulFile(apsw.VFSFile):
    """Keeps what was written since the last sync apart from what would survive."""

    def __init__(self, disk: "ForgetfulDisk", name: "str | apsw.URIFilename", flags: list[int]) -> None:
        super().__init__("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._survives = disk.survives.setdefault(Path(path).name, bytearray())
        self._pending: list[tuple[int, bytes]] = []

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
        super().xWrite(data, offset)
        self._pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._pending.append((newsize, b""))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        for offset, data in self._pending:
            self._settle(offset, data)
        self._pending.clear()

    def _settle(self, offset: int, data: bytes) -> None:
        kept = self._survives
        if not data:
            del kept[offset:]
            return
        kept.extend(bytes(max(0, offset - len(kept))))
        kept[offset : offset + len(data)] = data


class ForgetfulDisk(apsw.VFS):
    """A file system whose power can be cut."""

    def __init__(self, name: str) -> None:
        self.survives: dict[str, bytearray] = {}
        self.name = name
        super().__init__(name, "")

    def xOpen(self, name: "str | apsw.URIFilename | None", flags: list[int]) -> ForgetfulFile:  # noqa: N802
        assert name is not None
        return ForgetfulFile(self, name, flags)

    def after_the_cut(self, folder: Path) -> Path:
        """What is on the disk when the power is back; shared memory was never on it."""
        folder.mkdir()
        for name, content in self.survives.items():
            if not name.endswith("-shm"):
                (folder / name).write_bytes(content)
        return folder / "tiebreak.db"


@pytest.fixture
def recorded(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: Callable[[Account | None], FlaskClient],
    tmp_path: Path,
) -> tuple[bytes, list[str]]:
    """The database before, and every statement of the judgments that followed."""
    if not app.config["SETTINGS"].is_sqlite:
        pytest.skip("about SQLite's files")
    queue(session, cast.project, JUDGMENTS + 1)
    session.close()
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    before = tmp_path / "before.db"
    with sqlite3.connect(tmp_path / "tiebreak.db") as source, sqlite3.connect(before) as target:
        source.backup(target)
    statements: list[str] = []

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(statements.append)

    app.extensions["engine"].dispose()
    sa.event.listen(app.extensions["engine"], "connect", watch)
    for _ in range(JUDGMENTS):
        page = send(client, page, "a")
    return before.read_bytes(), [text for text in statements if not text.startswith(("PRAGMA", "--"))]


def lost(recorded: tuple[bytes, list[str]], pragmas: tuple[str, ...], folder: Path) -> int:
    """How many acknowledged judgments a power cut takes away under these pragmas."""
    before, statements = recorded
    folder.mkdir()
    (folder / "tiebreak.db").write_bytes(before)
    disk = ForgetfulDisk(str(folder))
    disk.survives["tiebreak.db"] = bytearray(before)
    connection = apsw.Connection(str(folder / "tiebreak.db"), vfs=disk.name)
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    acknowledged = 0
    for statement in statements:
        connection.execute(statement).fetchall()
        acknowledged += statement == "COMMIT"
    assert acknowledged == JUDGMENTS
    left = sqlite3.connect(disk.after_the_cut(folder / "after"))
    assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = left.execute("SELECT count(*) FROM judgments").fetchone()[0]
    left.close()
    return acknowledged - int(kept)


def test_a_power_cut_takes_no_acknowledged_judgment(
    recorded: tuple[bytes, list[str]], tmp_path: Path
) -> None:
    assert lost(recorded, SQLITE_PRAGMAS, tmp_path / "full") == 0


def test_with_less_care_it_would(recorded: tuple[bytes, list[str]], tmp_path: Path) -> None:
    careless = tuple(pragma.replace("synchronous=FULL", "synchronous=NORMAL") for pragma in SQLITE_PRAGMAS)
    assert careless != SQLITE_PRAGMAS
    assert lost(recorded, careless, tmp_path / "normal") > 0
