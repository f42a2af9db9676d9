"""The production server, to be killed."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import Settings
from tests.conftest import SECRET


@contextmanager
def served(settings: Settings, workers: int = 1) -> Iterator[tuple[int, Callable[[], None]]]:
    """The production server in processes of its own: its port, and a way to kill them all at once."""
    with started(settings, workers) as (port, process):

        def kill() -> None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

        yield port, kill


@contextmanager
def started(settings: Settings, workers: int = 1) -> "Iterator[tuple[int, subprocess.Popen[bytes]]]":
    """The same: its port and its keeper, whose standard error is piped."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        "TIEBREAK_DATA_DIR": str(settings.data_dir),
        "TIEBREAK_DATABASE_URL": settings.database_url,
        "TIEBREAK_SECRET_KEY": SECRET,
    }
    start = f"import app, app.server; app.server.serve(app.create_app(), '127.0.0.1', {port}, {workers})"
    process = subprocess.Popen(
        [sys.executable, "-c", f"if __name__ == '__main__': {start}"],
        env=environment,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_for(port)
        yield port, process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError("the server did not come up")
