"""A live export beside its floor: what a bare cursor with orjson, or with pyarrow, takes for the same rows.

The target stands beside the bare floor: stored JSON goes into the line unparsed (orjson.Fragment), and into
Parquet as flat text with the export's own settings. Beside it, with no target, is told what a researcher
with the database would write in a short script: a loop that parses the JSON of each row and writes the row,
or builds the file's columns and writes them with pyarrow's defaults. All floors read in the export's order
along an index, so that nothing is sorted.

Each comparison has one judgment here; of several, each further one brings its comparison's texts along.

What no floor does is to hash what it writes, which an export does in a thread of its own, beside the rest:
the processor's time with and without that thread is told; without it is what the stream waits for.

Run: python -m benchmarks.export_speed [--quick]
"""

import argparse
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from sqlmodel import Session, select

from app import create_app, db
from app.exports import stream
from app.exports.forms import ExportSpec, File
from app.imports.items import digest
from app.models import Project
from app.settings import Settings

Row = tuple[Any, ...]

NAMES = {1: "heron", 2: "lark"}

# Rows of Parquet written at once.
GROUP = 1_000

# Made-up words, some far more frequent than others: paragraphs of them compress three times, as real
# answers do, where one sentence over and over would cost Parquet nothing to compress.
SYLLABLES = (
    "ka", "lo", "mi", "ren", "tor", "es", "ul", "pha", "dri", "san", "ve", "qui", "na", "bo", "st", "or"
)  # fmt: skip
WORDS = 4_000
PARAGRAPHS = 5_000
QUOTE = 'Somebody said: "No." '
FLOOR = """
SELECT c.pair_id, p.key, p.messages, a.messages, b.messages, p.category, p.language, c.model_a_id,
       c.model_b_id, c.gold, j.outcome, j.annotator_id, j.strength, j.created_at, j.guideline_id
FROM comparisons c
JOIN prompts p ON p.id = c.prompt_id
JOIN responses a ON a.prompt_id = c.prompt_id AND a.model_id = c.model_a_id AND a.sample = c.sample_a
JOIN responses b ON b.prompt_id = c.prompt_id AND b.model_id = c.model_b_id AND b.sample = c.sample_b
JOIN judgments j ON j.comparison_id = c.id AND j.retired_at IS NULL
WHERE c.project_id = 1
ORDER BY c.prompt_id, c.id
"""
# Of its columns, the messages, and all whose values do not come again.
TEXTS = {2, 3, 4}
UNIQUE = TEXTS | {0, 1, 13}
FLOOR_JUDGMENTS = """
SELECT c.pair_id, p.key, p.messages, a.messages, b.messages, p.category, p.language, c.model_a_id,
       c.model_b_id, c.gold, c.sample_a, c.sample_b, c.batch_id, p.tags, v.outcome,
       j.outcome, j.annotator_id, j.strength, j.created_at, j.guideline_id, j.swapped, j.retired_at,
       j.submission_id, j.preference, j.criteria, j.ratings, j.tags, j.spans, j.rationale, j.better_answer,
       j.confidence, j.answers, j.rubric_id, j.duration_ms, j.source, earlier.submission_id
FROM comparisons c
JOIN prompts p ON p.id = c.prompt_id
JOIN responses a ON a.prompt_id = c.prompt_id AND a.model_id = c.model_a_id AND a.sample = c.sample_a
JOIN responses b ON b.prompt_id = c.prompt_id AND b.model_id = c.model_b_id AND b.sample = c.sample_b
JOIN judgments j ON j.comparison_id = c.id AND j.retired_at IS NULL
LEFT JOIN judgments earlier ON earlier.id = j.supersedes_id
LEFT JOIN adjudications v ON v.comparison_id = c.id AND v.retired_at IS NULL
WHERE c.project_id = 1
ORDER BY c.prompt_id, c.id
"""


