"""The production server: web processes, and beside them one that runs jobs.

gunicorn, because it cuts the connection when a stream breaks off: with a server that ends such a
response properly, half an export would look complete.
"""

import os
import subprocess
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from app import create_app
from app.settings import Settings

STOP_SECONDS = 10

# Two threads or more, so that a long export does not hold up those who judge; few, because SQLite
# has one writer at a time and threads share an interpreter.
THREADS = 4


class Web(BaseApplication):
    """gunicorn with this project's options instead of a command line."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app()


def serve(host: str, port: int, workers: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished first.

    One web process more than there are cores by default. Settings are read before anything starts,
    so that a wrong one stops the start with its name.
    """
    Settings()
    Web(options(host, port, workers) | _beside_it()).run()


def options(host: str, port: int, workers: int | None = None) -> dict[str, Any]:
    """What gunicorn is told."""
    return {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers or (os.cpu_count() or 1) + 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "keepalive": 75,
        "graceful_timeout": STOP_SECONDS,
        "loglevel": "warning",
        "proc_name": "tiebreak",
        "control_socket_disable": True,
    }


def _beside_it() -> dict[str, Any]:
    """gunicorn's hooks that start the job worker with the first process and stop it with the last."""
    started: list[subprocess.Popen[bytes]] = []

    def on_starting(_arbiter: object) -> None:
        # A program of its own: a fork would share this process's open files and signal handlers.
        program = [sys.executable, "-c", "from app.server import run_jobs; run_jobs()"]
        started.append(subprocess.Popen(program))  # noqa: S603 -- our own words

    def on_exit(_arbiter: object) -> None:
        for worker in started:
            worker.terminate()
            try:
                worker.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # What it was doing is taken up again from its row by the next worker.
                worker.kill()

    return {"on_starting": on_starting, "on_exit": on_exit}


def run_jobs() -> None:
    """Run jobs until SIGTERM or SIGINT; SIGTERM lets the job under way finish."""
    queue = create_app().extensions["jobs"]
    queue.create_consumer(workers=1, max_delay=1, graceful_signal="TERM").run()
