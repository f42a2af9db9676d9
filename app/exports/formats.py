"""A row of each format. The keys and their types are the same in every row of a file."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any

import orjson
import sqlalchemy as sa

from app.exports import kto
from app.exports.forms import ExportSpec, File, Format, Part
from app.exports.judgments import judgment_rows
from app.exports.preferences import Battle, Preference, iter_battles, iter_preferences
from app.models import Project

Row = dict[str, Any]

# What becomes of a value that is stored as JSON text: a fragment of a line, or a column's value.
Wrap = Callable[[str], Any]

# Beside the verdicts' and the texts' own reasons.
ONE_ANSWER = "the answer is more than one message"
TURNS = "turns do not alternate between user and assistant"
SYSTEM_LATER = "a system turn is not the first"


def make_rows(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[list[Row]]:
    """The rows of a format in stable order, some at a time; what is left out is counted by reason."""
    wrap = wrap_for(spec)
    if spec.format is Format.JUDGMENTS:
        yield from judgment_rows(connection, project, spec, excluded, wrap)
    elif spec.format is Format.ARENA:
        for battles in iter_battles(connection, project, spec, excluded):
            yield [_arena(battle, wrap) for battle in battles]
    elif spec.format is Format.KTO:
        pairs = iter_preferences(connection, project, spec, excluded)
        yield from _with_provenance(spec, kto.labelled(pairs, wrap, excluded))
    else:
        pairs = iter_preferences(connection, project, spec, excluded)
        yield from _with_provenance(spec, _written(spec, pairs, wrap, excluded))


Made = tuple[Row, Row]


def _written(
    spec: ExportSpec, chunks: Iterator[list[Preference]], wrap: Wrap, excluded: Counter[str]
) -> Iterator[list[Made]]:
    """Each preference's own columns, and where it comes from."""
    write = PAIRS[spec.format]
    for pairs in chunks:
        made: list[Made] = []
        for pair in pairs:
            row = write(pair, wrap)
            if isinstance(row, str):
                excluded[row] += 1
            else:
                told = pair.provenance
                made.append((row, {**told, "margin": pair.margin} if spec.margin else told))
        yield made


def _with_provenance(spec: ExportSpec, chunks: Iterator[list[Made]]) -> Iterator[list[Row]]:
    """The rows as they are written: with their provenance, without, or the provenance alone."""
    numbers = count()
    for made in chunks:
        if spec.part is Part.PROVENANCE:
            yield [
                {"row": number, "sha256": hashlib.sha256(orjson.dumps(row)).hexdigest(), **told}
                for number, (row, told) in zip(numbers, made, strict=False)
            ]
        elif spec.format in STRICT:
            yield [row for row, _ in made]
        else:
            yield [{**row, **told} for row, told in made]


def _trl(pair: Preference, wrap: Wrap) -> Row:
    return {"prompt": wrap(pair[0]), "chosen": wrap(pair[1]), "rejected": wrap(pair[2])}


def _trl_implicit(pair: Preference, wrap: Wrap) -> Row:
    return {"chosen": wrap(joined(pair[0], pair[1])), "rejected": wrap(joined(pair[0], pair[2]))}


def _openai(pair: Preference, wrap: Wrap) -> Row | str:
    if any(turn["role"] == "system" for turn in orjson.loads(pair.prompt)[1:]):
        return SYSTEM_LATER
    if len(orjson.loads(pair.chosen)) > 1 or len(orjson.loads(pair.rejected)) > 1:
        return ONE_ANSWER
    return {
        "input": wrap(f'{{"messages":{pair.prompt},"tools":[],"parallel_tool_calls":true}}'),
        "preferred_output": wrap(pair.chosen),
        "non_preferred_output": wrap(pair.rejected),
    }


def _llamafactory(pair: Preference, _wrap: Wrap) -> Row | str:
    turns, chosen, rejected = (orjson.loads(text) for text in pair[:3])
    if len(chosen) > 1 or len(rejected) > 1:
        return ONE_ANSWER
    system = turns.pop(0)["content"] if turns[0]["role"] == "system" else ""
    if any(turn["role"] != ("user", "assistant")[place % 2] for place, turn in enumerate(turns)):
        return TURNS
    return {
        "conversations": [_sharegpt(turn) for turn in turns],
        "chosen": _sharegpt(chosen[0]),
        "rejected": _sharegpt(rejected[0]),
        "system": system,
    }