def fill(path: Path, pairs: int) -> None:
    """A project with this many judged comparisons, one prompt each."""
    prompt = orjson.dumps([{"role": "user", "content": "What is the question?"}]).decode()
    draw = random.Random(7)
    texts = _paragraphs(draw)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        models = ((model, f"uid{model}", name) for model, name in NAMES.items())
        connection.executemany("INSERT INTO models (id, uid, project_id, name) VALUES (?,?,1,?)", models)
        connection.execute(
            "INSERT INTO annotators (id, uid, project_id, kind, name, simulated, cluster, judged, changes)"
            " VALUES (1,'x',1,'human','x',1,0,0,0)"
        )
        numbers = range(1, pairs + 1)
        connection.executemany(
            "INSERT INTO prompts (id, project_id, key, messages) VALUES (?,1,?,?)",
            ((n, f"p{n}", prompt.replace("question", f"question {n}")) for n in numbers),
        )
        for model in (1, 2):
            answers = (_answer(n, model, draw.choices(texts, k=2)) for n in numbers)
            connection.executemany(
                "INSERT INTO responses (prompt_id, model_id, sample, messages, digest) VALUES (?,?,0,?,?)",
                ((n, model, text, digest(text.encode())) for n, text in zip(numbers, answers, strict=True)),
            )
        connection.executemany(
            "INSERT INTO comparisons (id, project_id, pair_id, prompt_id, model_a_id, sample_a, model_b_id,"
            " sample_b) VALUES (?,1,?,?,1,0,2,0)",
            ((n, f"pair{n}", n) for n in numbers),
        )
        connection.executemany(
            "INSERT INTO judgments (submission_id, project_id, comparison_id, annotator_id, outcome, source,"
            " created_at) VALUES (?,1,?,1,?,'page','2026-01-01 00:00:00.000000')",
            ((f"s{n}", n, "ab"[n % 2]) for n in numbers),
        )


def _paragraphs(draw: random.Random) -> list[str]:
    """Texts of some 365 characters, two of which are an answer."""
    words = ["".join(draw.choices(SYLLABLES, k=draw.choice((1, 2, 2, 3, 3, 4)))) for _ in range(WORDS)]
    weights = [1 / (place + 3) for place in range(WORDS)]
    return [" ".join(draw.choices(words, weights, k=53)) for _ in range(PARAGRAPHS)]


def _answer(number: int, model: int, paragraphs: list[str]) -> str:
    text = f"{number} {model} " + "\n\n".join(paragraphs)
    # Text with quotation marks is escaped in JSON, so it takes longer to check.
    return orjson.dumps([{"role": "assistant", "content": text if number % 3 else QUOTE + text}]).decode()


def floor(path: Path, name: str, read: Callable[[str], Any]) -> float:
    """Seconds of a processor for a bare cursor and orjson to write rows with the keys of a format.

    ``read`` makes of stored JSON what orjson writes.
    """
    query, shape = FLOORS[name]
    start = time.process_time()
    with sqlite3.connect(path) as connection:
        for row in connection.execute(query):
            orjson.dumps(shape(row, read), option=orjson.OPT_APPEND_NEWLINE)
    return time.process_time() - start


def _told(row: Row) -> dict[str, Any]:
    pair, key, _, _, _, category, language, model_a, model_b, _, _, who, _, at, _ = row
    return {
        "pair_id": pair,
        "prompt_id": key,
        "chosen_model": NAMES[model_a],
        "rejected_model": NAMES[model_b],
        "votes": 1,
        "agreement": 1.0,
        "strength": 0.0,
        "annotators": [NAMES[who]],
        "human_votes": 1,
        "model_votes": 0,
        "simulated_votes": 0,
        "adjudicated": False,
        "guideline_version": 0,
        "judged_at": at,
        "language": language or "",
        "category": category or "",
        "split": "train",
    }


def _trl(row: Row, read: Callable[[str], Any]) -> dict[str, Any]:
    prompt, a, b = map(read, row[2:5])
    return {"prompt": prompt, "chosen": a, "rejected": b, **_told(row)}


def _trl_implicit(row: Row, read: Callable[[str], Any]) -> dict[str, Any]:
    prompt, a, b = row[2:5]
    chosen, rejected = (read(f"{prompt[:-1]},{side[1:]}") for side in (a, b))
    return {"chosen": chosen, "rejected": rejected, **_told(row)}


COLUMNS = [part.strip() for part in FLOOR_JUDGMENTS.split("FROM")[0].replace("SELECT", "").split(",")]


def _judgment(row: Row, read: Callable[[str], Any]) -> dict[str, Any]:
    made = dict(zip(COLUMNS, row, strict=True))
    for name in ("p.messages", "a.messages", "b.messages"):
        made[name] = read(made[name])
    return made


FLOORS = {
    "trl": (FLOOR, _trl),
    "trl-implicit": (FLOOR, _trl_implicit),
    "judgments": (FLOOR_JUDGMENTS, _judgment),
}


def parquet_floor(path: Path) -> float:
    """The same for a bare cursor and pyarrow to write the file's columns."""
    # Not at the top: whoever measures the memory of a worker imports this, too.
    import pyarrow as pa
    import pyarrow.parquet as pq

    from app.exports.parquet import schema

    start = time.process_time()
    with sqlite3.connect(path) as connection, tempfile.TemporaryFile() as file:
        cursor = connection.execute(FLOOR)
        columns = schema(ExportSpec(file=File.PARQUET))
        with pq.ParquetWriter(file, columns, compression="zstd") as writer:
            while rows := cursor.fetchmany(GROUP):
                made = [_trl(row, orjson.loads) for row in rows]
                by_name = {name: [row[name] for row in made] for name in columns.names}
                writer.write_table(pa.table(by_name, schema=columns))
    return time.process_time() - start


