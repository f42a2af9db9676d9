"""How many votes the choice of pairs saves against choosing them at random.

    python -m benchmarks.ranking_selection [--quick] [--runs 8]

Models of known ratings are judged in batches; after each, the ratings are fitted and the next pairs chosen.
"""

import argparse

import numpy as np
from scipy.special import expit

from ranking import WinMatrix, fit
from ranking.bradley_terry import ELO_PER_LOGIT
from ranking.selection import choose_pairs, score_pairs

MODELS = 20
BATCH = 30
RULES = {"random": None, "order": 0.0, "mixed": 0.25, "variance": 1.0}


def true_ratings(seed: int, models: int) -> np.ndarray:
    """Logits of a plausible leaderboard: a crowded middle with a few models far ahead or behind."""
    theta = np.random.default_rng(seed).normal(0, 0.8, models)
    return theta - theta.mean()


def simulate(rule: str, truth: np.ndarray, seed: int, *, votes: int = 2000) -> tuple[list, list]:
    """Misordered share of pairs and Elo RMSE after each batch."""
    models, rng = len(truth), np.random.default_rng([seed, 1])
    wins, misordered, errors = np.zeros((models, models)), [], []
    fitted = fit(WinMatrix.from_wins(wins))
    for _ in range(0, votes, BATCH):
        pairs = _pairs(rule, fitted, rng)
        won = rng.random(BATCH) < expit(truth[pairs[:, 0]] - truth[pairs[:, 1]])
        np.add.at(wins, (np.where(won, *pairs.T), np.where(won, *pairs.T[::-1])), 1)
        fitted = fit(WinMatrix.from_wins(wins), start=fitted.theta)
        theta = np.nan_to_num(fitted.theta)
        wrong = (np.subtract.outer(theta, theta) * np.subtract.outer(truth, truth)) <= 0
        misordered.append((wrong.sum() - models) / (models * (models - 1)))
        errors.append(np.sqrt(np.mean((theta - truth) ** 2)) * ELO_PER_LOGIT)
    return misordered, errors


def _pairs(rule, fitted, rng):
    if RULES[rule] is not None:
        return choose_pairs(score_pairs(fitted, variance_share=RULES[rule]), BATCH, seed=rng)
    first = rng.integers(0, fitted.n_models, BATCH)
    return np.column_stack([first, (first + rng.integers(1, fitted.n_models, BATCH)) % fitted.n_models])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two runs, unless told otherwise")
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    runs = options.runs or (2 if options.quick else 8)
    truths = [true_ratings(seed, MODELS) for seed in range(runs)]
    curves = {rule: np.array([simulate(rule, t, s) for s, t in enumerate(truths)]) for rule in RULES}
    votes = curves["random"].shape[2] * BATCH
    print(f"{MODELS} models, {votes} votes, {runs} runs; forty runs tell the rules apart, eight hardly do")
    print(f"{'rule':10}{'misordered':>12}{'less random':>20}{'Elo RMSE':>10}{'votes to reach random':>24}")
    goal = curves["random"][:, 0, -1]
    for rule, runs_of in curves.items():
        saved = runs_of[:, 0, -1] - goal
        error = saved.std() / np.sqrt(runs)
        there = np.flatnonzero(runs_of[:, 0].mean(axis=0) <= goal.mean())
        reached = str((there[0] + 1) * BATCH) if len(there) else "never"
        difference = f"{saved.mean():+.2%} ± {error:.2%}"
        misordered, rmse = runs_of[:, :, -1].mean(axis=0)
        print(f"{rule:10}{misordered:12.2%}{difference:>20}{rmse:10.1f}{reached:>24}")


if __name__ == "__main__":
    main()
