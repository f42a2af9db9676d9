"""How often do nominal 95 % intervals hold the truth? Simulations with a known one, as a Markdown table.

    python -m benchmarks.ranking_coverage [--quick] [--repeats 400] [--seed 0] [--only WORD]

"covered" is the share of models (or, for rank ranges, of whole lists) whose truth lies in the interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import ranking
from benchmarks.ranking_votes import (
    draw_matrix,
    marginal_truth,
    simulate,
    simulate_prompts,
    simulate_with_judge,
)
from ranking.arrays import Floats
from ranking.prediction_powered import fit_prediction_powered

# One simulated data set by its seed -> (truth inside?, width in Elo points), one entry a model.
Trial = Callable[[Any], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Coverage:
    scenario: str
    covered: float
    error: float
    width: float


def measure(scenario: str, trial: Trial, *, repeats: int, seed: int) -> Coverage:
    """Share of truths covered over `repeats` data sets, its simulation error, and the mean width."""
    inside, widths = zip(*(trial((seed, repeat)) for repeat in range(repeats)), strict=True)
    shares = np.array([np.mean(hits) for hits in inside])
    error = float(shares.std() / np.sqrt(repeats))
    wide = np.concatenate(widths)
    return Coverage(scenario, float(shares.mean()), error, float(wide.mean()) if len(wide) else float("nan"))


def judged(truth: Floats, intervals: ranking.Intervals) -> tuple[Floats, Floats]:
    """Coverage of each model's rating; a model without an interval counts as not covered."""
    _, lower, upper = intervals.ratings()
    rating = ranking.to_elo(truth)
    return (lower <= rating) & (rating <= upper), upper - lower


def independent(n: int, n_models: int, *, ties: float = 0.5, prior: Any = "firth", **options: Any) -> Trial:
    def trial(seed: Any) -> tuple[Floats, Floats]:
        votes = simulate(n, n_models, seed=seed, ties=ties)
        return judged(votes.truth, ranking.intervals(ranking.fit(votes.matrix(), prior=prior), **options))

    return trial


def clustered(
    annotators: int, each: int, *, by_annotator: bool, uneven: float = 0.0, kind: Any = "sandwich"
) -> Trial:
    """Annotators of different taste, who vote as often as each other or (`uneven`) the less the later."""

    def trial(seed: Any) -> tuple[Floats, Floats]:
        votes = simulate(annotators * each, 10, seed=seed, annotators=annotators, taste=0.5, uneven=uneven)
        cells = votes.cells() if by_annotator else None
        found = ranking.intervals(ranking.fit(votes.matrix()), cells, kind=kind, replicates=200)
        return judged(votes.truth, found)

    return trial


def by_prompt(prompts: int, *, told: bool = True, **options: Any) -> Trial:
    """Annotators who judge the same prompts; `told`: intervals are by annotator and by prompt."""

    def trial(seed: Any) -> tuple[Floats, Floats]:
        votes, prompt = simulate_prompts(prompts, 10, seed=seed, **options)
        fit = ranking.fit(votes.matrix())
        columns = votes.a, votes.b, votes.outcome, prompt, votes.annotator
        return judged(
            votes.truth,
            ranking.intervals(fit, votes.cells(), crossed=ranking.crossed(fit, *columns) if told else None),
        )

    return trial


def with_judge(comparisons: int, *, told_apart: bool = True, **options: Any) -> Trial:
    """People of different taste and a biased judge together; `told_apart`: who judged the same is known."""

    def trial(seed: Any) -> tuple[Floats, Floats]:
        theta = np.linspace(-1, 1, 8)
        people, more = simulate_with_judge(
            comparisons, 10 * comparisons, theta, seed=seed, taste=0.5, **options
        )
        if not told_apart:
            people = replace(people, comparison=None)
        lower, upper = fit_prediction_powered(people, more, len(theta)).intervals()
        truth = ranking.to_elo(marginal_truth(theta, 0.5))
        return (lower <= truth) & (truth <= upper), upper - lower

    return trial


