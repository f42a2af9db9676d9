"""What a judgment costs, as ratios to bare Flask in the same run: python -m benchmarks.write_path [--quick]

Machines differ and are noisy; a ratio measured in alternating slices says more than seconds.
"""

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from rich.console import Console
from rich.table import Table

from app import create_app
from app.server import THREADS, warmed
from benchmarks.judging import SECRET, Client, app_of, bare_flask, call, fields, filled

TURNS = 400
SLICES = 40
WARM = 500
CLIENTS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small queues: seconds instead of minutes")
    quick = parser.parse_args().quick
    small, large = (5_000, 50_000) if quick else (10_000, 1_000_000)
    table = Table("What", "Measured", "Target", "")
    with filled(small) as few, filled(large) as many:
        start = start_seconds(many)
        row(table, f"Start with {large:,} queued", f"{start:.1f} s", "< 2 s", start < 2)
        app, full = app_of(few), warmed(app_of(many))
        first = _each(Client(full, 0).open, 1, time.perf_counter)
        row(table, "A new annotator's first page", f"{first * 1e3:.0f} ms", "< 100 ms", first < 0.1)
        ratio = cpu_ratio(app)
        row(table, "CPU of a judgment, times bare Flask", f"{ratio:.1f} ×", "≤ 12 ×", ratio <= 12)
        rise = growth(app, full)
        row(table, f"Cost at {large:,} queued, of {small:,}", f"{rise:.2f} ×", "≤ 1.2 ×", rise <= 1.2)
        for each in (app, full):
            each.extensions["engine"].dispose()
        share = full_against_normal(many)
        row(table, "Requests/s with FULL, of those with NORMAL", f"{share:.0%}", "≥ 75 %", share >= 0.75)
        share, p95 = served(few)
        row(table, "Requests/s on one worker, of bare Flask's", f"{share:.0%}", "≥ 15 %", share >= 0.15)
        row(table, "95th percentile, one client", f"{p95 * 1e3:.1f} ms", "≤ 5 ms", p95 <= 0.005)
    Console().print(table)


def row(table: Table, what: str, measured: str, target: str, met: bool) -> None:
    table.add_row(what, measured, target, "met" if met else "missed")


def warm(client: Client) -> Client:
    """With the indexes in memory and the database's log at its full length: growing a file costs more."""
    client.open()
    for _ in range(WARM):
        client.judge()
    return client


def cpu_ratio(app: Flask) -> float:
    """Median CPU of a judgment over that of bare Flask.

    They take turns one by one, so that both find the processor's caches as a write leaves them;
    by itself in a tight loop, "hello" costs half as much. What the client does, filling in the
    form and reading the answer, is not the application's.
    """
    bare, client = bare_flask(), warm(Client(app, 0))
    hello, judgment = [], []
    for _ in range(TURNS):
        hello.append(_each(lambda: call(bare, "GET", "/"), 1, time.process_time))
        judgment.append(judged(client, time.process_time))
    return statistics.median(judgment) / statistics.median(hello)


def judged(client: Client, clock: Callable[[], float]) -> float:
    """Seconds, by this clock, that the application spends on one judgment."""
    form = client.verdict()
    start = clock()
    answer = client.post(form)
    spent = clock() - start
    client.keep(answer)
    return spent


def growth(small: Flask, large: Flask) -> float:
    """Median wall seconds of a judgment with the large queue over those with the small one.

    They take turns, so that both find the machine in the same mood.
    """
    clients = [warm(Client(app, 2)) for app in (small, large)]
    turns = [[judged(client, time.perf_counter) for client in clients] for _ in range(TURNS)]
    few, many = (statistics.median(column) for column in zip(*turns, strict=True))
    return many / few


