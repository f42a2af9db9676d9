"""A leaderboard over ten times the votes, cold and remembered: its cost must follow the models.

Run it as ``python -m benchmarks.leaderboard [--quick]``. Tallies are filled as that many judgments
would have left them; each figure is the median of requests for the page through the whole app, in process.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from flask import Flask

from app import create_app, db
from app.leaderboard import memory
from app.models import Annotator, Model, Outcome, Project, Tally, Visibility
from app.settings import Settings

SECRET = "a secret of the benchmark, thirty-two or more"  # noqa: S105 -- of a database that is thrown away
PAGE = "/p/birds/leaderboard"
OUTCOMES = (Outcome.A, Outcome.B, Outcome.TIE, Outcome.BOTH_BAD)


def main() -> None:
    """Measure, print a table, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one size, fewer repetitions")
    quick = parser.parse_args().quick
    sizes = [(20, 40)] if quick else [(20, 40), (20, 256), (100, 40)]
    for models, annotators in sizes:
        with board(models, annotators, 1_000_000) as one, board(models, annotators, 10_000_000) as ten:
            compare(f"{models} models, {annotators} annotators", one, ten, 7 if quick else 21)


def compare(name: str, one: Flask, ten: Flask, repetitions: int) -> None:
    """Both boards in turn, so that a busy moment of the machine falls on both."""
    print(f"\n{name:30} {'1e6 votes':>10} {'1e7 votes':>10} {'ratio':>6} {'allowed':>8}")
    for case, allowed in (("cold", 1.5), ("remembered", 1.2), ("not modified", 1.2)):
        times: list[list[float]] = [[], []]
        for _ in range(repetitions):
            for app, found in zip((one, ten), times, strict=True):
                found.append(timed(app, case))
        few, many = (1000 * statistics.median(found) for found in times)
        print(f"{case:30} {few:7.1f} ms {many:7.1f} ms {many / few:6.2f} {allowed:8}")


def timed(app: Flask, case: str) -> float:
    """Seconds of one request for the page."""
    client = app.test_client()
    tag = client.get(PAGE).headers["ETag"]
    if case == "cold":
        memory.forget()
    start = time.perf_counter()
    response = client.get(PAGE, headers={"If-None-Match": tag} if case == "not modified" else {})
    spent = time.perf_counter() - start
    assert response.status_code == (304 if case == "not modified" else 200)
    return spent


@contextmanager
def board(models: int, annotators: int, votes: int) -> Iterator[Flask]:
    """An app with a public project of so many votes, in a folder that is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="tiebreak-benchmark-"))
    try:
        app = create_app(Settings(_env_file=None, data_dir=folder, secret_key=SECRET))
        db.upgrade(app.extensions["engine"])
        fill(app.extensions["engine"], models, annotators, votes)
        yield app
        app.extensions["engine"].dispose()
    finally:
        shutil.rmtree(folder)


def fill(engine: sa.Engine, models: int, annotators: int, votes: int) -> None:
    """A public project whose annotators saw every pair about as often."""
    rng = np.random.default_rng(5)
    with db.transaction(engine) as session:
        project = Project(slug="birds", name="Birds", visibility=Visibility.PUBLIC)
        session.add(project)
        session.flush()
        made = [Model(project_id=project.id, name=f"model {i}") for i in range(models)]
        people = [
            Annotator(project_id=project.id, name=f"annotator {i}", cluster=i, judged=votes // annotators)
            for i in range(annotators)
        ]
        session.add_all([*made, *people])
        session.flush()
        rows = tallies(rng, [row.id or 0 for row in made], annotators, votes)
        for row in rows:
            row["project_id"] = project.id
        session.execute(sa.insert(Tally), rows)


def tallies(rng: np.random.Generator, ids: list[int], annotators: int, votes: int) -> list[dict[str, object]]:
    """One draw of how often each annotator gave each verdict on each pair."""
    first, second = np.triu_indices(len(ids), 1)
    theta = rng.normal(0, 0.5, len(ids))
    ahead = 1 / (1 + np.exp(theta[second] - theta[first]))
    chances = np.stack(
        [0.8 * ahead, 0.8 * (1 - ahead), np.full_like(ahead, 0.15), np.full_like(ahead, 0.05)], 1
    )
    counts = rng.poisson(votes / annotators / len(first) * chances, (annotators, *chances.shape))
    return [
        {
            "slice_by": "",
            "slice_value": "",
            "model_a_id": ids[first[pair]],
            "model_b_id": ids[second[pair]],
            "cluster": cluster,
            "outcome": OUTCOMES[outcome],
            "n": int(counts[cluster, pair, outcome]),
        }
        for cluster, pair, outcome in np.argwhere(counts).tolist()
    ]


if __name__ == "__main__":
    main()
