"""Import speed and memory, beside the floor: raw ``executemany`` of the very same rows.

Run it as ``python -m benchmarks.import_speed [--quick]``. The floor knows every row and id in
advance and checks nothing; both write with ``synchronous=FULL``, as many pairs a commit. Trust
the ratio: the seconds are the machine's.
"""

import argparse
import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from app import db
from app.imports.forms import ImportIn
from app.imports.importing import CHUNK_ROWS, File, import_files
from app.models import Project
from app.settings import Settings

SECRET = "a secret of the benchmark, thirty-two or more"  # noqa: S105 -- of a database that is thrown away
TABLES = ("prompts", "responses", "comparisons", "slots")


def main() -> None:
    """Measure, print a table, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 pairs instead of 60,000")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(import_once(arguments.child)))
        return
    pairs = 5_000 if arguments.quick else 60_000
    print(f"{'a response':>12} {'floor':>14} {'import':>14} {'ratio':>6} {'again':>14} {'memory':>9}")
    for size in (300, 1500):
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), pairs, size)


def report(folder: Path, pairs: int, size: int) -> None:
    """One line of the table."""
    write_file(folder / "pairs.jsonl", pairs, size)
    child = [sys.executable, "-m", "benchmarks.import_speed", "--child", str(folder)]
    measured = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    floor = pairs / write_floor(folder, pairs)
    speed, again = pairs / measured["seconds"], pairs / measured["again"]
    print(
        f"{size:>10} B {floor:>8,.0f} p./s {speed:>8,.0f} p./s {speed / floor:>6.2f} "
        f"{again:>8,.0f} p./s {measured['mib']:>5.0f} MiB"
    )


def write_file(path: Path, pairs: int, size: int) -> None:
    """Comparison rows with some text that JSON has to escape."""
    draw = random.Random(7)
    words = ["heron", "wren", 'the "marsh"', "reeds\n", "où", "wading", "at dawn", "and"]
    with path.open("w") as file:
        for number in range(pairs):
            text = " ".join(draw.choices(words, k=size // 6))
            row = {
                "prompt": f"{number}: {text[:200]}",
                "model_a": f"model-{number % 7}",
                "response_a": text[:size],
                "model_b": f"model-{7 + number % 5}",
                "response_b": text[::-1][:size],
                "category": ("calls", "plumage", "flight")[number % 3],
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def import_once(folder: Path) -> dict[str, float]:
    """Import the file into a fresh project, and again; memory is the whole process's peak."""
    engine, project = fresh(folder / "imported")
    files = [File(folder / "pairs.jsonl", "pairs.jsonl")]
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        outcome = import_files(engine, project, files, ImportIn(), by=None, max_row_mb=16)
        seconds.append(time.perf_counter() - began)
        assert outcome.total("refused") == 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"seconds": seconds[0], "again": seconds[1], "mib": peak}


def fresh(folder: Path) -> tuple[sa.Engine, Project]:
    """A database with today's schema and one project."""
    engine = db.make_engine(Settings(_env_file=None, data_dir=folder, database_url="", secret_key=SECRET))
    db.upgrade(engine)
    with db.transaction(engine) as session:
        project = Project(slug="speed", name="Speed")
        session.add(project)
    return engine, project


def write_floor(folder: Path, pairs: int) -> float:
    """Seconds to write the imported rows again with nothing but the driver."""
    shutil.copy(folder / "imported" / "tiebreak.db", folder / "source.db")
    engine, _project = fresh(folder / "floor")
    engine.dispose()
    target = sqlite3.connect(folder / "floor" / "tiebreak.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        target.execute(f"PRAGMA {pragma}")
    source = sqlite3.connect(folder / "source.db")
    models = source.execute("SELECT id, uid, project_id, name FROM models")
    target.executemany("INSERT INTO models (id, uid, project_id, name) VALUES (?, ?, ?, ?)", models)
    spent = 0.0
    for low in range(0, pairs, CHUNK_ROWS):
        chunks = [(table, *rows_of(source, table, low)) for table in TABLES]
        began = time.perf_counter()
        target.execute("BEGIN IMMEDIATE")
        for table, marks, rows in chunks:
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
        target.execute("COMMIT")
        spent += time.perf_counter() - began
    return spent


def rows_of(source: sqlite3.Connection, table: str, low: int) -> tuple[str, list[tuple[object, ...]]]:
    """The rows of one commit."""
    key, factor = {"slots": ("comparison_id", 1), "responses": ("id", 2)}.get(table, ("id", 1))
    span = (low * factor, (low + CHUNK_ROWS) * factor)
    rows = source.execute(f"SELECT * FROM {table} WHERE {key} > ? AND {key} <= ?", span).fetchall()  # noqa: S608
    return ", ".join("?" * len(rows[0])), rows


if __name__ == "__main__":
    main()
