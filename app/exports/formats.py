"""A row of each format. The keys and their types are the same in every row of a file."""

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa

from app.exports.forms import ExportSpec, Format
from app.exports.preferences import Preference
from app.exports.records import Record

Row = dict[str, Any]

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

PROVENANCE: dict[str, pa.DataType] = {
    "pair_id": pa.string(),
    "prompt_id": pa.string(),
    "chosen_model": pa.string(),
    "rejected_model": pa.string(),
    "votes": pa.int64(),
    "agreement": pa.float64(),
    "strength": pa.float64(),
    "annotators": pa.list_(pa.string()),
    "human_votes": pa.int64(),
    "model_votes": pa.int64(),
    "simulated_votes": pa.int64(),
    "adjudicated": pa.bool_(),
    "guideline_version": pa.int64(),
    "judged_at": pa.string(),
    "language": pa.string(),
    "category": pa.string(),
    "split": pa.string(),
}

JUDGMENT: dict[str, pa.DataType] = {
    "judgment_id": pa.string(),
    "pair_id": pa.string(),
    "prompt_id": pa.string(),
    "model_a": pa.string(),
    "model_b": pa.string(),
    "sample_a": pa.int64(),
    "sample_b": pa.int64(),
    "outcome": pa.string(),
    "first_shown": pa.string(),
    "strength": pa.int64(),
    "preference": pa.float64(),
    "criteria": pa.string(),
    "tags": pa.string(),
    "rationale": pa.string(),
    "duration_ms": pa.int64(),
    "annotator": pa.string(),
    "annotator_kind": pa.string(),
    "judge_model": pa.string(),
    "simulated": pa.bool_(),
    "source": pa.string(),
    "guideline_version": pa.int64(),
    "created_at": pa.string(),
    "retired_at": pa.string(),
    "supersedes": pa.string(),
    "gold": pa.string(),
    "adjudicated": pa.string(),
    "batch": pa.string(),
    "category": pa.string(),
    "language": pa.string(),
    "prompt_tags": pa.string(),
    "prompt": pa.string(),
    "response_a": pa.string(),
    "response_b": pa.string(),
}

# Rows carry these as the JSON text the database holds; the file's writer decides what becomes of it.
AS_JSON = frozenset(
    {"prompt", "chosen", "rejected", "response_a", "response_b", "criteria", "tags", "prompt_tags"}
)


def preference_row(preference: Preference, spec: ExportSpec) -> Row:
    """A trainer's row: the messages, then where it comes from."""
    if spec.format is Format.TRL:
        row: Row = {
            "prompt": preference.prompt,
            "chosen": preference.chosen,
            "rejected": preference.rejected,
        }
    else:
        row = {
            "chosen": _joined(preference.prompt, preference.chosen),
            "rejected": _joined(preference.prompt, preference.rejected),
        }
    for name in PROVENANCE:
        row[name] = getattr(preference, name)
    if spec.margin:
        row["margin"] = preference.margin
    return row


def _joined(prompt: str, response: str) -> str:
    """Two JSON lists as one, without parsing them."""
    return f"{prompt.rstrip()[:-1]},{response.lstrip()[1:]}"


def judgment_rows(record: Record) -> Iterator[Row]:
    """Every judgment of a comparison, retired ones too, with all that is known of it."""
    comparison = record.comparison
    for judgment in record.judgments:
        yield {
            "judgment_id": judgment.submission_id,
            "pair_id": comparison.pair_id,
            "prompt_id": comparison.prompt_id,
            "model_a": comparison.model_a,
            "model_b": comparison.model_b,
            "sample_a": comparison.sample_a,
            "sample_b": comparison.sample_b,
            "outcome": judgment.outcome,
            "first_shown": {True: "b", False: "a", None: None}[judgment.swapped],
            "strength": judgment.strength,
            "preference": judgment.preference,
            "criteria": judgment.criteria,
            "tags": judgment.tags,
            "rationale": judgment.rationale,
            "duration_ms": judgment.duration_ms,
            "annotator": judgment.annotator,
            "annotator_kind": judgment.kind,
            "judge_model": judgment.annotator_name if judgment.kind == "model" else None,
            "simulated": judgment.simulated,
            "source": judgment.source,
            "guideline_version": judgment.guideline_version,
            "created_at": judgment.created_at.isoformat(),
            "retired_at": judgment.retired_at.isoformat() if judgment.retired_at else None,
            "supersedes": judgment.supersedes,
            "gold": comparison.gold,
            "adjudicated": comparison.adjudicated,
            "batch": comparison.batch,
            "category": comparison.category,
            "language": comparison.language,
            "prompt_tags": comparison.prompt_tags,
            "prompt": comparison.prompt,
            "response_a": comparison.response_a,
            "response_b": comparison.response_b,
        }


def schema(spec: ExportSpec) -> pa.Schema:
    """The Parquet columns of a format."""
    if spec.format is Format.JUDGMENTS:
        return pa.schema(list(JUDGMENT.items()))
    sides = ("prompt", "chosen", "rejected") if spec.format is Format.TRL else ("chosen", "rejected")
    margin = {"margin": pa.float64()} if spec.margin else {}
    return pa.schema([*((side, MESSAGES) for side in sides), *PROVENANCE.items(), *margin.items()])


def line(row: Row) -> bytes:
    """A row as a line of JSON; its JSON text goes in as it was stored."""
    embedded = {
        name: orjson.Fragment(value) if name in AS_JSON and value is not None else value
        for name, value in row.items()
    }
    return orjson.dumps(embedded, option=orjson.OPT_APPEND_NEWLINE)


def columns(row: Row, spec: ExportSpec) -> Row:
    """A row as Parquet's typed columns take it: messages as structures; for judgments, JSON text."""
    if spec.format is Format.JUDGMENTS:
        return row
    return {name: orjson.loads(value) if name in AS_JSON else value for name, value in row.items()}
