"""Every judgment with all that is known of it: the lossless truth."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from app.exports.forms import ExportSpec, Gold
from app.exports.lines import Lines
from app.exports.preferences import GOLD, OTHER_SPLIT, Splits, leave_out
from app.exports.records import (
    ADJUDICATED,
    COMPARISON,
    GOLD_VERDICT,
    MORE,
    PROMPT,
    RETIRED_AT,
    VOTE,
    WHOLE,
    Compared,
    Names,
    Row,
    iso,
    judged,
    names,
    read_judgments,
)
from app.exports.verdicts import NOT_JUDGED, Decisions
from app.models import Project, outside_id

Line = dict[str, Any]


def judgment_lines(
    connection: sa.Connection,
    project: Project,
    spec: ExportSpec,
    excluded: Counter[str],
    wrap: Callable[[str], Any],
) -> Iterator[Lines]:
    """Judgments in stable order, those withdrawn or replaced too."""
    known, splits = names(connection, project), Splits(spec)
    decisions = Decisions(spec, known, {}) if spec.has_minimum else None
    for chunk in read_judgments(connection, project, spec):
        made: list[bytes | memoryview] = []
        rows = 0
        for compared in chunk:
            found = judged(compared)
            reason = _unwanted(compared, found, spec, splits, decisions)
            if reason is not None:
                leave_out(excluded, reason, compared[0], len(found))
                continue
            # Written once for all of its judgments, and put behind what each says, without their braces.
            shared = memoryview(orjson.dumps(_of_comparison(compared[0], known, splits, wrap)))[1:]
            for judgment in found:
                own = orjson.dumps(_of_judgment(judgment, known, wrap))[:-1]
                made += own, b",", shared, b"\n"
            rows += len(found)
        yield Lines(b"".join(made), rows)


def _unwanted(
    compared: Compared, found: Compared, spec: ExportSpec, splits: Splits, decisions: Decisions | None
) -> str | None:
    comparison = compared[0]
    if not splits.wants(comparison[PROMPT]):
        return OTHER_SPLIT
    if not found:
        return NOT_JUDGED
    if comparison[GOLD_VERDICT] and spec.gold is Gold.OUT:
        return GOLD
    return None if decisions is None else _unmet(found, decisions)


def _unmet(found: Compared, decisions: Decisions) -> str | None:
    """What was asked for that the live ones do not come to; none at all are not agreed on anything."""
    live = tuple(judgment for judgment in found if judgment[RETIRED_AT] is None)
    return decisions.of(live).reason if live else decisions.unmet(0, 0.0, 0.0)


def _of_judgment(judgment: Row, known: Names, wrap: Callable[[str], Any]) -> Line:
    annotator, outcome, strength, guideline, _, created_at, swapped = judgment[VOTE]
    (retired_at, submission, preference, criteria, ratings, tags, spans, rationale, better_answer, confidence,
     answers, rubric, duration, source, supersedes) = judgment[MORE]  # fmt: skip
    who = known.annotators[annotator]
    return {
        "judgment_id": outside_id(submission),
        "outcome": outcome,
        "first_shown": None if swapped is None else ("b" if swapped else "a"),
        "strength": strength,
        "preference": preference,
        "criteria": None if criteria is None else wrap(criteria),
        "ratings": None if ratings is None else wrap(ratings),
        "tags": None if tags is None else wrap(tags),
        "spans": None if spans is None else wrap(spans),
        "rationale": rationale,
        "better_answer": better_answer,
        "confidence": confidence,
        "answers": None if answers is None else wrap(answers),
        "duration_ms": duration,
        "annotator": who.uid,
        "annotator_kind": "model" if who.is_model else "human",
        "judge_model": who.name if who.is_model else None,
        "simulated": who.simulated,
        "annotator_group": who.group,
        "source": source,
        "guideline_version": known.guidelines.get(guideline or 0),
        "rubric_version": known.rubrics.get(rubric or 0),
        "created_at": iso(created_at),
        "retired_at": iso(retired_at) if retired_at else None,
        "supersedes": None if supersedes is None else outside_id(supersedes),
    }


def _of_comparison(row: Row, known: Names, splits: Splits, wrap: Callable[[str], Any]) -> Line:
    (_, _, prompt, response_a, response_b, gold, pair_id, prompt_id, model_a, model_b, category,
     language) = row[COMPARISON]  # fmt: skip
    sample_a, sample_b, prompt_tags, batch = row[WHOLE]
    return {
        "pair_id": pair_id,
        "prompt_id": prompt_id,
        "model_a": known.models[model_a],
        "model_b": known.models[model_b],
        "sample_a": sample_a,
        "sample_b": sample_b,
        "gold": gold,
        "adjudicated": row[ADJUDICATED],
        "batch": known.batches.get(batch or 0),
        "category": category,
        "language": language,
        "split": splits.of(prompt),
        "prompt_tags": None if prompt_tags is None else wrap(prompt_tags),
        "prompt": None if prompt is None else wrap(prompt),
        "response_a": None if response_a is None else wrap(response_a),
        "response_b": None if response_b is None else wrap(response_b),
    }
