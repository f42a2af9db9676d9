"""Import speed and memory, beside the floor: the very same rows by the driver alone.

    python -m benchmarks.import_speed [--quick] [--database sqlite|postgresql]

The floor is ``executemany`` on SQLite and COPY on PostgreSQL. It knows every row and id in advance
and checks nothing; both wait for the disk, as many pairs a commit. Trust the ratio: the seconds
are the machine's. Most files compare several models on the same prompts; where each pair brings
its own prompt and two responses, three more rows are written and checked for it.
"""

import argparse
import itertools
import json
import math
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app import db
from app.imports.forms import ImportIn
from app.imports.importing import CHUNK_ROWS, File, import_files
from app.models import Project
from app.settings import Settings

SECRET = "a secret of the benchmark, thirty-two or more"  # noqa: S105 -- of a database that is thrown away
# Each table's rows of the prompts from one id to another.
ROWS = {
    "prompts": "SELECT * FROM prompts WHERE id BETWEEN {low} AND {high}",
    "responses": "SELECT * FROM responses WHERE prompt_id BETWEEN {low} AND {high}",
    "comparisons": "SELECT * FROM comparisons WHERE prompt_id BETWEEN {low} AND {high}",
    "slots": "SELECT slots.* FROM slots JOIN comparisons ON comparisons.id = slots.comparison_id "
    "WHERE prompt_id BETWEEN {low} AND {high}",
}


def main() -> None:
    """Measure, print a table, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 pairs instead of 60,000")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="one of them; both by default")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        folder, url = arguments.child
        print(json.dumps(import_once(Path(folder), url)))
        return
    # Not at the top: the memory of an import is measured without it.
    from tests import postgres

    pairs = 5_000 if arguments.quick else 60_000
    for database in [arguments.database] if arguments.database else ["sqlite", "postgresql"]:
        print(f"\n{database}, {pairs:,} pairs")
        print(
            f"{'a response':>12} {'models':>7} {'floor':>14} {'import':>14} {'ratio':>6}"
            f" {'again':>14} {'memory':>9}"
        )
        for size, models in ((300, 12), (300, 2), (1500, 2)):
            with (
                tempfile.TemporaryDirectory() as folder,
                postgres.cluster(()) if database == "postgresql" else nullcontext() as cluster,
            ):
                report(Path(folder), pairs, size, models, cluster.url() if cluster else "")


def report(folder: Path, pairs: int, size: int, models: int, url: str) -> None:
    """One line of the table."""
    write_file(folder / "pairs.jsonl", pairs, size, models)
    child = [sys.executable, "-m", "benchmarks.import_speed", "--child", str(folder), url]
    measured = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    commit = CHUNK_ROWS // math.comb(models, 2)
    floor = pairs / (copy_floor(folder, url, commit) if url else insert_floor(folder, commit))
    speed, again = pairs / measured["seconds"], pairs / measured["again"]
    print(
        f"{size:>10} B {models:>7} {floor:>8,.0f} p./s {speed:>8,.0f} p./s {speed / floor:>6.2f} "
        f"{again:>8,.0f} p./s {measured['mib']:>5.0f} MiB"
    )


def write_file(path: Path, pairs: int, size: int, models: int) -> None:
    """Comparison rows, every pair of so many models a prompt, with some text that JSON has to escape."""
    draw = random.Random(7)
    words = ["heron", "wren", 'the "marsh"', "reeds\n", "où", "wading", "at dawn", "and"]
    with path.open("w") as file:
        for number in range(math.ceil(pairs / math.comb(models, 2))):
            # Of twelve models, other ones for each prompt.
            texts = {
                f"model-{(number + model) % 12}": " ".join(draw.choices(words, k=size // 6))[:size]
                for model in range(models)
            }
            question = f"{number}: {' '.join(draw.choices(words, k=33))}"
            for (a, response_a), (b, response_b) in itertools.combinations(texts.items(), 2):
                row = {
                    "prompt": question,
                    "model_a": a,
                    "response_a": response_a,
                    "model_b": b,
                    "response_b": response_b,
                    "category": ("calls", "plumage", "flight")[number % 3],
                }
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def import_once(folder: Path, url: str) -> dict[str, float]:
    """Import the file into a fresh project, and again; memory is the whole process's peak."""
    engine, project = fresh(folder / "imported", url)
    files = [File(folder / "pairs.jsonl", "pairs.jsonl")]
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        outcome = import_files(engine, project, files, ImportIn(), by=None, max_row_mb=16)
        seconds.append(time.perf_counter() - began)
        assert outcome.total("refused") == 0
    # The most that getrusage knows of a process begins with what its parent had.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    return {"seconds": seconds[0], "again": seconds[1], "mib": peak}


