"""How often do nominal 95 % intervals of agreement hold the truth, by the number of units? A Markdown table.

    python -m benchmarks.agreement_coverage [--quick] [--repeats 80]

Two annotators each give a unit's true category with a fixed chance, and else one at random. Shown are the
mean over nine populations and the worst of them, with codes taken for what they are and with the first two as
the sides of a comparison, which may stand either way round. `FEWEST_UNITS` is lifted while measuring.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

import ranking.units
from ranking import agreement
from ranking.agreement import Sides
from ranking.arrays import Floats, Ints

POPULATIONS = ((0.4, 0.4, 0.15, 0.05), (0.5, 0.5), (0.7, 0.2, 0.1))
KNOWING = (0.2, 0.6, 0.85)
CATEGORIES = 4


def draw(rng: Any, units: int, knowing: float, shares: Floats) -> Ints:
    kinds = len(shares)
    truth = rng.choice(kinds, units, p=shares)
    guesses = rng.choice(kinds, (2, units), p=shares)
    return np.where(rng.random((2, units)) < knowing, truth, guesses)


def truths(knowing: float, shares: Floats, sides: Sides) -> tuple[float, float]:
    agreed = knowing**2 + (1 - knowing**2) * float((shares**2).sum())
    either = shares.copy()
    if sides is not None:
        either[list(sides)] = shares[list(sides)].mean()
    alike = float((either**2).sum())
    chance = (1 - alike) / (CATEGORIES - 1)
    return (agreed - alike) / (1 - alike), (agreed - chance) / (1 - chance)


def covered(units: int, repeats: int, sides: Sides) -> Floats:
    """Shares of intervals that hold the truth: a row for each population; alpha, then AC1."""
    rng = np.random.default_rng(1)
    ac1 = partial(agreement.gwet_ac1, categories=CATEGORIES)
    coefficients = [partial(coefficient, sides=sides) for coefficient in (agreement.krippendorff_alpha, ac1)]
    rows = []
    for shares in map(np.array, POPULATIONS):
        for knowing in KNOWING:
            hits: list[list[bool]] = [[], []]
            for _ in range(repeats):
                ratings = draw(rng, units, knowing, shares)
                true = truths(knowing, shares, sides)
                for coefficient, truth, held in zip(coefficients, true, hits, strict=True):
                    found = coefficient(ratings, draws=400)
                    if found.lower is not None and found.upper is not None:
                        held.append(found.lower - 1e-9 <= truth <= found.upper + 1e-9)
            rows.append([np.mean(held) for held in hits])
    return np.array(rows, dtype=float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=80)
    parser.add_argument("--quick", action="store_true", help="few repeats")
    options = parser.parse_args()
    ranking.units.FEWEST_UNITS = 0
    repeats = 10 if options.quick else options.repeats
    print("| units | alpha | worst | AC1 | worst | alpha, sides | worst | AC1, sides | worst |")
    print("|---:" * 9 + "|")
    for units in (5, 7, 10, 15, 20, 30, 50):
        found = np.hstack([covered(units, repeats, sides) for sides in (None, (0, 1))])
        cells = [f"{x:.1%}" for pair in zip(found.mean(0), found.min(0), strict=True) for x in pair]
        print(f"| {units} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
