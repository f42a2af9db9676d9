"""A row of each format. The keys and their types are the same in every row of a file."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from app.exports.forms import ExportSpec, Format
from app.exports.preferences import Preference
from app.exports.records import Names, Record, iso

Row = dict[str, Any]

# What becomes of a value that is stored as JSON text: a fragment of a line, or a column's value.
Wrap = Callable[[str], Any]


def preference_row(preference: Preference, spec: ExportSpec, wrap: Wrap) -> Row:
    """A trainer's row: the messages, then where it comes from."""
    prompt, chosen, rejected, provenance, margin = preference
    if spec.format is Format.TRL:
        row: Row = {"prompt": wrap(prompt), "chosen": wrap(chosen), "rejected": wrap(rejected), **provenance}
    else:
        row = {
            "chosen": wrap(_joined(prompt, chosen)),
            "rejected": wrap(_joined(prompt, rejected)),
            **provenance,
        }
    if spec.margin:
        row["margin"] = margin
    return row


def _joined(prompt: str, response: str) -> str:
    """Two JSON lists as one, without parsing them."""
    return f"{prompt.rstrip()[:-1]},{response.lstrip()[1:]}"


def judgment_rows(record: Record, wrap: Wrap, known: Names, supersedes: dict[int, str]) -> Iterator[Row]:
    """Every judgment of a comparison, retired ones too, with all that is known of it."""
    comparison, judgments = record
    for judgment in judgments:
        who = known.annotators[judgment.annotator_id]
        yield {
            "judgment_id": judgment.submission_id,
            "pair_id": comparison.pair_id,
            "prompt_id": comparison.prompt_id,
            "model_a": known.models[comparison.model_a_id],
            "model_b": known.models[comparison.model_b_id],
            "sample_a": comparison.sample_a,
            "sample_b": comparison.sample_b,
            "outcome": judgment.outcome,
            "first_shown": {True: "b", False: "a", None: None}[judgment.swapped],
            "strength": judgment.strength,
            "preference": judgment.preference,
            "criteria": None if judgment.criteria is None else wrap(judgment.criteria),
            "tags": None if judgment.tags is None else wrap(judgment.tags),
            "rationale": judgment.rationale,
            "duration_ms": judgment.duration_ms,
            "annotator": who.uid,
            "annotator_kind": "model" if who.is_model else "human",
            "judge_model": who.name if who.is_model else None,
            "simulated": who.simulated,
            "source": judgment.source,
            "guideline_version": known.guidelines.get(judgment.guideline_id or 0),
            "created_at": iso(judgment.created_at),
            "retired_at": iso(judgment.retired_at) if judgment.retired_at else None,
            "supersedes": supersedes.get(judgment.supersedes_id or 0),
            "gold": comparison.gold,
            "adjudicated": comparison.adjudicated,
            "batch": known.batches.get(comparison.batch_id or 0),
            "category": comparison.category,
            "language": comparison.language,
            "prompt_tags": None if comparison.prompt_tags is None else wrap(comparison.prompt_tags),
            "prompt": None if comparison.prompt is None else wrap(comparison.prompt),
            "response_a": None if comparison.response_a is None else wrap(comparison.response_a),
            "response_b": None if comparison.response_b is None else wrap(comparison.response_b),
        }


def wrap_for(spec: ExportSpec) -> Wrap:
    """JSON Lines embed stored JSON as it is; Parquet takes messages as structures, and for judgments text."""
    if spec.file == "jsonl":
        return orjson.Fragment
    return str if spec.format is Format.JUDGMENTS else orjson.loads


def line(row: Row) -> bytes:
    """A row as a line of JSON."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
