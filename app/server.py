"""The production server: web processes, and beside them one that runs jobs."""

import os
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess

from granian import Granian
from granian.constants import Interfaces

from app import create_app
from app.settings import Settings

STOP_SECONDS = 10


def serve(host: str, port: int, workers: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished first.

    One web process more than there are cores, of one thread each: SQLite has one writer at a time,
    and processes that wait for it cost less than threads that share one interpreter. Settings are
    read before anything starts, so that a wrong one stops the start with its name.
    """
    Settings()
    web = Granian(
        "app:create_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers or (os.cpu_count() or 1) + 1,
        blocking_threads=1,
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    worker = _start_job_worker()
    try:
        web.serve()
    finally:
        _stop(worker)


def _start_job_worker() -> SpawnProcess:
    # Spawned, not forked: a fork would share this process's open files and signal handlers.
    worker = get_context("spawn").Process(target=run_jobs, name="tiebreak jobs", daemon=True)
    worker.start()
    return worker


def _stop(worker: SpawnProcess) -> None:
    worker.terminate()
    worker.join(STOP_SECONDS)
    if worker.is_alive():
        # What it was doing is taken up again from its row by the next worker.
        worker.kill()


def run_jobs() -> None:
    """Run jobs until SIGTERM or SIGINT; SIGTERM lets the job under way finish."""
    queue = create_app().extensions["jobs"]
    queue.create_consumer(workers=1, max_delay=1, graceful_signal="TERM").run()