def fresh(folder: Path, url: str) -> tuple[sa.Engine, Project]:
    """A database with today's schema and one project; without a URL, of SQLite."""
    engine = db.make_engine(Settings(_env_file=None, data_dir=folder, database_url=url, secret_key=SECRET))
    db.upgrade(engine)
    with db.transaction(engine) as session:
        project = Project(slug="speed", name="Speed")
        session.add(project)
    return engine, project


def insert_floor(folder: Path, commit: int) -> float:
    """Seconds to write the imported rows again with nothing but the driver, so many prompts a commit."""
    fresh(folder / "floor", "")[0].dispose()
    source = sqlite3.connect(folder / "imported" / "tiebreak.db")
    target = sqlite3.connect(folder / "floor" / "tiebreak.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        target.execute(f"PRAGMA {pragma}")
    copy_models(source, target, "?")
    spent = 0.0
    for chunk in spans(source, commit):
        rows = {table: source.execute(sql).fetchall() for table, sql in chunk.items()}
        began = time.perf_counter()
        target.execute("BEGIN IMMEDIATE")
        for table, found in rows.items():
            marks = ", ".join("?" * len(found[0]))
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", found)  # noqa: S608
        target.execute("COMMIT")
        spent += time.perf_counter() - began
    return spent


def copy_floor(folder: Path, url: str, commit: int) -> float:
    """Seconds to copy the imported rows into another database, as PostgreSQL itself writes them out."""
    import psycopg

    other = sa.make_url(url).set(database="floor").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("CREATE DATABASE floor")
    fresh(folder / "floor", other)[0].dispose()
    spent = 0.0
    with psycopg.connect(url) as source, psycopg.connect(other) as target:
        copy_models(source, target.cursor(), "%s")
        target.commit()
        for chunk in spans(source, commit):
            rows = {table: copied(source, sql) for table, sql in chunk.items()}
            began = time.perf_counter()
            for table, found in rows.items():
                with target.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(found)
            target.commit()
            spent += time.perf_counter() - began
    return spent


def copied(source: Any, sql: str) -> bytes:
    """A query's rows as COPY writes them."""
    with source.cursor().copy(f"COPY ({sql}) TO STDOUT") as copy:
        return b"".join(copy)


def copy_models(source: Any, target: Any, mark: str) -> None:
    """What the other rows refer to."""
    models = source.execute("SELECT id, uid, project_id, name FROM models").fetchall()
    marks = ", ".join([mark] * 4)
    target.executemany(f"INSERT INTO models (id, uid, project_id, name) VALUES ({marks})", models)  # noqa: S608


def spans(source: Any, commit: int) -> Iterator[dict[str, str]]:
    """The query for each table's rows of one commit."""
    ids = [id_ for (id_,) in source.execute("SELECT id FROM prompts ORDER BY id").fetchall()]
    for first in range(0, len(ids), commit):
        low, high = ids[first], ids[first : first + commit][-1]
        yield {table: sql.format(low=low, high=high) for table, sql in ROWS.items()}


if __name__ == "__main__":
    main()
