"""Many judges at once, with and without what keeps a leaderboard cheap, and while it is read.

    python -m benchmarks.judges [--quick] [--database sqlite|postgresql]

The production server answers 32 judges, each on a connection of their own. One server counts each judgment,
another does not; they take turns on the same database, so that a busy moment of the machine falls on both. In
a third turn the counting one is asked for the leaderboard all the while. The judges are as fast as they can,
where every microsecond of work tells, and then give a judgment a second each, where one waits only for what
is in the way. A share is the median of those of all turns. On a machine that others keep busy it says little;
so one judge alone, in this process, is measured too: with and without in turns of one judgment, of which the
tenth that were least disturbed tell.
"""

import argparse
import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest import mock

from flask import Flask

from app import create_app, tallies
from benchmarks.judging import Client, app_of, filled
from benchmarks.write_path import TURNS, HttpClient, judged, rate, server, warm
from tests import postgres

JUDGES = 32
WORKERS = 3
# Judgments of each judge in a turn at a second each.
PACED = 3
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
    """Judgments a second and seconds for one in each kind of turn, and their shares of the first kind's."""
    with filled(50_000, JUDGES, url) as data_dir, ExitStack() as running:
        app = app_of(data_dir, url)
        cookies = [Client(app, number).cookie for number in range(JUDGES)]
        by_itself = alone(app)
        app.extensions["engine"].dispose()
        ports = [
            running.enter_context(server(target, data_dir, url, WORKERS))
            for target in ("benchmarks.judges:without_tallies", "app:create_app")
        ]
        judges = [[HttpClient(port, cookie) for cookie in cookies] for port in ports]
        kinds = {"not counted": (0, False), "counted": (1, False), "counted, leaderboard read": (1, True)}
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
        for turn, (kind, (which, read)) in itertools.product(range(turns + 1), kinds.items()):
            # The other server has handed out comparisons since.
            for judge in judges[which]:
                judge.open()
            with reading(ports[which], cookies[0]) if read else nullcontext():
                each = rate([judge.judge for judge in judges[which]], 10), waited(judges[which])
            if turn:  # the first only warms
                found[kind].append(each)
        print(f"\n{database}, {JUDGES} judges, {turns} turns of {(10 + PACED) * JUDGES} judgments")
        print(f"{'':30} {'at full speed':>24} {'one a second each':>24}")
        for kind, each in found.items():
            speed, wait = map(statistics.median, zip(*each, strict=True))
            pairs = list(zip(each, found["not counted"], strict=True))
            faster, longer = (statistics.median(one[i] / base[i] for one, base in pairs) for i in (0, 1))
            print(f"{kind:30} {speed:12.0f} /s {faster:8.2f} {wait * 1e3:12.1f} ms {longer:8.2f}")
        without, counting = by_itself
        share = without / counting
        print(f"one judge alone: {without * 1e3:.2f} ms, counted {counting * 1e3:.2f} ms, {share:.2f}")


def alone(app: Flask) -> tuple[float, float]:
    """Seconds of one judge's judgment, without and with the counting."""
    client = warm(Client(app, 0))
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * TURNS):
        # Whoever comes second finds the processor's caches as the first left them.
        counted = (number + number // 2) % 2
        with nullcontext() if counted else not_counted():
            times[counted].append(judged(client, time.perf_counter))
    without, counting = (statistics.quantiles(each, n=10)[0] for each in times)
    return without, counting


def waited(judges: list[HttpClient]) -> float:
    """Median seconds for a judgment and the next pair, when each judge gives one a second."""
    times: list[float] = []

    def judge(number: int, client: HttpClient) -> None:
        for second in range(PACED):
            time.sleep(max(0, began + second + number / len(judges) - time.perf_counter()))
            sent = time.perf_counter()
            client.judge()
            times.append(time.perf_counter() - sent)

    began = time.perf_counter()
    threads = [threading.Thread(target=judge, args=each) for each in enumerate(judges)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.median(times)


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
    not_counted().start()
    return create_app()


def not_counted() -> Any:
    return mock.patch.object(tallies, "rows", lambda *_: [])


if __name__ == "__main__":
    main()
