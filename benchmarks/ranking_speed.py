"""Speed, memory and growth of rankings, ours and others', on the same votes in one run, as Markdown tables.

    python -m benchmarks.ranking_speed [--quick] [--votes N] [--models M]

Without --votes and --models a grid of sizes is run. What others read (lists, strings) is made before the
clock starts. Times are the best of several runs, or the only one where it takes six seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import log, prod
from pathlib import Path
from typing import Literal

from benchmarks.ranking_methods import METHODS, MILLION, OTHERS, OURS, Data, Method

Size = tuple[int, int]

GRID: tuple[Size, ...] = (
    (10_000, 20),
    (10_000, 100),
    (100_000, 100),
    (MILLION, 100),
    (10 * MILLION, 100),
    (MILLION, 20),
    (MILLION, 400),
)
QUICK: tuple[Size, ...] = ((10_000, 20), (10_000, 100), (100_000, 100))
MEASURED_MEMORY: tuple[Size, ...] = ((MILLION, 100), (10 * MILLION, 100))
# Seconds of runs after which the best so far will do; a first run, which may compile, is given thrice that.
PATIENCE = 2.0


@dataclass(frozen=True)
class Target:
    """The ratio of two methods' times, or one's milliseconds, and its bound, at one size or at all."""

    over: str
    under: str | None
    sign: Literal["≥", "≤"]
    bound: float
    size: Size | None = None

    def __str__(self) -> str:
        what = f"{self.over} / {self.under}" if self.under else f"{self.over}, ms"
        return f"{what} | {self.sign} {self.bound:g}{f' at {named(self.size)}' if self.size else ''}"

    def value(self, times: dict[str, float]) -> float | None:
        if self.over not in times or (self.under and self.under not in times):
            return None
        return times[self.over] / (times[self.under] if self.under else 1.0)

    def met(self, columns: dict[Size, dict[str, float]]) -> str:
        values = [self.value(times) for size, times in columns.items() if self.size in (None, size)]
        found = [v >= self.bound if self.sign == "≥" else v <= self.bound for v in values if v is not None]
        return ("yes" if all(found) else "no") if found else "–"


USUAL = (MILLION, 100)
TARGETS = (
    Target("evalica, ratings", "ratings, no prior", "≥", 40, USUAL),
    Target("L-BFGS, ratings", "ratings, no prior", "≥", 200, USUAL),
    Target("evalica, ratings from words", "ratings from words", "≥", 2, USUAL),
    Target("L-BFGS, bootstrap, 100", "ratings and bootstrap, 100", "≥", 20, USUAL),
    Target("ratings and sandwich", "read the columns once", "≤", 4, (10 * MILLION, 100)),
    Target("evalica, Elo", "Elo", "≥", 1.8),
    Target("refresh from tallies", None, "≤", 25),
    Target("refresh from tallies of 200 annotators", None, "≤", 25, USUAL),
    Target("refresh from tallies of 200 annotators", None, "≤", 25, (10 * MILLION, 100)),
    Target("ratings, 4 covariates and sandwich", None, "≤", 15, (100_000, 100)),
)
GROWING = (
    *("ratings, no prior", "ratings and sandwich", "ratings and bootstrap, 100"),
    *("refresh from tallies", "refresh from tallies of 200 annotators"),
)
HUNGRY = ("ratings, no prior", "ratings and sandwich", "refresh from tallies", *OTHERS)


def named(size: Size) -> str:
    return f"{size[0]:,} / {size[1]}"


def timed(method: Method, data: Data) -> float:
    """Milliseconds of the best run: half a second of runs, at least five unless they try the patience."""
    method.prepare(data)
    best, runs, began = float("inf"), 0, time.perf_counter()
    while runs < 5 or time.perf_counter() - began < 0.5:
        start = time.perf_counter()
        method.run(data)
        best = min(best, time.perf_counter() - start)
        runs += 1
        if time.perf_counter() - began > (PATIENCE if runs > 1 else 3 * PATIENCE):
            break
    return 1000 * best


def times_of(size: Size) -> dict[str, float]:
    data = Data.simulated(*size)
    return {name: timed(method, data) for name, method in METHODS.items() if size[0] <= method.most}


def memory(name: str, size: Size) -> float:
    """Megabytes a run adds to the process at its peak, whatever language allocates them (Linux).

    What is ours fits into memory the process had before: then it is what Python and numpy say they took.
    """
    method = METHODS[name]
    method.run(Data.simulated(1000, size[1]))  # what is loaded once is not the votes' doing
    data = Data.simulated(*size)
    method.prepare(data)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before = _status("VmRSS")
    method.run(data)
    added = (_status("VmHWM") - before) / 1000
    return max(added, _traced(method, data)) if name in OURS else added


def _traced(method: Method, data: Data) -> float:
    tracemalloc.start()
    method.run(data)
    return tracemalloc.get_traced_memory()[1] / 1e6


def _status(field: str) -> int:
    """A line of the process's status, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def in_a_process_of_its_own(name: str, size: Size) -> str:
    if size[0] > METHODS[name].most:
        return "–"
    options = ["--votes", str(size[0]), "--models", str(size[1]), "--memory", name]
    command = [sys.executable, "-m", "benchmarks.ranking_speed", *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def print_table(title: str, heads: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> None:
    heads = list(heads)
    print(f"\n{title}\n\n| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for name, cells in rows:
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def steps_between(sizes: tuple[Size, ...]) -> list[tuple[Size, Size]]:
    """Neighbouring sizes that differ in votes alone, then those that differ in models alone."""
    return [
        step
        for axis in (0, 1)
        for fixed in sorted({size[1 - axis] for size in sizes})
        for step in pairwise(sorted(size for size in sizes if size[1 - axis] == fixed))
    ]


def growth(name: str, columns: dict[Size, dict[str, float]], steps: list[tuple[Size, Size]]) -> list[str]:
    """The power of the votes, or of the models, that the time grows with from one size to the next."""
    return [
        number(log(columns[last][name] / columns[first][name]) / log(prod(last) / prod(first)))
        for first, last in steps
    ]


def report(sizes: tuple[Size, ...], memory_sizes: tuple[Size, ...]) -> None:
    columns = {size: times_of(size) for size in sizes}
    heads = [named(size) for size in sizes]
    print_table(
        "Milliseconds by votes / models",
        heads,
        ((name, (number(times.get(name), 2) for times in columns.values())) for name in METHODS),
    )
    print_table(
        "Ratios and their targets",
        ["target", "met", *heads],
        (
            (str(t), [t.met(columns), *(number(t.value(times)) for times in columns.values())])
            for t in TARGETS
        ),
    )
    steps = steps_between(sizes)
    if steps:
        print_table(
            "Our cost grows with this power of the votes or models",
            [f"{named(first)} → {named(last)}" for first, last in steps],
            ((name, growth(name, columns, steps)) for name in GROWING),
        )
    print_table(
        "Extra memory at the peak, MB",
        [named(size) for size in memory_sizes],
        ((name, [in_a_process_of_its_own(name, size) for size in memory_sizes]) for name in HUNGRY),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("--votes", type=int)
    parser.add_argument("--models", type=int)
    parser.add_argument("--memory", metavar="METHOD", help="print one method's extra memory and stop")
    options = parser.parse_args()
    if options.votes or options.models:
        size = (options.votes or USUAL[0], options.models or USUAL[1])
        if options.memory:
            print(number(memory(options.memory, size)))
        else:
            report((size,), (size,))
    elif options.quick:
        report(QUICK, QUICK[-1:])
    else:
        report(GRID, MEASURED_MEMORY)


if __name__ == "__main__":
    main()