def flat_floor(path: Path) -> float:
    """The same with messages as flat text, and with the export's own settings."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from app.exports.parquet import PAGE

    start = time.process_time()
    with sqlite3.connect(path) as connection, tempfile.TemporaryFile() as file:
        cursor = connection.execute(FLOOR)
        names = [f"column_{number}" for number in range(len(cursor.description))]
        repeated = [name for number, name in enumerate(names) if number not in UNIQUE]
        kept = [name for number, name in enumerate(names) if number not in TEXTS]
        options: dict[str, Any] = {"use_dictionary": repeated, "write_statistics": kept}
        options |= {"compression": "zstd", "data_page_size": PAGE}
        rows = cursor.fetchmany(GROUP)
        columns = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))).schema
        with pq.ParquetWriter(file, columns, **options) as writer:
            while rows:
                table = dict(zip(names, zip(*rows, strict=True), strict=True))
                writer.write_table(pa.table(table, schema=columns))
                rows = cursor.fetchmany(GROUP)
    return time.process_time() - start


def ours(app: Flask, spec: ExportSpec) -> tuple[float, float, float, int]:
    """Seconds to the first byte, a processor's seconds in all and without the hashing beside, rows."""
    receipt = stream.Receipt()
    with app.app_context():
        with Session(db.engine()) as session:
            project = session.exec(select(Project)).one()
        start, used, here = time.perf_counter(), time.process_time(), time.thread_time()
        blocks = stream.stream(db.engine(), project, spec, receipt, by=None)
        assert next(blocks, None), receipt.excluded
        first = time.perf_counter() - start
        for _ in blocks:
            pass
        return first, time.process_time() - used, time.thread_time() - here, receipt.rows


class _NoPandas:
    """Hides what only measuring needs, and pyarrow would load because it is there."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name)


def largest(settings: Settings, spec: ExportSpec) -> tuple[int, int]:
    """MB of memory that a worker takes at most, before an export and with it."""
    sys.meta_path.insert(0, _NoPandas())  # type: ignore[arg-type]
    app = create_app(settings)
    before = _most_so_far()
    ours(app, spec)
    return before, _most_so_far()


def _most_so_far() -> int:
    # Not by getrusage, which counts what the process was forked from.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    pairs = 20_000 if asked.quick else asked.pairs
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), database_url="")
        engine = db.make_engine(settings)
        db.upgrade(engine)
        with Session(engine) as session:
            session.add(Project(id=1, slug="bench", name="Bench"))
            session.commit()
        path = Path(folder) / "tiebreak.db"
        fill(path, pairs)
        print(f"export of {pairs:,} pairs of 1.5 kB, each beside a bare cursor's rows of the same shape")
        app = create_app(settings)
        turns = range(asked.rounds)
        for name in FLOORS:
            # In turns, because the machine has other work.
            spec = ExportSpec(format=name)
            floors = partial(floor, path, name)
            runs = [(floors(orjson.loads), floors(orjson.Fragment), *ours(app, spec)) for _ in turns]
            _show(name, settings, spec, runs)
        spec = ExportSpec(file=File.PARQUET)
        runs = [(parquet_floor(path), flat_floor(path), *ours(app, spec)) for _ in turns]
        _show("trl parquet", settings, spec, runs)


def _show(name: str, settings: Settings, spec: ExportSpec, runs: list[tuple[float, ...]]) -> None:
    script, bare, first, total, alone = (min(run[place] for run in runs) for place in range(5))
    rows = runs[0][5]
    each = [f"{seconds / rows * 1e6:.1f}" for seconds in (total, alone, bare, script)]
    cost = "{} µs of CPU a row, {} without hashing, against {} and a script's {}".format(*each)
    speed = f"{bare / alone:.0%} of the floor's speed (≥ 60 %), {bare / total:.0%} with hashing"
    speed += f"; of a script's {script / alone:.0%} and {script / total:.0%}"
    # In a process of its own, as a worker's is; the floors have taken some of this one's.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, after = pool.apply(largest, (settings, spec))
    memory = f"{before} MB, with it {after} (≤ 200)"
    print(f"  {name:13} {rows:,} rows  first byte {first * 1000:.0f} ms (≤ 50)  {cost}: {speed}  {memory}")


if __name__ == "__main__":
    main()
