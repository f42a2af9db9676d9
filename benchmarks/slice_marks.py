"""How often is a model called stronger or weaker in a slice? Simulated, as a Markdown table.

    python -m benchmarks.slice_marks [--quick] [--repeats 400] [--seed 0]

"falsely" is the share of data sets with any mark although no model differs between the slices; "found" is how
often a difference that is there is marked: the first of the models, in the first of the slices.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ranking
from benchmarks.ranking_votes import Votes, simulate, simulate_prompts
from ranking.slices import difference, discoveries

# One simulated data set by its seed -> (slices, models), what is marked.
Trial = Callable[[Any], NDArray[np.bool_]]


def marks(votes: Votes, part: NDArray[np.intp], prompt: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
    """(slices, models): which stand out, where votes (n,) are in the slices `part` and on those prompts."""
    columns = votes.a, votes.b, votes.outcome
    fit = ranking.fit(votes.matrix())
    shared = None if prompt is None else ranking.crossed(fit, *columns, prompt, votes.annotator)
    whole, looks = votes.cells(), []
    for one in np.unique(part):
        here = [column[part == one] for column in columns]
        some = ranking.Cells.from_votes(*here, votes.n_models, cluster=votes.annotator[part == one])
        looks.append(difference(fit, some, whole, contained=True, crossed=shared).p_value)
    return discoveries(np.array(looks))


def nothing(n: int, n_models: int, slices: int, **options: Any) -> Trial:
    """Slices that differ in nothing, of annotators who have tastes."""

    def trial(seed: Any) -> NDArray[np.bool_]:
        votes = simulate(n, n_models, seed=seed, taste=0.5, **options)
        rng = np.random.default_rng((*seed, 1))
        # Some slices are large, some small.
        return marks(
            votes, rng.choice(slices, n, p=np.arange(1, slices + 1) / np.arange(1, slices + 1).sum())
        )

    return trial


def nothing_by_prompt(prompts: int, slices: int) -> Trial:
    """The same, where several people judge the same prompts, each prompt in one slice."""

    def trial(seed: Any) -> NDArray[np.bool_]:
        votes, prompt = simulate_prompts(prompts, 6, seed=seed, pairs=6, each=2, alike=0.2, quality=1.0)
        return marks(votes, prompt % slices, prompt)

    return trial


def nothing_by_group(n: int, n_models: int, annotators: int, group: int) -> Trial:
    """Two groups of annotators, each with a taste of their own and the groups with none."""

    def trial(seed: Any) -> NDArray[np.bool_]:
        votes = simulate(n, n_models, seed=seed, annotators=annotators, taste=0.5)
        return marks(votes, (votes.annotator < group).astype(np.intp))

    return trial


def better(n: int, gain: float, **options: Any) -> Trial:
    """The first model is better by so many logits in the first of three slices."""

    def trial(seed: Any) -> NDArray[np.bool_]:
        theta = np.linspace(-1, 1, 6)
        raised = theta + np.where(np.arange(6) == 0, gain, 0)
        parts = [
            simulate(n // 3, 6, seed=(*seed, one), theta=raised if one == 0 else theta, taste=0.5, **options)
            for one in range(3)
        ]
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("a", "b", "outcome"))
        who = np.concatenate([part.annotator for part in parts])
        return marks(Votes(*columns, who, theta), np.repeat(np.arange(3), n // 3))

    return trial


NOTHING: dict[str, Trial] = {
    "600 votes of 8 annotators, 4 models, 3 slices": nothing(600, 4, 3, annotators=8),
    "3000 votes of 30 annotators, 10 models, 8 slices": nothing(3000, 10, 8, annotators=30),
    "3000 votes of 30 uneven annotators, 10 models, 8 slices": nothing(
        3000, 10, 8, annotators=30, uneven=1.0
    ),
    "3000 votes of 30 annotators, models far apart, 8 slices": nothing(
        3000, 10, 8, annotators=30, spread=3.0
    ),
    "100 prompts x 6 comparisons x 2 people, 6 models, 4 slices": nothing_by_prompt(100, 4),
    "2000 votes of 20 annotators in two groups, 6 models": nothing_by_group(2000, 6, 20, 8),
}
SOMETHING: dict[str, Trial] = {
    f"better by {gain:g} logits in a third of 1800 votes of 30 annotators": better(1800, gain, annotators=30)
    for gain in (0.5, 1.0, 6.0)
}


def falsely(trial: Trial, repeats: int, seed: int) -> float:
    """The share of data sets with any mark."""
    return float(np.mean([trial((seed, repeat)).any() for repeat in range(repeats)]))


def found(trial: Trial, repeats: int, seed: int) -> float:
    """The share of data sets in which the first model is marked in the first slice."""
    return float(np.mean([trial((seed, repeat))[0, 0] for repeat in range(repeats)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 repeats, unless told otherwise")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    repeats = options.repeats or (100 if options.quick else 400)
    for head, share, trials in (("falsely", falsely, NOTHING), ("found", found, SOMETHING)):
        print(f"\n| simulated | {head} |\n|---|---|")
        for name, trial in trials.items():
            print(f"| {name} | {share(trial, repeats, options.seed):.1%} |", flush=True)


if __name__ == "__main__":
    main()
