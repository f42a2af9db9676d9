"""Many judges at once, with and without what keeps a leaderboard cheap, and while it is read.

    python -m benchmarks.judges [--quick] [--database sqlite|postgresql]

The production server answers 32 judges, each on a connection of their own. One server counts each judgment,
another does not; they take turns on the same database, so that a busy moment of the machine falls on both. In
a third turn the counting one is asked for the leaderboard all the while.
"""

import argparse
import itertools
import statistics
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from unittest import mock

from flask import Flask

from app import create_app, tallies
from benchmarks.judging import Client, app_of, filled
from benchmarks.write_path import HttpClient, rate, server
from tests import postgres

JUDGES = 32
WORKERS = 3
BOARD = "/p/bench/leaderboard"


def main() -> None:
    """Measure, print a table, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="one of them; both by default")
    options = parser.parse_args()
    for database in [options.database] if options.database else ["sqlite", "postgresql"]:
        with postgres.cluster(()) if database == "postgresql" else nullcontext() as cluster:
            measure(database, cluster.url() if cluster else "", 4 if options.quick else 16)


def measure(database: str, url: str, turns: int) -> None:
    """Judgments a second in each kind of turn, and each kind's share of the first."""
    with filled(50_000, JUDGES, url) as data_dir, ExitStack() as running:
        app = app_of(data_dir, url)
        cookies = [Client(app, number).cookie for number in range(JUDGES)]
        app.extensions["engine"].dispose()
        ports = [
            running.enter_context(server(target, data_dir, url, WORKERS))
            for target in ("benchmarks.judges:without_tallies", "app:create_app")
        ]
        judges = [[HttpClient(port, cookie) for cookie in cookies] for port in ports]
        kinds = {"not counted": (0, False), "counted": (1, False), "counted, leaderboard read": (1, True)}
        rates: dict[str, list[float]] = {kind: [] for kind in kinds}
        for turn, (kind, (which, read)) in itertools.product(range(turns + 1), kinds.items()):
            # The other server has handed out comparisons since.
            for judge in judges[which]:
                judge.open()
            with reading(ports[which], cookies[0]) if read else nullcontext():
                found = rate([judge.judge for judge in judges[which]], 10)
            if turn:  # the first only warms
                rates[kind].append(found)
        base = statistics.median(rates["not counted"])
        print(f"\n{database}, {JUDGES} judges, {turns} turns of {10 * JUDGES} judgments")
        for kind, each in rates.items():
            middle = statistics.median(each)
            print(f"{kind:30} {middle:7.0f} judgments/s {middle / base:6.2f}", flush=True)


@contextmanager
def reading(port: int, cookie: str) -> Iterator[None]:
    """A viewer who asks for the leaderboard four times a second."""
    done = threading.Event()

    def read() -> None:
        with HttpClient(port, cookie) as viewer:
            while not done.wait(0.25):
                viewer.get(BOARD)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def without_tallies() -> Flask:
    """The application as it would be if a leaderboard counted judgments when it is read."""
    mock.patch.object(tallies, "apply", lambda *_: None).start()
    return create_app()


if __name__ == "__main__":
    main()
