"""A private PostgreSQL cluster for the tests, on a free port, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

# Durability is off for speed; the tests that kill the server ask for it back.
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def find_program(name: str) -> str | None:
    """A PostgreSQL server program, which Debian keeps off the PATH."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    brew = sorted(Path("/opt/homebrew/opt").glob(f"postgresql*/bin/{name}"), reverse=True)
    return next((str(path) for path in [*beside, *brew]), None) or shutil.which(name)


def needed() -> None:
    """Skip a test where there is no PostgreSQL; in CI, fail it."""
    if find_program("initdb") is None:
        hint = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(hint)
        pytest.skip(hint)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory() -> Path | None:
    """A folder in memory where there is room: every test has a database of its own."""
    folder = Path("/dev/shm")  # noqa: S108 -- mkdtemp makes a folder of its own in it
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > 2 * 2**30 else None


def _as_nobody(base: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand the folder to another user and become them."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(base, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@dataclass
class Cluster:
    """A running server; ``kill`` and ``start`` let a test cut it off."""

    base: Path
    port: int
    prefix: list[str]
    options: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    connection: "psycopg.Connection[tuple[object, ...]] | None" = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        for _ in range(400):
            # One that was just killed may still hold its memory for a moment, and the next gives up.
            if self.process is None or self.process.poll() is not None:
                self.process = self._launched()
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=1).close()
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def _launched(self) -> "subprocess.Popen[bytes]":
        program = find_program("postgres")
        assert program is not None
        data, port, folder = str(self.base / "data"), str(self.port), str(self.base)
        options = ["-D", data, "-p", port, "-k", folder, "-c", "listen_addresses=127.0.0.1", *self.options]
        return subprocess.Popen(
            [*self.prefix, program, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base,
        )

    def kill(self) -> None:
        """SIGKILL the postmaster and every backend, as a crash would."""
        assert self.process is not None
        # Stopped first, so that it starts no backend that would outlive it.
        self.process.send_signal(signal.SIGSTOP)
        subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
        self.process.kill()
        self.process.wait()
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        (self.base / "data" / "postmaster.pid").unlink(missing_ok=True)

    def execute(self, sql: str) -> None:
        """Run a statement as the owner, by one connection for all of them: to open one takes longer."""
        if self.connection is None:
            self.connection = psycopg.connect(self.url(), autocommit=True)
        self.connection.execute(sql)


@contextlib.contextmanager
def cluster(options: Sequence[str] = FAST) -> Iterator[Cluster]:
    """Make, start and at the end remove a cluster."""
    initdb = find_program("initdb")
    if initdb is None:
        raise RuntimeError("PostgreSQL's initdb was not found")
    base = Path(tempfile.mkdtemp(prefix="tiebreak-pg-", dir=memory()))
    prefix = _as_nobody(base)
    subprocess.run(
        [
            *prefix,
            initdb,
            "-D",
            str(base / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=base,
    )
    server = Cluster(base, _free_port(), prefix, options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(base, ignore_errors=True)