def _each(action: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(times):
        action()
    return (clock() - start) / times


def full_against_normal(data_dir: Path) -> float:
    """Requests/s with FULL over those with NORMAL: two servers of one worker take turns on one database.

    Somebody alone waits for the disk in every judgment, for about a third of it; where several judge, the
    worker has others to answer meanwhile.
    """
    app = app_of(data_dir)
    cookies = [Client(app, number).cookie for number in range(8, 8 + CLIENTS)]
    app.extensions["engine"].dispose()
    with ExitStack() as running:
        found: dict[str, list[float]] = {"app:create_app": [], "benchmarks.write_path:with_normal": []}
        ports = {target: running.enter_context(server(target, data_dir)) for target in found}
        clients = {target: [HttpClient(port, each) for each in cookies] for target, port in ports.items()}
        for _turn in range(SLICES + 1):
            for target, rates in found.items():
                # The other server has handed out comparisons since.
                for client in clients[target]:
                    client.open()
                rates.append(rate([client.judge for client in clients[target]], 25))
        full, normal = (statistics.median(rates[1:]) for rates in found.values())
    return full / normal


def with_normal() -> Flask:
    """The application as it would be if a power cut could lose the last judgments."""
    app = create_app()

    def relax(driver: Any, _record: object, _proxy: object) -> None:
        driver.execute("PRAGMA synchronous=NORMAL")

    # At checkout: the setting cannot change inside a transaction.
    sa.event.listen(app.extensions["engine"], "checkout", relax)
    return app


def start_seconds(data_dir: Path) -> float:
    """From ``tiebreak serve`` to its first answer: the median of five starts after one that compiles."""
    return statistics.median([_start(data_dir) for _ in range(6)][1:])


def _start(data_dir: Path) -> float:
    port = _free_port()
    began = time.perf_counter()
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=_environment(data_dir), stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, "/readyz")
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, path: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with HttpClient(port) as client:
                client.get(path)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _environment(data_dir: Path, database_url: str = "") -> dict[str, str]:
    return {
        **os.environ,
        "TIEBREAK_DATA_DIR": str(data_dir),
        "TIEBREAK_DATABASE_URL": database_url,
        "TIEBREAK_SECRET_KEY": SECRET,
        # As wherever it is installed: a start need not compile what an earlier one has.
        "PYTHONDONTWRITEBYTECODE": "",
    }


@contextmanager
def server(target: str, data_dir: Path, database_url: str = "", workers: int = 1) -> Iterator[int]:
    """The production server with this application; yields its port."""
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        f"{target}()",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        str(workers),
    ]
    options = [
        "--worker-class",
        "gthread",
        "--threads",
        str(THREADS),
        "--keep-alive",
        "75",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen([*command, *options], env=_environment(data_dir, database_url))
    try:
        _wait_for(port, "/")
        yield port
    finally:
        process.terminate()
        process.wait()


class HttpClient:
    """A browser on a kept connection."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = cookie
        self.form: dict[str, str] = {}

    def __enter__(self) -> "HttpClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def get(self, path: str) -> str:
        self.connection.request("GET", path, headers={"Cookie": self.cookie})
        return self.connection.getresponse().read().decode()

    def open(self) -> None:
        self.form = fields(self.get("/p/bench/judge"))

    def judge(self) -> None:
        headers = {
            "Cookie": self.cookie,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.connection.request("POST", "/p/bench/judge", urlencode({**self.form, "outcome": "b"}), headers)
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.status
        self.form = fields(answer.read().decode())


def served(data_dir: Path) -> tuple[float, float]:
    """Requests/s as a share of bare Flask's, taking turns, and one client's 95th percentile in seconds."""
    app = app_of(data_dir)
    cookies = [Client(app, number).cookie for number in range(4, 4 + CLIENTS)]
    app.extensions["engine"].dispose()
    hello = "benchmarks.judging:bare_flask"
    with server(hello, data_dir) as bare, server("app:create_app", data_dir) as full:
        idle = [HttpClient(bare) for _ in range(CLIENTS)]
        judges = [HttpClient(full, cookie) for cookie in cookies]
        for client in judges:
            client.open()
        shares = [
            rate([client.judge for client in judges], 25)
            / rate([lambda client=client: client.get("/") for client in idle], 100)
            for _ in range(SLICES + 1)
        ][1:]
        times = sorted(_each(judges[0].judge, 1, time.perf_counter) for _ in range(300))
    return statistics.median(shares), times[int(len(times) * 0.95)]


def rate(actions: list[Callable[[], object]], times: int) -> float:
    """Calls per second of several clients at once."""

    def repeat(action: Callable[[], object]) -> None:
        for _ in range(times):
            action()

    threads = [threading.Thread(target=repeat, args=(action,)) for action in actions]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times * len(actions) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
