"""A line of each format. The keys and their types are the same in every row of a file."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import count, islice, repeat
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from app.exports import kto
from app.exports.forms import ExportSpec, File, Format, Part
from app.exports.judgments import judgment_rows
from app.exports.preferences import Battle, iter_battles, iter_preferences, told
from app.exports.seen import Preference
from app.models import Project
from app.words import N_

Row = dict[str, Any]
# What tells where a row comes from.
Told = TypeVar("Told")
Some = TypeVar("Some")
# Is shown what rows are made of.
Watch = Callable[[list[Any]], None]

# Beside the verdicts' and the texts' own reasons.
ONE_ANSWER = N_("the answer is more than one message")
TURNS = N_("turns do not alternate between user and assistant")
SYSTEM_LATER = N_("a system turn is not the first")


def make_lines(
    connection: sa.Connection,
    project: Project,
    spec: ExportSpec,
    excluded: Counter[str],
    watch: Watch | None = None,
) -> Iterator[list[bytes]]:
    """A format's rows as lines of JSON in stable order; what is left out is counted by reason.

    Stored messages are JSON already: they go from the database into the line as they are. ``watch`` is
    shown the preferences or battles that are written, some at a time; of judgments there are none.
    """
    if spec.format is Format.JUDGMENTS:
        # In columns and cells, what is nested is JSON text.
        wrap = str if spec.file is File.PARQUET or spec.file.is_table else orjson.Fragment
        judged = judgment_rows(connection, project, spec, excluded, wrap)
        return ([_line(row) for row in rows] for rows in judged)
    if spec.format is Format.ARENA:
        battles = _watched(iter_battles(connection, project, spec, excluded), watch)
        return ([_line(_arena(battle)) for battle in some] for some in battles)
    chunks = iter_preferences(connection, project, spec, excluded)
    if spec.format is Format.KTO:
        return _written(spec, kto.labelled(_watched(chunks, watch), excluded), iter)
    made: Iterator[list[Pair]] = (list(_pairs(spec, pairs, excluded)) for pairs in chunks)
    if watch is not None:
        made = _watched(made, lambda some: watch([pair for _, pair in some]))
    return _written(spec, made, partial(told, margin=spec.margin))


def _watched(chunks: Iterator[list[Some]], watch: Watch | None) -> Iterator[list[Some]]:
    return chunks if watch is None else (_shown_to(watch, some) for some in chunks)


def _shown_to(watch: Watch, some: list[Some]) -> list[Some]:
    watch(some)
    return some


# A row's own columns, which a trainer reads, each as JSON; and the preference they say.
Pair = tuple[tuple[str, ...], Preference]


def in_columns(spec: ExportSpec) -> bool:
    """Whether a file is made of pairs, column by column, and not of lines."""
    return spec.file is File.PARQUET and spec.part is Part.ROWS and spec.format in PAIRS


def make_pairs(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[list[Pair]]:
    """Each preference as its format wants it, before it becomes a line."""
    for pairs in iter_preferences(connection, project, spec, excluded):
        yield list(_pairs(spec, pairs, excluded))


def _pairs(spec: ExportSpec, pairs: list[Preference], excluded: Counter[str]) -> Iterator[Pair]:
    write = PAIRS[spec.format]
    for pair in pairs:
        try:
            yield write(pair[0], pair[1], pair[2]), pair
        except UnwritableError as problem:
            excluded[str(problem)] += 1


def _written(
    spec: ExportSpec,
    chunks: Iterator[Sequence[tuple[tuple[str, ...], Told]]],
    source: Callable[[Sequence[Told]], Iterable[str]],
) -> Iterator[list[bytes]]:
    """The rows as they are written: with their source, without, or the source alone.

    ``source`` says where rows come from, each as JSON without its braces.
    """
    heads = [f'{"," if place else "{"}"{name}":' for place, name in enumerate(COLUMNS[spec.format])]
    numbers = count()
    for made in chunks:
        if not made:
            continue
        own, of = zip(*made, strict=True)
        parts: list[Iterable[str]] = []
        for head, column in zip(heads, zip(*own, strict=True), strict=True):
            parts += repeat(head), column
        if spec.part is Part.PROVENANCE:
            told, texts = list(source(of)), list(_joined(*parts, repeat("}")))
            lines = texts if spec.format in STRICT else _joined(*parts, repeat(","), told, repeat("}"))
            rows = map(str, islice(numbers, len(made)))
            parts = [repeat('{"row":'), rows, repeat(","), map(_digests, texts, lines), repeat(","), told]
        elif spec.format not in STRICT:
            parts += repeat(","), source(of)
        yield [line.encode() for line in _joined(*parts, repeat("}\n"))]


def _joined(*parts: Iterable[str]) -> Iterator[str]:
    """The texts of rows from the columns of their parts, without a step of Python for each."""
    return map("".join, zip(*parts, strict=False))


def _digests(texts: str, line: str) -> str:
    """What a reader finds the row by, its line without the end of it; and what stays while votes come."""
    found = {"sha256": line, "texts_sha256": texts}
    return ",".join(f'"{name}":"{sha256(text.encode()).hexdigest()}"' for name, text in found.items())


class UnwritableError(Exception):
    """A format cannot say this preference; the message is the reason it is counted by."""


def _trl(prompt: str, chosen: str, rejected: str) -> tuple[str, ...]:
    return prompt, chosen, rejected


def _trl_implicit(prompt: str, chosen: str, rejected: str) -> tuple[str, ...]:
    return joined(prompt, chosen), joined(prompt, rejected)


def _openai(prompt: str, chosen: str, rejected: str) -> tuple[str, ...]:
    if any(turn["role"] == "system" for turn in orjson.loads(prompt)[1:]):
        raise UnwritableError(SYSTEM_LATER)
    _only(chosen), _only(rejected)
    return f'{{"messages":{prompt},"tools":[],"parallel_tool_calls":true}}', chosen, rejected


def _llamafactory(prompt: str, chosen: str, rejected: str) -> tuple[str, ...]:
    turns, answer, other = orjson.loads(prompt), _only(chosen), _only(rejected)
    system = turns.pop(0)["content"] if turns[0]["role"] == "system" else ""
    if any(turn["role"] != ("user", "assistant")[place % 2] for place, turn in enumerate(turns)):
        raise UnwritableError(TURNS)
    own = ([_sharegpt(turn) for turn in turns], _sharegpt(answer), _sharegpt(other), system)
    return tuple(map(_json, own))


def _sharegpt(message: dict[str, str]) -> dict[str, str]:
    return {"from": {"user": "human", "assistant": "gpt"}[message["role"]], "value": message["content"]}


def _messages(prompt: str, chosen: str, rejected: str) -> tuple[str, ...]:
    return prompt, _json(_only(chosen)), _json(_only(rejected))


def _nemo(prompt: str, chosen: str, rejected: str) -> tuple[str, ...]:
    ranked = [f'{{"rank":{rank},"completion":{text}}}' for rank, text in enumerate((chosen, rejected))]
    return prompt, f"[{','.join(ranked)}]"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _only(response: str) -> dict[str, str]:
    """A response's message, if it is one alone."""
    messages: list[dict[str, str]] = orjson.loads(response)
    if len(messages) > 1:
        raise UnwritableError(ONE_ANSWER)
    return messages[0]


WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", "both_bad": "tie (bothbad)"}
TURNED = {"a": "b", "b": "a"}


def _arena(battle: Battle) -> Row:
    """A battle as it was seen: model_a stood on the left, where that is known."""
    a, b, outcome = battle.a, battle.b, battle.verdict.outcome or ""
    if battle.swapped:
        a, b, outcome = b, a, TURNED.get(outcome, outcome)
    judged_at = battle.provenance["judged_at"]
    return {
        "question_id": battle.prompt_id,
        "model_a": a.model,
        "model_b": b.model,
        "winner": WINNERS[outcome],
        "judge": battle.judge,
        "conversation_a": orjson.Fragment(joined(battle.prompt, a.response)),
        "conversation_b": orjson.Fragment(joined(battle.prompt, b.response)),
        "turn": sum(turn.get("role") == "user" for turn in orjson.loads(battle.prompt)),
        "anony": True,
        "tstamp": datetime.fromisoformat(judged_at).timestamp() if judged_at else 0.0,
        **battle.provenance,
    }


# How one preference is written, and in which columns; the other formats are more than a row for each.
PAIRS: dict[Format, Callable[[str, str, str], tuple[str, ...]]] = {
    Format.TRL: _trl,
    Format.TRL_IMPLICIT: _trl_implicit,
    Format.OPENAI: _openai,
    Format.LLAMAFACTORY: _llamafactory,
    Format.MESSAGES: _messages,
    Format.NEMO: _nemo,
}

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


def joined(prompt: str, response: str) -> str:
    """Two JSON lists as one, without parsing them."""
    return f"{prompt.rstrip()[:-1]},{response.lstrip()[1:]}"


def _line(row: Row) -> bytes:
    """A row as a line of JSON."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
