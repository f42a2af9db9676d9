"""Files of votes as somebody would have them, and `tiebreak rank` run on them."""

import csv
import gzip
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
from click.testing import CliRunner, Result
from pyarrow import parquet

from app.leaderboard.commands import rank

STRENGTH = {"Heron": 1.0, "Lark": 0.3, "NA": -0.3, "Moth": -1.0}
HEAD = "model_a,model_b,winner\n"


def votes(n: int = 400, seed: int = 3) -> list[dict[str, str]]:
    """Votes of eight annotators on forty prompts."""
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        a, b = rng.sample(list(STRENGTH), 2)
        chance = 1 / (1 + np.exp(STRENGTH[b] - STRENGTH[a]))
        won = "model_a" if rng.random() < chance else "model_b"
        winner = rng.choices([won, "tie", "both_bad"], [8, 2, 1])[0]
        row = {"model_a": a, "model_b": b, "winner": winner}
        made.append({**row, "annotator": f"w{rng.randrange(8)}", "prompt_id": f"p{rng.randrange(40)}"})
    return made


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
        return path
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        if ".jsonl" in path.suffixes:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
        else:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(rank, [str(argument) for argument in arguments])


def ranked(*arguments: object) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
