"""What the database already has of a chunk's prompts, responses, comparisons and judgments."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from app.imports.bulk import among, is_sqlite, values
from app.models import AnnotatorKind, Outcome, outside_id

# A response given again only to carry a further vote by the same annotator has no text, and a
# sample number from here on, out of the way of real samples.
REPEATS = 1 << 20

Side = tuple[int, int]
"""A response of a known prompt: model id, sample."""


@dataclass(slots=True)
class PromptState:
    """A prompt as it is, or as it will be after this chunk."""

    id: int
    messages: bytes | None
    category: str | None
    language: str | None
    tags: bytes | None = None
    meta: bytes | None = None
    new: bool = False
    changed: bool = False
    # Category and language as the judgments so far were counted, where this chunk gives it others.
    filed_as: tuple[str | None, str | None] | None = None


@dataclass(slots=True)
class ComparisonState:
    """A comparison's stored order, and whether it is gold, queued or taken out of the queue."""

    id: int
    a: Side
    b: Side
    gold: Outcome | None
    queued: bool
    retired: bool = False


@dataclass(slots=True)
class Given:
    """A judgment, its times as the driver has them; ``place`` is its row's in what this chunk adds."""

    id: int
    outcome: Outcome
    swapped: bool | None
    at: Any
    retired_at: Any = None
    supersedes: int | None = None
    criteria: tuple[tuple[str, Outcome], ...] = ()
    place: int | None = None


def prompts(connection: sa.Connection, project_id: int, keys: Collection[str]) -> dict[str, PromptState]:
    """By key."""
    messages, tags, meta = (_stored(connection, name) for name in ("messages", "tags", "meta"))
    rows = _rows(
        connection,
        f"SELECT key, id, {messages}, category, language, {tags}, {meta} "  # noqa: S608 -- our own names
        f"FROM {among(connection, 'prompts', 'key', 'project_id = :project')}",
        keys,
        project=project_id,
    )
    return {key: PromptState(*rest) for key, *rest in rows}


def responses(connection: sa.Connection, prompt_ids: Collection[int]) -> dict[Side, dict[int, bytes | None]]:
    """Digests by (prompt id, model id) and sample, repeats left out."""
    found: dict[Side, dict[int, bytes | None]] = {}
    for prompt_id, model_id, sample, digest in _rows(
        connection,
        "SELECT prompt_id, model_id, sample, digest "  # noqa: S608
        f"FROM {among(connection, 'responses', 'prompt_id')} WHERE sample < {REPEATS}",
        prompt_ids,
    ):
        found.setdefault((prompt_id, model_id), {})[sample] = None if digest is None else bytes(digest)
    return found


def has_response(connection: sa.Connection, prompt_id: int, side: Side) -> bool:
    """Whether there is such a response, a repeat included."""
    return (
        connection.execute(
            sa.text(
                "SELECT 1 FROM responses WHERE prompt_id = :prompt AND model_id = :model AND sample = :sample"
            ),
            {"prompt": prompt_id, "model": side[0], "sample": side[1]},
        ).first()
        is not None
    )


def comparisons(
    connection: sa.Connection, project_id: int, pair_ids: Collection[str]
) -> dict[str, ComparisonState]:
    """By pair id."""
    rows = _rows(
        connection,
        "SELECT pair_id, id, model_a_id, sample_a, model_b_id, sample_b, gold, comparison_id, retired_at "  # noqa: S608
        f"FROM {among(connection, 'comparisons', 'pair_id', 'project_id = :project')} "
        "LEFT JOIN slots ON slots.comparison_id = comparisons.id",
        pair_ids,
        project=project_id,
    )
    return {
        pair: ComparisonState(
            id_, (a, sa_), (b, sb), Outcome(gold) if gold else None, slot is not None, retired is not None
        )
        for pair, id_, a, sa_, b, sb, gold, slot, retired in rows
    }


def submissions(connection: sa.Connection, names: Collection[str]) -> set[str]:
    """Those that are already judgments."""
    judgments = among(connection, "judgments", "submission_id")
    rows = _rows(connection, f"SELECT submission_id FROM {judgments}", names)  # noqa: S608
    return {name for (name,) in rows}


def exported(connection: sa.Connection, project_id: int, pair_ids: Collection[str]) -> set[str]:
    """What exports call the judgments of these pairs, those withdrawn or replaced included."""
    of_pairs = among(connection, "comparisons", "pair_id", "project_id = :project")
    # Each half has an index of its own.
    halves = (
        f"SELECT submission_id FROM {of_pairs} JOIN judgments j ON j.comparison_id = comparisons.id "  # noqa: S608
        f"WHERE j.retired_at IS {state}"
        for state in ("NULL", "NOT NULL")
    )
    return {
        outside_id(name)
        for (name,) in _rows(connection, " UNION ALL ".join(halves), pair_ids, project=project_id)
    }


def given(connection: sa.Connection, comparison_ids: Collection[int]) -> Iterator[tuple[int, int, Given]]:
    """The comparisons' judgments, retired ones too: (comparison id, annotator id, judgment)."""
    criteria = _stored(connection, "criteria")
    columns = f"id, outcome, swapped, created_at, retired_at, supersedes_id, {criteria}"
    # Each half has an index of its own.
    halves = (
        f"SELECT comparison_id, annotator_id, {columns} "  # noqa: S608
        f"FROM {among(connection, 'judgments', 'comparison_id', f'retired_at IS {state}')}"
        for state in ("NULL", "NOT NULL")
    )
    for comparison, annotator, id_, outcome, swapped, at, retired_at, supersedes, said in _rows(
        connection, " UNION ALL ".join(halves), comparison_ids
    ):
        verdicts = orjson.loads(bytes(said)) if said is not None else {}
        by_criterion = tuple((key, Outcome(verdict)) for key, verdict in verdicts.items())
        shown = None if swapped is None else bool(swapped)
        judgment = Given(id_, Outcome(outcome), shown, at, retired_at, supersedes, by_criterion)
        yield comparison, annotator, judgment


def counted(connection: sa.Connection, project_id: int, prompt_ids: Collection[int]) -> Any:
    """Live judgments that are counted, each with what its counts depend on beside the prompt."""
    return _rows(
        connection,
        "SELECT prompt_id, model_a_id, model_b_id, j.outcome, a.cluster, a.kind, j.swapped "  # noqa: S608
        f"FROM {among(connection, 'comparisons', 'prompt_id', 'project_id = :project')} "
        "JOIN judgments j ON j.comparison_id = comparisons.id JOIN annotators a ON a.id = j.annotator_id "
        "WHERE comparisons.gold IS NULL AND j.retired_at IS NULL",
        prompt_ids,
        project=project_id,
    )


def filed(
    connection: sa.Connection, annotator_ids: Collection[int]
) -> dict[int, tuple[AnnotatorKind, str | None]]:
    """The annotators' kinds, and their groups where they are in one, as they are now."""
    annotators = among(connection, "annotators", "id")
    rows = _rows(connection, f"SELECT id, kind, group_name FROM {annotators}", annotator_ids)  # noqa: S608
    return {id_: (AnnotatorKind(kind), group) for id_, kind, group in rows}


def _stored(connection: sa.Connection, json: str) -> str:
    """A column of JSON as the bytes it is stored in."""
    return f"CAST({json} AS BLOB)" if is_sqlite(connection) else f"convert_to(CAST({json} AS text), 'UTF8')"


def _rows(connection: sa.Connection, sql: str, wanted: Collection[Any], **bound: Any) -> Any:
    if not wanted:
        return []
    return connection.execute(sa.text(sql), {"wanted": values(connection, wanted), **bound})
