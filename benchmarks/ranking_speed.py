"""Speed and memory of rankings, ours and others', on the same votes in one run, as Markdown tables.

    python -m benchmarks.ranking_speed [--quick] [--votes N] [--models M] [--repeats R]

Without --votes and --models a grid of sizes is run. What others read (lists, strings) is made before the
clock starts. "L-BFGS" is the method of FastChat: the mean log-loss of the distinct rows, minimised by
scipy. arena-rank is measured when it is installed.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import ranking  # first of all numerical libraries: it keeps BLAS to one thread

import choix  # isort: skip
import evalica  # isort: skip
import numpy as np  # isort: skip
from scipy.optimize import minimize  # isort: skip

from benchmarks.ranking_votes import Votes, simulate

GRID = ((10_000, 20), (100_000, 100), (1_000_000, 100), (1_000_000, 400), (10_000_000, 100))
QUICK = ((10_000, 20), (100_000, 100))
# Others take seconds a run from here on: once is enough.
SLOW = 1_000_000


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
        once = simulate(min(n, SLOW), n_models, seed=0, annotators=200)
        return cls(repeated(once, max(1, n // SLOW)))

    @cached_property
    def words(self) -> tuple[list[str], list[str], list[str]]:
        names = np.array([f"model-{i:03d}" for i in range(self.n_models)])
        outcomes = np.array([outcome.label for outcome in ranking.Outcome])
        return (
            names[self.votes.a].tolist(),
            names[self.votes.b].tolist(),
            outcomes[self.votes.outcome].tolist(),
        )

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


def ours_elo(data: Data) -> ranking.EloRun:
    return ranking.elo(*data.columns, data.n_models)


def evalica_codes(data: Data) -> Any:
    return evalica.bradley_terry(data.votes.a.tolist(), data.votes.b.tolist(), data.winners)


def evalica_words(data: Data) -> Any:
    return evalica.bradley_terry(data.words[0], data.words[1], data.winners)


def evalica_elo(data: Data) -> Any:
    return evalica.elo(data.words[0], data.words[1], data.winners, k=4.0, initial=1000.0)


def choix_lists(data: Data) -> Any:
    return choix.ilsr_pairwise(data.n_models, data.pairs)


def lbfgs(data: Data) -> Any:
    return _minimise(*_distinct(data), data.n_models)


def lbfgs_bootstrap(data: Data) -> Any:
    left, right, score, count = _distinct(data)
    drawn = np.random.default_rng(0).multinomial(int(count.sum()), count / count.sum(), 100)
    return [_minimise(left, right, score, weights, data.n_models) for weights in drawn]


def arena(data: Data) -> Any:
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    frame = pd.DataFrame(dict(zip(("model_a", "model_b", "winner"), data.words, strict=True)))
    frame["winner"] = frame["winner"].map({"a": "model_a", "b": "model_b", "tie": "tie"})
    dataset = PairDataset.from_pandas(frame)
    return BradleyTerry(n_competitors=data.n_models).compute_ratings_and_cis(dataset)


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


Method = Callable[[Data], Any]
OURS: dict[str, Method] = {
    "read the columns once": read,
    "ratings, no prior": ours,
    "ratings, Firth's prior": ours_firth,
    "ratings and sandwich": ours_intervals,
    "ratings and bootstrap, 100": ours_bootstrap,
    "ratings from words": ours_words,
    "refresh from tallies": ours_refresh,
    "refresh from tallies of 200 annotators": ours_refresh_clustered,
    "sequential Elo": ours_elo,
}
OTHERS: dict[str, Method] = {
    "evalica, ratings": evalica_codes,
    "evalica, ratings from words": evalica_words,
    "evalica, Elo": evalica_elo,
    "choix on lists, ratings": choix_lists,
    "L-BFGS, ratings": lbfgs,
    "L-BFGS, bootstrap, 100": lbfgs_bootstrap,
}
if find_spec("arena_rank"):
    OTHERS["arena-rank, ratings and sandwich"] = arena

# (what, numerator, denominator or None, target, whether more is better)
RATIOS: tuple[tuple[str, str, str | None, float, bool], ...] = (
    ("evalica / ours, ratings", "evalica, ratings", "ratings, no prior", 40, True),
    ("L-BFGS / ours, ratings", "L-BFGS, ratings", "ratings, no prior", 200, True),
    ("evalica / ours, from words", "evalica, ratings from words", "ratings from words", 2, True),
    ("L-BFGS / ours, bootstrap", "L-BFGS, bootstrap, 100", "ratings and bootstrap, 100", 20, True),
    ("ours with sandwich / one read", "ratings and sandwich", "read the columns once", 4, False),
    ("evalica / ours, Elo", "evalica, Elo", "sequential Elo", 1.8, True),
    ("refresh from tallies, ms", "refresh from tallies", None, 25, False),
)


def timed(method: Method, data: Data, repeats: int) -> float:
    """Best of `repeats`, or, for quick methods, of as many as half a second holds: milliseconds."""
    best, began, runs = float("inf"), time.perf_counter(), 0
    while runs < repeats or (repeats > 1 and time.perf_counter() - began < 0.5):
        start = time.perf_counter()
        method(data)
        best = min(best, time.perf_counter() - start)
        runs += 1
    return 1000 * best


def measure(n: int, n_models: int, repeats: int) -> Iterator[tuple[str, float]]:
    data = Data.simulated(n, n_models)
    for name, method in (OURS | OTHERS).items():
        if n > SLOW and (name in OTHERS or name in ("ratings from words", "sequential Elo")):
            continue  # strings and lists of ten million votes are more memory than a benchmark should take
        others_once = name in OTHERS and n >= SLOW
        # The first run makes the shapes and warms the caches.
        if not others_once or "bootstrap" not in name:
            method(data)
        yield name, timed(method, data, 1 if others_once else repeats)


def memory(name: str, n: int, n_models: int) -> tuple[float, float]:
    """Extra megabytes while a method runs, as (Python's allocations, the process's peak)."""
    data = Data.simulated(n, n_models)
    (OURS | OTHERS)[name](Data.simulated(1000, n_models))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    (OURS | OTHERS)[name](data)
    _, peak = tracemalloc.get_traced_memory()
    return peak / 1e6, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3


def in_a_process_of_its_own(name: str, n: int, n_models: int) -> str:
    size = ["--votes", str(n), "--models", str(n_models)]
    command = [sys.executable, "-m", "benchmarks.ranking_speed", "--memory", name, *size]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def report(sizes: tuple[tuple[int, int], ...], repeats: int) -> None:
    columns = [dict(measure(n, m, repeats)) for n, m in sizes]
    titles = " | ".join(f"{n:,} / {m}" for n, m in sizes)
    print(f"Milliseconds by votes / models\n\n| | {titles} |\n|---|{'---|' * len(sizes)}")
    for name in OURS | OTHERS:
        row = " | ".join(f"{column[name]:.2f}" if name in column else "–" for column in columns)
        print(f"| {name} | {row} |")
    print(f"\nRatios\n\n| | target | {titles} |\n|---|---|{'---|' * len(sizes)}")
    for what, over, under, target, more in RATIOS:
        cells = [
            f"{c[over] / (c[under] if under else 1):.1f}" if over in c and (under in c or not under) else "–"
            for c in columns
        ]
        print(f"| {what} | {'≥' if more else '≤'} {target} | {' | '.join(cells)} |")
    n, m = sizes[-1]
    print(f"\nExtra memory at {n:,} / {m}, MB: Python's allocations, peak of the process\n")
    for name in ("ratings and sandwich", "refresh from tallies"):
        print(f"- {name}: {in_a_process_of_its_own(name, n, m)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("--votes", type=int)
    parser.add_argument("--models", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", metavar="METHOD", help="print one method's extra memory and stop")
    options = parser.parse_args()
    sizes = QUICK if options.quick else GRID
    if options.votes or options.models:
        sizes = ((options.votes or 1_000_000, options.models or 100),)
    if options.memory:
        python, process = memory(options.memory, *sizes[0])
        print(f"{python:.1f}, {process:.1f}")
    else:
        report(sizes, options.repeats)


if __name__ == "__main__":
    main()
