"""Every judgment with all that is known of it: the lossless truth."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from app.exports.forms import ExportSpec, Gold
from app.exports.lines import Lines, Piece, each, keyed, together
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
    how_many,
    iso,
    iso_each,
    judged,
    names,
    read_judgments,
)
from app.exports.verdicts import NOT_JUDGED, Decisions
from app.models import Project, outside_id

# The keys of a row, and what each says in some of them.
Fields = dict[str, Piece]
# From JSON texts, where there are any, to how they are written.
Nested = Callable[[Sequence[str | None]], Piece]


def judgment_lines(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str], nested: Nested
) -> Iterator[Lines]:
    """Judgments in stable order, those withdrawn or replaced too."""
    known, splits = names(connection, project), Splits(spec)
    decisions = Decisions(spec, known, {}) if spec.has_minimum else None
    for chunk in read_judgments(connection, project, spec):
        votes: list[Row] = []
        # Of each, the row that tells of its comparison.
        firsts: list[Row] = []
        for compared in chunk:
            found = judged(compared)
            reason = _unwanted(compared, found, spec, splits, decisions)
            if reason is None:
                votes += found
                firsts += [compared[0]] * len(found)
            else:
                leave_out(excluded, reason, compared[0], len(found))
        # One comparison may have very many, each with its texts.
        many = how_many(firsts)
        for start in range(0, len(votes), many):
            some = slice(start, start + many)
            fields = _of_judgments(votes[some], known, nested)
            fields |= _of_comparisons(firsts[some], known, splits, nested)
            yield together(len(votes[some]), *keyed(fields.items()), "}\n")


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


def _of_judgments(votes: list[Row], known: Names, nested: Nested) -> Fields:
    # Not strict: those that were read without their comparison end before what is told of it at the end.
    columns = list(zip(*votes, strict=False))
    annotator, outcome, strength, guideline, _, created_at, swapped = columns[VOTE]
    (retired_at, submission, preference, criteria, ratings, tags, spans, rationale, better_answer, confidence,
     answers, rubric, duration, source, supersedes) = columns[MORE]  # fmt: skip
    who = [known.annotators[one] for one in annotator]
    return {
        "judgment_id": each(list(map(outside_id, submission))),
        "outcome": each(outcome),
        "first_shown": each([None if turned is None else "b" if turned else "a" for turned in swapped]),
        "strength": each(strength),
        "preference": each(preference),
        "criteria": nested(criteria),
        "ratings": nested(ratings),
        "tags": nested(tags),
        "spans": nested(spans),
        "rationale": each(rationale),
        "better_answer": each(better_answer),
        "confidence": each(confidence),
        "answers": nested(answers),
        "duration_ms": each(duration),
        "annotator": each([one.uid for one in who]),
        "annotator_kind": each(["model" if one.is_model else "human" for one in who]),
        "judge_model": each([one.name if one.is_model else None for one in who]),
        "simulated": each([one.simulated for one in who]),
        "annotator_group": each([one.group for one in who]),
        "source": each(source),
        "guideline_version": each([known.guidelines.get(version or 0) for version in guideline]),
        "rubric_version": each([known.rubrics.get(version or 0) for version in rubric]),
        "created_at": each(iso_each(created_at)),
        "retired_at": each([iso(moment) if moment else None for moment in retired_at]),
        "supersedes": each([None if earlier is None else outside_id(earlier) for earlier in supersedes]),
    }


def _of_comparisons(firsts: list[Row], known: Names, splits: Splits, nested: Nested) -> Fields:
    columns = list(zip(*firsts, strict=True))
    (_, _, prompt, response_a, response_b, gold, pair_id, prompt_id, model_a, model_b, category,
     language) = columns[COMPARISON]  # fmt: skip
    sample_a, sample_b, prompt_tags, batch = columns[WHOLE]
    return {
        "pair_id": each(pair_id),
        "prompt_id": each(prompt_id),
        "model_a": each([known.models[model] for model in model_a]),
        "model_b": each([known.models[model] for model in model_b]),
        "sample_a": each(sample_a),
        "sample_b": each(sample_b),
        "gold": each(gold),
        "adjudicated": each(columns[ADJUDICATED]),
        "batch": each([known.batches.get(one or 0) for one in batch]),
        "category": each(category),
        "language": each(language),
        "split": each(splits.of_each(prompt)),
        "prompt_tags": nested(prompt_tags),
        "prompt": nested(prompt),
        "response_a": nested(response_a),
        "response_b": nested(response_b),
    }