def new_model(total: int, own: int, n_models: int) -> Trial:
    """The newest of many models has `own` votes of `total`: is its rating against another one covered?"""

    def trial(seed: Any) -> tuple[Floats, Floats]:
        rng = np.random.default_rng(seed)
        theta = rng.normal(0, 1, n_models)
        each = np.full((n_models, n_models), total // (n_models * (n_models - 1) // 2), float)
        each[-1] = each[:, -1] = 0
        opponents = rng.multinomial(own, np.full(n_models - 1, 1 / (n_models - 1)))
        each[-1, :-1] = each[:-1, -1] = opponents
        np.fill_diagonal(each, 0)
        found = ranking.intervals(
            ranking.fit(draw_matrix(each, theta, ties=0.5, rng=rng)), anchor=(0, 1000.0)
        )
        inside, width = judged(theta - theta[0], found)
        return inside[-1:], width[-1:]

    return trial


def rank_ranges(n: int, n_models: int, *, joint: bool, annotators: int = 0, uneven: float = 0.0) -> Trial:
    """Are the true ranks of all models inside their ranges at once? With annotators, of different taste."""

    def trial(seed: Any) -> tuple[Floats, Floats]:
        who = {"annotators": annotators, "taste": 0.3, "uneven": uneven} if annotators else {}
        votes = simulate(n, n_models, seed=seed, spread=0.3, **who)
        found = ranking.intervals(ranking.fit(votes.matrix()), votes.cells() if annotators else None)
        ranges = ranking.rank_ranges(found, joint=joint, draws=1000)
        true = 1 + np.sum(votes.truth > votes.truth[:, None], axis=1)
        inside = np.all((ranges.best <= true) & (true <= ranges.worst))
        return np.array([inside]), np.array([])

    return trial


def scenarios() -> Iterator[tuple[str, Trial]]:
    for n in (30, 100, 1000):
        yield f"{n} votes, 6 models", independent(n, 6)
    yield "1000 votes, 6 models, no prior", independent(1000, 6, prior="none")
    yield "2000 votes, 20 models, many ties", independent(2000, 20, ties=0.9)
    yield "2000 votes, 20 models, many ties, Fisher", independent(2000, 20, ties=0.9, kind="fisher")
    yield "2000 votes, 20 models, bootstrap", independent(2000, 20, kind="bootstrap", replicates=200)
    yield "new model, 87 of 3,000,000 votes", new_model(3_000_000, 87, 60)
    for annotators, each in ((100, 50), (30, 200), (10, 500)):
        name = f"tastes, {annotators} annotators x {each}"
        yield f"{name}, taken as independent", clustered(annotators, each, by_annotator=False)
        yield f"{name}, by annotator", clustered(annotators, each, by_annotator=True)
    yield "tastes, 1000 annotators x 20, by random groups", clustered(1000, 20, by_annotator=True)
    for annotators, each in ((30, 200), (10, 500)):
        name = f"tastes, {annotators} uneven annotators x {each}, by annotator"
        yield name, clustered(annotators, each, by_annotator=True, uneven=1.0)
    bootstrapped = clustered(100, 50, by_annotator=True, kind="bootstrap")
    yield "tastes, 100 annotators x 50, bootstrap by annotator", bootstrapped
    shared: dict[str, tuple[int, dict[str, Any]]] = {
        "300 comparisons x 3 people": (300, {}),
        "100 comparisons x 3 of 10 people": (100, {"annotators": 10}),
        "300 comparisons x 3 people, nothing special": (300, {"alike": 0.0}),
        "100 prompts x 6 comparisons x 2 people": (
            100,
            {"pairs": 6, "each": 2, "alike": 0.2, "quality": 1.0},
        ),
        "20 prompts x 30 comparisons x 2 people": (
            20,
            {"pairs": 30, "each": 2, "alike": 0.2, "quality": 1.0},
        ),
        "8 prompts x 50 comparisons x 2 people": (
            8,
            {"pairs": 50, "each": 2, "alike": 0.2, "quality": 1.0},
        ),
    }
    for name, (prompts, more) in shared.items():
        yield f"{name}, by annotator", by_prompt(prompts, told=False, **more)
        yield f"{name}, by annotator and prompt", by_prompt(prompts, **more)
    yield "with a judge, 600 comparisons, 30 annotators", with_judge(600)
    yield "with a judge, 600 comparisons, 20 uneven annotators", with_judge(600, annotators=20, uneven=1.0)
    yield "with a judge, 300 comparisons x 3 people", with_judge(300, each=3)
    yield (
        "with a judge, 300 comparisons x 3 people, not told apart",
        with_judge(300, each=3, told_apart=False),
    )
    yield "all ranks at once, joint", rank_ranges(3000, 15, joint=True)
    yield "all ranks at once, pair by pair", rank_ranges(3000, 15, joint=False)
    name = "all ranks at once, joint, 30 uneven annotators by annotator"
    yield name, rank_ranges(3000, 15, joint=True, annotators=30, uneven=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 repeats, unless told otherwise")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="scenarios whose name has this in it")
    options = parser.parse_args()
    repeats = options.repeats or (40 if options.quick else 400)
    print("| scenario | covered | ± | width, Elo |\n|---|---|---|---|")
    for name, trial in scenarios():
        if options.only in name:
            found = measure(name, trial, repeats=repeats, seed=options.seed)
            width = "" if np.isnan(found.width) else f"{found.width:.0f}"
            print(f"| {name} | {found.covered:.1%} | {2 * found.error:.1%} | {width} |", flush=True)


if __name__ == "__main__":
    main()
