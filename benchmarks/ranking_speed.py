"""Speed, memory and growth of rankings, ours and others', on the same votes in one run, as Markdown tables.

    python -m benchmarks.ranking_speed [--quick] [--votes N] [--models M]

Without --votes and --models a grid of sizes is run. What others read (lists, strings) is made before the
clock starts. Times are the best of several runs, or the only one where it takes six seconds. "L-BFGS" is the
method of FastChat: the mean log-loss of the distinct rows, minimised by scipy. arena-rank is measured when
it is installed, as `make bench` does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any, Literal

import ranking  # first of all numerical libraries: it keeps BLAS to one thread
from ranking.covariates import ControlledFit, fit_covariates

import choix  # isort: skip
import evalica  # isort: skip
import numpy as np  # isort: skip
from scipy.optimize import minimize  # isort: skip

from benchmarks.ranking_votes import Votes, simulate

Size = tuple[int, int]

MILLION = 1_000_000
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


def repeated(votes: Votes, times: int) -> Votes:
    columns = (np.tile(c, times) for c in (votes.a, votes.b, votes.outcome, votes.annotator))
    return Votes(*columns, votes.truth)


class Data:
    """The same votes in every shape that somebody reads."""

    def __init__(self, votes: Votes) -> None:
        self.votes = votes
        self.columns = (votes.a, votes.b, votes.outcome)
        self.n_models = votes.n_models

    @classmethod
    def simulated(cls, n: int, n_models: int) -> Data:
        # Beyond a million the same votes come again, lest making them take more memory than all methods.
        once = simulate(min(n, MILLION), n_models, seed=0, annotators=200)
        return cls(repeated(once, max(1, n // MILLION)))

    @cached_property
    def words(self) -> tuple[list[str], list[str], list[str]]:
        names = np.array([f"model-{i:03d}" for i in range(self.n_models)], object)
        outcomes = np.array([outcome.label for outcome in ranking.Outcome], object)
        return (
            names[self.votes.a].tolist(),
            names[self.votes.b].tolist(),
            outcomes[self.votes.outcome].tolist(),
        )

    @cached_property
    def codes(self) -> tuple[list[int], list[int]]:
        return self.votes.a.tolist(), self.votes.b.tolist()

    @cached_property
    def winners(self) -> list[evalica.Winner]:
        kinds = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], object)
        return list(kinds[self.votes.outcome])

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        a, b, outcome = self.columns
        winner = np.where(outcome == ranking.Outcome.B, b, a)
        return list(zip(winner.tolist(), np.where(outcome == ranking.Outcome.B, a, b).tolist(), strict=True))

    @cached_property
    def style(self) -> Any:
        return np.random.default_rng(0).normal(size=(len(self.votes.a), 4))

    @cached_property
    def tally(self) -> ranking.Cells:
        return ranking.Cells.from_votes(*self.columns, self.n_models)

    @cached_property
    def tally_by_annotator(self) -> ranking.Cells:
        return self.votes.cells()

    @cached_property
    def fit(self) -> ranking.Fit:
        return ranking.fit(self.votes.matrix())


def read(data: Data) -> Any:
    return [column.sum() for column in data.columns]


def ours(data: Data, prior: Any = "none") -> ranking.Fit:
    return ranking.fit(ranking.WinMatrix.from_votes(*data.columns, data.n_models), prior=prior)


def ours_firth(data: Data) -> ranking.Fit:
    return ours(data, "firth")


def ours_intervals(data: Data) -> ranking.Intervals:
    return ranking.intervals(ours(data))


def ours_bootstrap(data: Data) -> ranking.Intervals:
    return ranking.intervals(ours(data), kind="bootstrap", replicates=100)


def ours_words(data: Data) -> ranking.Fit:
    names, (a, b) = ranking.encode_names(*data.words[:2])
    outcome = ranking.encode_outcomes(data.words[2])
    return ranking.fit(ranking.WinMatrix.from_votes(a, b, outcome, len(names)), prior="none")


def ours_refresh(data: Data) -> ranking.RankRanges:
    matrix = ranking.WinMatrix.from_cells(data.tally)
    return ranking.rank_ranges(ranking.intervals(ranking.fit(matrix, start=data.fit.theta)))


def ours_refresh_clustered(data: Data) -> ranking.RankRanges:
    cells = data.tally_by_annotator
    result = ranking.fit(ranking.WinMatrix.from_cells(cells), start=data.fit.theta)
    return ranking.rank_ranges(ranking.intervals(result, cells))


def ours_style(data: Data) -> ControlledFit:
    return fit_covariates(*data.columns, data.style, data.n_models, names="wxyz")


def ours_elo(data: Data) -> ranking.EloRun:
    return ranking.elo(*data.columns, data.n_models)


def ours_elo_words(data: Data) -> ranking.EloRun:
    names, (a, b) = ranking.encode_names(*data.words[:2])
    return ranking.elo(a, b, ranking.encode_outcomes(data.words[2]), len(names))


def evalica_codes(data: Data) -> Any:
    return evalica.bradley_terry(*data.codes, data.winners)


def evalica_words(data: Data) -> Any:
    return evalica.bradley_terry(*data.words[:2], data.winners)


def evalica_bootstrap(data: Data) -> Any:
    return evalica.bootstrap(
        evalica.bradley_terry, *data.codes, data.winners, n_resamples=100, bootstrap_method="percentile"
    )


def evalica_elo(data: Data) -> Any:
    return evalica.elo(*data.words[:2], data.winners, k=4.0, initial=1000.0)


def choix_lists(data: Data) -> Any:
    return choix.ilsr_pairwise(data.n_models, data.pairs)


def lbfgs(data: Data) -> Any:
    return _minimise(*_distinct(data), data.n_models)


def lbfgs_bootstrap(data: Data) -> Any:
    left, right, score, count = _distinct(data)
    drawn = np.random.default_rng(0).multinomial(int(count.sum()), count / count.sum(), 100)
    return [_minimise(left, right, score, weights, data.n_models) for weights in drawn]


def arena_ratings(data: Data) -> Any:
    system, dataset = _arena(data)
    return system.fit(dataset)


def arena_intervals(data: Data) -> Any:
    system, dataset = _arena(data)
    return system.compute_ratings_and_cis(dataset)


def _arena(data: Data) -> tuple[Any, Any]:
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    frame = pd.DataFrame(dict(zip(("model_a", "model_b", "winner"), data.words, strict=True)))
    frame["winner"] = frame["winner"].map({"a": "model_a", "b": "model_b", "tie": "tie"})
    return BradleyTerry(n_competitors=data.n_models), PairDataset.from_pandas(frame)


def _distinct(data: Data) -> tuple[Any, Any, Any, Any]:
    rows = np.column_stack(data.columns)
    distinct, count = np.unique(rows, axis=0, return_counts=True)
    score = np.array([1.0, 0.0, 0.5])[distinct[:, 2]]
    return distinct[:, 0], distinct[:, 1], score, count.astype(float)


def _minimise(left: Any, right: Any, score: Any, count: Any, n_models: int) -> Any:
    weight = count / count.sum()

    def loss(theta: Any) -> tuple[float, Any]:
        p = 1 / (1 + np.exp(theta[right] - theta[left]))
        surplus = weight * (p - score)
        gradient = np.bincount(left, surplus, n_models) - np.bincount(right, surplus, n_models)
        return -float(weight @ (score * np.log(p) + (1 - score) * np.log1p(-p))), gradient

    return minimize(loss, np.zeros(n_models), jac=True, method="L-BFGS-B", options={"gtol": 1e-6}).x


@dataclass(frozen=True)
class Method:
    """What is measured, and the shapes of the votes it reads: they are made before the clock starts.

    More votes than `most` would take it minutes, or its input gigabytes.
    """

    run: Callable[[Data], Any]
    reads: tuple[str, ...] = ()
    most: int = 10 * MILLION

    def prepare(self, data: Data) -> None:
        for shape in self.reads:
            getattr(data, shape)


OURS: dict[str, Method] = {
    "read the columns once": Method(read),
    "ratings, no prior": Method(ours),
    "ratings, Firth's prior": Method(ours_firth),
    "ratings and sandwich": Method(ours_intervals),
    "ratings and bootstrap, 100": Method(ours_bootstrap),
    "ratings from words": Method(ours_words, ("words",)),
    "refresh from tallies": Method(ours_refresh, ("tally", "fit")),
    "refresh from tallies of 200 annotators": Method(ours_refresh_clustered, ("tally_by_annotator", "fit")),
    "ratings, 4 covariates and sandwich": Method(ours_style, ("style",), MILLION),
    "Elo": Method(ours_elo),
    "Elo from words": Method(ours_elo_words, ("words",)),
}
OTHERS: dict[str, Method] = {
    "choix on lists, ratings": Method(choix_lists, ("pairs",)),
    "evalica, ratings": Method(evalica_codes, ("codes", "winners")),
    "evalica, ratings from words": Method(evalica_words, ("words", "winners")),
    "evalica, bootstrap, 100": Method(evalica_bootstrap, ("codes", "winners"), 100_000),
    "evalica, Elo": Method(evalica_elo, ("words", "winners")),
    "L-BFGS, ratings": Method(lbfgs),
    "L-BFGS, bootstrap, 100": Method(lbfgs_bootstrap, (), MILLION),
}
if find_spec("arena_rank"):
    OTHERS["arena-rank, ratings"] = Method(arena_ratings, ("words",))
    OTHERS["arena-rank, ratings and sandwich"] = Method(arena_intervals, ("words",))
METHODS = OURS | OTHERS


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
        number(log(columns[last][name] / columns[first][name]) / log(np.prod(last) / np.prod(first)))
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
