"""A line of each format. The keys and their types are the same in every row of a file."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import count, islice
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from app.exports import kto
from app.exports.forms import ExportSpec, File, Format, Part
from app.exports.judgments import judgment_lines
from app.exports.lines import Lines, Piece, as_it_is, each, joined, keyed, together
from app.exports.pairs import WRITTEN, Columns, Pairs, conversation, paired, sayable
from app.exports.preferences import Battle, iter_battles, iter_preferences, told
from app.models import Project
from app.words import N_

Row = dict[str, Any]
Some = TypeVar("Some")
# Is shown what rows are made of.
Watch = Callable[[Any], None]


def make_lines(
    connection: sa.Connection,
    project: Project,
    spec: ExportSpec,
    excluded: Counter[str],
    watch: Watch = lambda _: None,
) -> Iterator[Lines]:
    """A format's rows as lines of JSON in stable order; what is left out is counted by reason.

    Stored messages are JSON already: they go from the database into the line as they are. ``watch`` is
    shown the preferences or battles that are written, some at a time; of judgments there are none.
    """
    if spec.format is Format.JUDGMENTS:
        # In columns and cells, what is nested is JSON text.
        nested = each if spec.file is File.PARQUET or spec.file.is_table else as_it_is
        return judgment_lines(connection, project, spec, excluded, nested)
    if spec.format is Format.ARENA:
        battles = _watched(iter_battles(connection, project, spec, excluded), watch)
        return (_lines([_arena(battle) for battle in some]) for some in battles)
    if spec.format is Format.KTO:
        chunks = _watched(iter_preferences(connection, project, spec, excluded), watch)
        return _written(spec, kto.labelled(chunks, excluded))
    pairs = make_pairs(connection, project, spec, excluded, watch)
    return _written(spec, ((some.own, told(some.preferences, margin=spec.margin)) for some in pairs))


def make_pairs(
    connection: sa.Connection,
    project: Project,
    spec: ExportSpec,
    excluded: Counter[str],
    watch: Watch = lambda _: None,
) -> Iterator[Pairs]:
    """Preferences as their format wants them, before they become lines."""
    chunks = iter_preferences(connection, project, spec, excluded)
    sayables = (sayable(spec.format, some, excluded) for some in chunks)
    return (paired(spec.format, some) for some in _watched(sayables, watch) if some.prompt)


def _watched(chunks: Iterator[Some], watch: Watch) -> Iterator[Some]:
    for some in chunks:
        watch(some)
        yield some


def in_columns(spec: ExportSpec) -> bool:
    """Whether a file is made of pairs, column by column, and not of lines."""
    return spec.file is File.PARQUET and spec.part is Part.ROWS and spec.format in WRITTEN


def _written(spec: ExportSpec, chunks: Iterable[tuple[Columns, list[Piece]]]) -> Iterator[Lines]:
    """The rows as they are written: with their source, without, or the source alone.

    Chunks are their own columns, and where they come from as JSON without its braces, in parts to be joined.
    """
    numbers = count()
    for own, source in chunks:
        rows = len(own[0])
        parts = keyed(zip(COLUMNS[spec.format], own, strict=True))
        if spec.part is Part.PROVENANCE:
            told, texts = list(joined(rows, *source)), list(joined(rows, *parts, "}"))
            lines = texts if spec.format in STRICT else joined(rows, *parts, ",", told, "}")
            places = map(str, islice(numbers, rows))
            parts = ['{"row":', places, ",", map(_digests, texts, lines), ",", told]
        elif spec.format not in STRICT:
            parts += [",", *source]
        yield together(rows, *parts, "}\n")


def _digests(texts: str, line: str) -> str:
    """What a reader finds the row by, its line without the end of it; and what stays while votes come."""
    found = {"sha256": line, "texts_sha256": texts}
    return ",".join(f'"{name}":"{sha256(text.encode()).hexdigest()}"' for name, text in found.items())


WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", "both_bad": "tie (bothbad)"}
TURNED = {"a": "b", "b": "a"}


def _arena(battle: Battle) -> Row:
    """A battle as it was seen: model_a stood on the left, where that is known."""
    a, b, outcome = battle.a, battle.b, battle.verdict.outcome or ""
    if battle.swapped:
        a, b, outcome = b, a, TURNED.get(outcome, outcome)
    return {
        "question_id": battle.prompt_id,
        "model_a": a.model,
        "model_b": b.model,
        "winner": WINNERS[outcome],
        "judge": battle.judge,
        "conversation_a": orjson.Fragment(conversation(battle.prompt, a.response)),
        "conversation_b": orjson.Fragment(conversation(battle.prompt, b.response)),
        "turn": sum(turn.get("role") == "user" for turn in orjson.loads(battle.prompt)),
        "anony": True,
        "tstamp": datetime.fromisoformat(battle.provenance["judged_at"]).timestamp(),
        **battle.provenance,
    }


# A row's own columns, which a trainer reads.
COLUMNS: dict[Format, tuple[str, ...]] = {
    Format.KTO: ("prompt", "completion", "label"),
    Format.TRL: ("prompt", "chosen", "rejected"),
    Format.TRL_IMPLICIT: ("chosen", "rejected"),
    Format.OPENAI: ("input", "preferred_output", "non_preferred_output"),
    Format.LLAMAFACTORY: ("conversations", "chosen", "rejected", "system"),
    Format.MESSAGES: ("messages", "chosen", "rejected"),
    Format.NEMO: ("context", "completions"),
}

# What loads these fails on any column more.
STRICT = frozenset({Format.OPENAI})

TITLES = {
    Format.TRL: N_("TRL: prompt, chosen, rejected"),
    Format.TRL_IMPLICIT: N_("TRL implicit: chosen, rejected with the prompt inside"),
    Format.KTO: N_("KTO: single responses, wanted or not"),
    Format.OPENAI: N_("OpenAI: preference fine-tuning"),
    Format.LLAMAFACTORY: N_("LLaMA-Factory: ShareGPT ranking"),
    Format.MESSAGES: N_("Messages: Axolotl chat template"),
    Format.NEMO: N_("NeMo: ranked completions"),
    Format.ARENA: N_("Arena: battles with their winner, ties kept"),
    Format.JUDGMENTS: N_("Judgments: everything, lossless"),
}


def dataset_info(slug: str, spec: ExportSpec) -> bytes:
    """What LLaMA-Factory needs to know of a file beside it."""
    rows = spec.model_copy(update={"part": Part.ROWS}).file_name(slug)
    return orjson.dumps({slug: dataset_entry(rows)}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def dataset_entry(file_name: str) -> dict[str, Any]:
    """The same of one file."""
    columns = {name: name for name in ("chosen", "rejected", "system")} | {"messages": "conversations"}
    return {"file_name": file_name, "formatting": "sharegpt", "ranking": True, "columns": columns}


def _lines(rows: list[Row]) -> Lines:
    """Rows as lines of JSON."""
    return Lines(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows), len(rows))
