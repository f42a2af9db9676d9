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
from app.exports.preferences import Battle, iter_battles, iter_preferences
from app.exports.seen import Preference
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
        return judgment_rows(connection, project, spec, excluded, wrap)
    if spec.format is Format.ARENA:
        battles = iter_battles(connection, project, spec, excluded)
        return ([_arena(battle, wrap) for battle in some] for some in battles)
    pairs = iter_preferences(connection, project, spec, excluded)
    if spec.format is Format.TRL and spec.part is Part.ROWS:
        return ([_wrapped(pair, wrap) for pair in some] for some in pairs)
    made = (
        kto.labelled(pairs, wrap, excluded)
        if spec.format is Format.KTO
        else _own(spec, pairs, wrap, excluded)
    )
    return _with_provenance(spec, made)


def _wrapped(pair: Preference, wrap: Wrap) -> Row:
    """A preference as a row of trl, which it is but for its texts."""
    for name in ("prompt", "chosen", "rejected"):
        pair[name] = wrap(pair[name])
    return pair


# A row's own columns, which a trainer reads, and where it comes from.
Made = tuple[Row, Row]


def _own(
    spec: ExportSpec, chunks: Iterator[list[Preference]], wrap: Wrap, excluded: Counter[str]
) -> Iterator[list[Made]]:
    """Each preference as its format wants it."""
    write = PAIRS[spec.format]
    for pairs in chunks:
        made: list[Made] = []
        for pair in pairs:
            row = write(wrap, pair.pop("prompt"), pair.pop("chosen"), pair.pop("rejected"))
            if isinstance(row, str):
                excluded[row] += 1
            else:
                made.append((row, pair))
        yield made


def _with_provenance(spec: ExportSpec, chunks: Iterator[list[Made]]) -> Iterator[list[Row]]:
    """The rows as they are written: with their provenance, without, or the provenance alone."""
    numbers = count()
    for made in chunks:
        if spec.part is Part.PROVENANCE:
            yield [
                {"row": number, "sha256": hashlib.sha256(orjson.dumps(row)).hexdigest(), **told}
                for (row, told), number in zip(made, numbers, strict=False)
            ]
        elif spec.format in STRICT:
            yield [row for row, _ in made]
        else:
            yield [{**row, **told} for row, told in made]


def _trl(wrap: Wrap, prompt: str, chosen: str, rejected: str) -> Row:
    return {"prompt": wrap(prompt), "chosen": wrap(chosen), "rejected": wrap(rejected)}


def _trl_implicit(wrap: Wrap, prompt: str, chosen: str, rejected: str) -> Row:
    return {"chosen": wrap(joined(prompt, chosen)), "rejected": wrap(joined(prompt, rejected))}


def _openai(wrap: Wrap, prompt: str, chosen: str, rejected: str) -> Row | str:
    if any(turn["role"] == "system" for turn in orjson.loads(prompt)[1:]):
        return SYSTEM_LATER
    if _only(chosen) is None or _only(rejected) is None:
        return ONE_ANSWER
    return {
        "input": wrap(f'{{"messages":{prompt},"tools":[],"parallel_tool_calls":true}}'),
        "preferred_output": wrap(chosen),
        "non_preferred_output": wrap(rejected),
    }


def _llamafactory(_wrap: Wrap, prompt: str, chosen: str, rejected: str) -> Row | str:
    turns, answer, other = orjson.loads(prompt), _only(chosen), _only(rejected)
    if answer is None or other is None:
        return ONE_ANSWER
    system = turns.pop(0)["content"] if turns[0]["role"] == "system" else ""
    if any(turn["role"] != ("user", "assistant")[place % 2] for place, turn in enumerate(turns)):
        return TURNS
    return {
        "conversations": [_sharegpt(turn) for turn in turns],
        "chosen": _sharegpt(answer),
        "rejected": _sharegpt(other),
        "system": system,
    }


def _sharegpt(message: dict[str, str]) -> dict[str, str]:
    return {"from": {"user": "human", "assistant": "gpt"}[message["role"]], "value": message["content"]}


def _messages(wrap: Wrap, prompt: str, chosen: str, rejected: str) -> Row | str:
    answer, other = _only(chosen), _only(rejected)
    if answer is None or other is None:
        return ONE_ANSWER
    return {"messages": wrap(prompt), "chosen": answer, "rejected": other}


def _nemo(wrap: Wrap, prompt: str, chosen: str, rejected: str) -> Row:
    ranked = [f'{{"rank":{rank},"completion":{text}}}' for rank, text in enumerate((chosen, rejected))]
    return {"context": wrap(prompt), "completions": wrap(f"[{','.join(ranked)}]")}


def _only(response: str) -> dict[str, str] | None:
    """A response's message, if it is one alone."""
    messages = orjson.loads(response)
    return messages[0] if len(messages) == 1 else None


WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", "both_bad": "tie (bothbad)"}
TURNED = {"a": "b", "b": "a"}


def _arena(battle: Battle, wrap: Wrap) -> Row:
    """A battle as it was seen: model_a stood on the left, where that is known."""
    a, b, outcome = battle.a, battle.b, battle.outcome
    if battle.swapped:
        a, b, outcome = b, a, TURNED.get(outcome, outcome)
    judged_at = battle.provenance["judged_at"]
    return {
        "question_id": battle.prompt_id,
        "model_a": a.model,
        "model_b": b.model,
        "winner": WINNERS[outcome],
        "judge": battle.judge,
        "conversation_a": wrap(joined(battle.prompt, a.response)),
        "conversation_b": wrap(joined(battle.prompt, b.response)),
        "turn": sum(turn.get("role") == "user" for turn in orjson.loads(battle.prompt)),
        "anony": True,
        "tstamp": datetime.fromisoformat(judged_at).timestamp() if judged_at else 0.0,
        **battle.provenance,
    }


# How one preference is written, or why it cannot be; the other formats are more than a row for each.
PAIRS: dict[Format, Callable[[Wrap, str, str, str], Row | str]] = {
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
