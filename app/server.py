"""The production server: web processes, and beside them one that runs jobs.

gunicorn, because it cuts the connection when a stream breaks off: with a server that ends such a
response properly, half an export would look complete.
"""

import gc
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http.message import MAX_REQUEST_LINE
from gunicorn.workers import gthread
from gunicorn.workers.gthread import ThreadWorker

from app import create_app
from app.errors import Problem

STOP_SECONDS = 10

# Seconds before a job worker that ended is started again: one that cannot start would fill the log.
PAUSE = 2

# Two threads or more, so that a long export does not hold up those who judge; few, because SQLite
# has one writer at a time and threads share an interpreter.
THREADS = 4

# The templates of a page with a pair: a tenth of them all, and what compiling them takes is waited for.
JUDGING_PAGE = (
    "base.html",
    "_macros.html",
    "_languages.html",
    "annotation/judge.html",
    "annotation/_pair.html",
    "annotation/_parts.html",
    "annotation/_asked.html",
    "annotation/_turns.html",
)


class Web(BaseApplication):
    """gunicorn with this project's options instead of a command line."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.app = app
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.app

    def run(self) -> None:
        Keeper(self).run()


def warmed(app: Flask) -> Flask:
    """The application with what the judging page is made of compiled, so that nobody's first pair waits."""
    for name in JUDGING_PAGE:
        app.jinja_env.get_template(name)
    _keep_what_is_loaded()
    return app


def _keep_what_is_loaded() -> None:
    # It stays until the end, so that neither the collector nor the end need look through it:
    # a process that stops would spend longer on that than on anything else.
    gc.freeze()
    gc.enable()


class Worker(ThreadWorker):
    """gunicorn's worker with threads, none of which waits on a connection that says nothing yet.

    Browsers open some in reserve; each would hold a thread for seconds, and a few of them everybody.
    """

    def handle(self, conn: Any) -> Any:
        if not (conn.initialized or conn.data_ready or conn.wait_for_data(0)):
            return gthread._DEFER  # type: ignore[attr-defined]  # its stubs know public names only
        return super().handle(conn)


class Keeper(Arbiter):
    """gunicorn's keeper of the web processes, which keeps the job worker alive too."""

    jobs: "subprocess.Popen[bytes] | None" = None
    begun = -math.inf

    def manage_workers(self) -> None:
        """Called every second, and when a process has ended."""
        super().manage_workers()
        if (self.jobs is None or self.jobs.poll() is not None) and time.monotonic() - self.begun > PAUSE:
            # A program of its own: a fork would share this process's open files and signal handlers.
            program = [sys.executable, "-c", "from app.server import run_jobs_beside; run_jobs_beside()"]
            self.jobs = subprocess.Popen(program, stdin=subprocess.PIPE)  # noqa: S603 -- our own words
            self.begun = time.monotonic()

    def stop(self, graceful: bool = True) -> None:
        """Stop the web processes, then the job worker: what it was doing goes on with the next one."""
        if self.jobs is not None:
            self.jobs.terminate()
        super().stop(graceful)
        if self.jobs is not None:
            try:
                self.jobs.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.jobs.kill()


def serve(app: Flask, host: str, port: int, workers: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished first.

    One web process more than there are cores by default. They part with the application made, so that
    all start at once and share its memory.
    """
    _disconnect(app)
    Web(warmed(app), options(host, port, workers)).run()


def _disconnect(app: Flask) -> None:
    # Two processes on one connection would read each other's answers.
    app.extensions["engine"].dispose()
    for queue in ("jobs", "limits"):
        app.extensions[queue].storage.close()


def check_free(host: str, port: int) -> None:
    """Raises Problem where nobody could be served at this address, before anything is done for it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        # Python adds the address once more, in its own notation.
        why = str(error.strerror).partition(" (")[0]
        raise Problem(f"{host}:{port} cannot be served: {why}. Choose another with --port.") from error


def address(host: str, port: int) -> str:
    """Host and port as they are written in one."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def options(host: str, port: int, workers: int | None = None) -> dict[str, Any]:
    """What gunicorn is told."""
    return {
        "bind": address(host, port),
        "workers": workers or (os.cpu_count() or 1) + 1,
        "worker_class": Worker,
        "threads": THREADS,
        "keepalive": 75,
        "graceful_timeout": STOP_SECONDS,
        # The most there can be: an export's filters are in its address, and name many categories.
        "limit_request_line": MAX_REQUEST_LINE,
        "loglevel": "warning",
        "proc_name": "tiebreak",
        "control_socket_disable": True,
    }


def run_jobs(app: Flask) -> None:
    """Run jobs until SIGTERM or SIGINT; SIGTERM lets the job under way finish."""
    _keep_what_is_loaded()
    app.extensions["jobs"].create_consumer(workers=1, max_delay=1, graceful_signal="TERM").run()


def run_jobs_beside() -> None:
    """The same for as long as the server is there: its end, however it comes, closes our standard input."""
    threading.Thread(target=_leave_with_the_server, daemon=True).start()
    gc.disable()  # until all that stays is there
    run_jobs(create_app())


def _leave_with_the_server() -> None:
    # Past the buffer: a thread that still waits inside it when the interpreter ends brings it down.
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