def _sharegpt(message: dict[str, str]) -> dict[str, str]:
    return {"from": {"user": "human", "assistant": "gpt"}[message["role"]], "value": message["content"]}


def _messages(pair: Preference, wrap: Wrap) -> Row | str:
    if len(orjson.loads(pair.chosen)) > 1 or len(orjson.loads(pair.rejected)) > 1:
        return ONE_ANSWER
    return {
        "messages": wrap(pair.prompt),
        "chosen": wrap(pair.chosen.strip()[1:-1]),
        "rejected": wrap(pair.rejected.strip()[1:-1]),
    }


def _nemo(pair: Preference, wrap: Wrap) -> Row:
    ranked = (f'{{"rank":{rank},"completion":{completion}}}' for rank, completion in enumerate(pair[1:3]))
    return {"context": wrap(pair.prompt), "completions": wrap(f"[{','.join(ranked)}]")}


WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", "both_bad": "tie (bothbad)"}
TURNED = {"a": "b", "b": "a"}


def _arena(battle: Battle, wrap: Wrap) -> Row:
    """A battle as it was seen: model_a stood on the left, where that is known."""
    prompt, a, b = battle.prompt, battle.response_a, battle.response_b
    told, outcome = battle.provenance, battle.outcome
    model_a, model_b = told["model_a"], told["model_b"]
    if battle.swapped:
        a, b, model_a, model_b, outcome = b, a, model_b, model_a, TURNED.get(outcome, outcome)
    judged_at = told["judged_at"]
    return {
        "question_id": told["prompt_id"],
        **told,
        "model_a": model_a,
        "model_b": model_b,
        "winner": WINNERS[outcome],
        "judge": battle.judge,
        "conversation_a": wrap(joined(prompt, a)),
        "conversation_b": wrap(joined(prompt, b)),
        "turn": sum(turn.get("role") == "user" for turn in orjson.loads(prompt)),
        "anony": True,
        "tstamp": datetime.fromisoformat(judged_at).timestamp() if judged_at else 0.0,
    }


# How one preference is written, or why it cannot be; the other formats are more than a row for each.
PAIRS: dict[Format, Callable[[Preference, Wrap], Row | str]] = {
    Format.TRL: _trl,
    Format.TRL_IMPLICIT: _trl_implicit,
    Format.OPENAI: _openai,
    Format.LLAMAFACTORY: _llamafactory,
    Format.MESSAGES: _messages,
    Format.NEMO: _nemo,
}

# What loads these fails on any column more.
STRICT = frozenset({Format.OPENAI})

TITLES = {
    Format.TRL: "TRL: prompt, chosen, rejected",
    Format.TRL_IMPLICIT: "TRL implicit: chosen, rejected with the prompt inside",
    Format.KTO: "KTO: single responses, wanted or not",
    Format.OPENAI: "OpenAI: preference fine-tuning",
    Format.LLAMAFACTORY: "LLaMA-Factory: ShareGPT ranking",
    Format.MESSAGES: "Messages: Axolotl chat template",
    Format.NEMO: "NeMo: ranked completions",
    Format.ARENA: "Arena: battles with their winner, ties kept",
    Format.JUDGMENTS: "Judgments: everything, lossless",
}


def dataset_info(slug: str, spec: ExportSpec) -> bytes:
    """What LLaMA-Factory needs to know of a file beside it."""
    rows = spec.model_copy(update={"part": Part.ROWS}).file_name(slug)
    columns = {name: name for name in ("chosen", "rejected", "system")} | {"messages": "conversations"}
    entry = {"file_name": rows, "formatting": "sharegpt", "ranking": True, "columns": columns}
    return orjson.dumps({slug: entry}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def joined(prompt: str, response: str) -> str:
    """Two JSON lists as one, without parsing them."""
    return f"{prompt.rstrip()[:-1]},{response.lstrip()[1:]}"


def wrap_for(spec: ExportSpec) -> Wrap:
    """Lines embed stored JSON as it is; Parquet takes structures; cells, and judgments in Parquet, text."""
    if spec.file is File.PARQUET and spec.format is not Format.JUDGMENTS and spec.part is Part.ROWS:
        return orjson.loads
    if spec.file is File.PARQUET or spec.file.is_table:
        return str
    return orjson.Fragment


def line(row: Row) -> bytes:
    """A row as a line of JSON."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
