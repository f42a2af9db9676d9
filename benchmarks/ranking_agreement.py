"""How far are our ratings from others', on the same votes? In Elo points, as a Markdown table.

    python -m benchmarks.ranking_agreement [VOTES.csv --columns LEFT,RIGHT,WINNER --words A,B,TIE]

Without a file, simulated votes. Plain maximum likelihood, a tie as half a win: what the others compute too.
arena-rank is compared when it is installed.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ranking
from benchmarks.ranking_methods import Data, arena_intervals, lbfgs
from benchmarks.ranking_votes import Votes

import evalica  # isort: skip
import numpy as np  # isort: skip


def read(path: Path, columns: list[str], words: list[str]) -> Votes:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    left, right, winner = ([row[column] for row in rows] for column in columns)
    names, (a, b) = ranking.encode_names(left, right)
    labels = dict(zip(words, ("a", "b", "tie"), strict=True))
    outcome = ranking.encode_outcomes([labels.get(word, word) for word in winner])
    return Votes(
        a.astype(np.int16), b.astype(np.int16), outcome, np.zeros(len(a), np.intp), np.zeros(len(names))
    )


def others(data: Data) -> Iterator[tuple[str, Any]]:
    a, b = data.words[:2]
    for tolerance, limit in ((1e-12, 100_000), (1e-6, 100)):
        result = evalica.bradley_terry(a, b, data.winners, tolerance=tolerance, limit=limit)
        yield f"evalica, tolerance {tolerance}", ranking.to_elo(np.log(result.scores.sort_index().to_numpy()))
    yield "L-BFGS (FastChat's method)", ranking.to_elo(lbfgs(data))
    if find_spec("arena_rank"):
        yield "arena-rank", np.asarray(arena_intervals(data)["ratings"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("votes", type=Path, nargs="?", metavar="VOTES.csv")
    parser.add_argument("--columns", default="model_a,model_b,winner")
    parser.add_argument("--words", default="a,b,tie")
    options = parser.parse_args()
    if options.votes:
        data = Data(read(options.votes, options.columns.split(","), options.words.split(",")))
    else:
        data = Data.simulated(20_000, 40)
    ours = ranking.fit(data.votes.matrix(), prior="none").ratings()
    print("| | largest difference, Elo |\n|---|---|")
    for name, theirs in others(data):
        print(f"| {name} | {np.abs(ours - (theirs - theirs.mean() + 1000)).max():.6f} |")


if __name__ == "__main__":
    main()
