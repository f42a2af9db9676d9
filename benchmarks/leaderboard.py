"""A leaderboard over ten times the judgments, cold, changed and remembered: its cost must follow the models.

    python -m benchmarks.leaderboard [--quick] [--database sqlite|postgresql]

Every judgment is there, three to a prompt, and what was counted of them; each figure is the first quartile of
requests for the page through the whole app, in process, five times as many where they take milliseconds.
Quick is a tenth of the judgments.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from app import create_app, db  # before numpy: it keeps BLAS to one thread

# isort: split
import numpy as np
import sqlalchemy as sa
from flask import Flask

from app.leaderboard import memory
from app.models import Annotator, Model, Outcome, Project, Tally, Visibility
from app.settings import Settings
from tests import postgres

SECRET = "a secret of the benchmark, thirty-two or more"  # noqa: S105 -- of a database that is thrown away
PAGE = "/p/birds/leaderboard"
OUTCOMES = (Outcome.A, Outcome.B, Outcome.TIE, Outcome.BOTH_BAD)
EACH = 3
# What is measured, the ratio allowed, and how often for each time the slowest is.
CASES = (("cold", 1.5, 1), ("after a judgment", 1.5, 1), ("remembered", 1.2, 5), ("not modified", 1.2, 5))
NEXT = Annotator.changes + 1
# Rows made by the database itself: a program would need hours. {rows} numbers them from 1.
ROWS = {
    "sqlite": "WITH RECURSIVE rows(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM rows WHERE g < {n})",
    "postgresql": "WITH rows AS (SELECT generate_series(CAST(1 AS bigint), {n}) AS g)",
}
WHEN = {
    "sqlite": "datetime('2025-01-01', '+' || g || ' seconds') || '.000000'",
    "postgresql": "timestamp '2025-01-01' + g * interval '1 second'",
}


def main() -> None:
    """Measure, print a table, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one size, a tenth of the judgments")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="one of them; both by default")
    options = parser.parse_args()
    sizes = [(20, 40)] if options.quick else [(20, 40), (20, 256), (100, 40)]
    few = 100_000 if options.quick else 1_000_000
    for database in [options.database] if options.database else ["sqlite", "postgresql"]:
        with postgres.cluster() if database == "postgresql" else nullcontext() as cluster:
            for models, annotators in sizes:
                with (
                    board(models, annotators, few, cluster) as one,
                    board(models, annotators, 10 * few, cluster) as ten,
                ):
                    name = f"{database}, {models} models, {annotators} annotators"
                    compare(name, few, one, ten, 7 if options.quick else 21)


def compare(name: str, few: int, one: Flask, ten: Flask, repetitions: int) -> None:
    """Both boards in turn, so that a busy moment of the machine falls on both."""
    print(f"\n{name:44} {few:>10,} {10 * few:>10,} {'ratio':>6} {'allowed':>8}")
    for case, allowed, often in CASES:
        times: list[list[float]] = [[], []]
        for number in range(often * repetitions):
            # Whoever comes second finds the machine as the first left it.
            for which in (0, 1) if number % 2 else (1, 0):
                times[which].append(timed((one, ten)[which], case))
        # What else the machine does makes some slower, and none faster.
        short, long = (1000 * statistics.quantiles(found)[0] for found in times)
        print(f"{case:44} {short:7.1f} ms {long:7.1f} ms {long / short:6.2f} {allowed:8}", flush=True)


def timed(app: Flask, case: str) -> float:
    """Seconds of one request for the page."""
    client = app.test_client()
    client.get(PAGE)  # begins a session, whose form token is part of the page
    tag = client.get(PAGE).headers["ETag"]
    if case == "cold":
        memory.forget()
    if case == "after a judgment":
        with db.transaction(app.extensions["engine"]) as session:
            session.execute(sa.update(Annotator).where(Annotator.cluster == 0).values(changes=NEXT))
    start = time.perf_counter()
    response = client.get(PAGE, headers={"If-None-Match": tag} if case == "not modified" else {})
    spent = time.perf_counter() - start
    assert response.status_code == (304 if case == "not modified" else 200)
    return spent


@contextmanager
def board(
    models: int, annotators: int, votes: int, cluster: "postgres.Cluster | None" = None
) -> Iterator[Flask]:
    """An app with a public project of so many votes, in a folder and a database that are thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="tiebreak-benchmark-"))
    database = f"board_{models}_{annotators}_{votes}"
    if cluster:
        cluster.execute(f"CREATE DATABASE {database}")
    where = {"database_url": cluster.url(database)} if cluster else {}
    try:
        app = create_app(Settings(_env_file=None, data_dir=folder, secret_key=SECRET, **where))
        db.upgrade(app.extensions["engine"])
        fill(app.extensions["engine"], models, annotators, votes)
        yield app
        app.extensions["engine"].dispose()
    finally:
        shutil.rmtree(folder)
        if cluster:
            cluster.execute(f"DROP DATABASE {database} WITH (FORCE)")


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
    judge(engine, models, annotators, votes)


def judge(engine: sa.Engine, models: int, annotators: int, votes: int) -> None:
    """Prompts, a comparison on each, and its judgments by different annotators; ids count from 1."""
    kind, prompts = engine.dialect.name, votes // EACH
    first, second = f"1 + g % {models}", f"1 + (g + 1 + g / {models} % {models - 1}) % {models}"
    said = "CASE WHEN g * 7919 % 20 < 9 THEN 'a' WHEN g * 7919 % 20 < 17 THEN 'b' ELSE 'tie' END"
    inserts = (
        ("prompts (id, project_id, key)", "g, 1, 'p' || g", prompts),
        (
            "comparisons (id, project_id, pair_id, prompt_id, model_a_id, sample_a, model_b_id, sample_b)",
            f"g, 1, 'pair' || g, g, {first}, 0, {second}, 0",
            prompts,
        ),
        (
            "judgments (submission_id, project_id, comparison_id, annotator_id, outcome, source, created_at)",
            f"'s' || g, 1, 1 + (g - 1) / {EACH}, 1 + ((g - 1) / {EACH} * 5 + g % {EACH}) % {annotators}, "
            f"{said}, 'import', {WHEN[kind]}",
            prompts * EACH,
        ),
    )
    # Comparisons refer to responses that are not there: a plain SQLite connection does not ask.
    with sa.create_engine(engine.url).begin() as connection:
        if kind == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")
        for into, values, n in inserts:
            rows = ROWS[kind].format(n=n)
            connection.execute(sa.text(f"INSERT INTO {into} {rows} SELECT {values} FROM rows"))  # noqa: S608
        connection.exec_driver_sql("ANALYZE")


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
            "slice_by": "kind",
            "slice_value": "human",
            "model_a_id": ids[first[pair]],
            "model_b_id": ids[second[pair]],
            "cluster": cluster,
            "outcome": OUTCOMES[outcome],
            "n": int(counts[cluster, pair, outcome]),
            "straight": int(counts[cluster, pair, outcome]) // 2,
            "swapped": int(counts[cluster, pair, outcome]) // 2,
        }
        for cluster, pair, outcome in np.argwhere(counts).tolist()
    ]


if __name__ == "__main__":
    main()
