"""Reads a project's comparisons and judgments in order, in bounded memory, in one snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import col

from app.exports.forms import ExportSpec
from app.models import (
    Adjudication,
    Annotator,
    Batch,
    Comparison,
    Guideline,
    Judgment,
    Model,
    Project,
    Prompt,
    Response,
)
from app.prepared import table

CHUNK = 500

comparisons = table(Comparison)
judgments = table(Judgment)
prompts = table(Prompt)
adjudications = table(Adjudication)


class Compared(NamedTuple):
    """A comparison; messages and tags are JSON as text, so that they pass through unparsed."""

    id: int
    pair_id: str
    gold: str | None
    prompt_id: str
    category: str | None
    language: str | None
    prompt: str | None
    prompt_tags: str | None
    model_a_id: int
    sample_a: int
    response_a: str | None
    model_b_id: int
    sample_b: int
    response_b: str | None
    adjudicated: str | None
    batch_id: int | None


class Judged(NamedTuple):
    """A judgment; moments are as the driver gives them, since most rows need only the latest."""

    comparison_id: int
    submission_id: str
    annotator_id: int
    outcome: str
    swapped: bool | None
    strength: int | None
    preference: float | None
    criteria: str | None
    tags: str | None
    rationale: str | None
    duration_ms: int | None
    source: str
    created_at: Any
    retired_at: Any
    supersedes_id: int | None
    guideline_id: int | None


class Who(NamedTuple):
    """An annotator, by pseudonym."""

    uid: str
    is_model: bool
    name: str | None
    simulated: bool


@dataclass(frozen=True)
class Names:
    """What ids stand for: small tables, read once instead of joined to every row."""

    models: dict[int, str]
    annotators: dict[int, Who]
    batches: dict[int, str]
    guidelines: dict[int, int]


class Record(NamedTuple):
    """A comparison and the judgments that count for it."""

    comparison: Compared
    judgments: list[Judged]


def names(connection: sa.Connection, project: Project) -> Names:
    """The project's models, annotators, batches and guideline versions."""

    def read_table(model: Any, *columns: Any) -> list[Any]:
        return list(connection.execute(sa.select(model.id, *columns).where(model.project_id == project.id)))

    people = read_table(Annotator, Annotator.uid, Annotator.kind, Annotator.name, Annotator.simulated)
    return Names(
        models={row[0]: row[1] for row in read_table(Model, Model.name)},
        annotators={row[0]: Who(row[1], row[2] == "model", row[3], row[4]) for row in people},
        batches={row[0]: row[1] for row in read_table(Batch, Batch.name)},
        guidelines={row[0]: row[1] for row in read_table(Guideline, Guideline.version)},
    )


def read(connection: sa.Connection, project: Project, spec: ExportSpec, *, live: bool) -> Iterator[Record]:
    """Every comparison the filters let through with its judgments, in stable order.

    ``live`` leaves retired judgments out. The caller's transaction is the snapshot.
    """
    last = 0
    wanted = _comparisons(project, spec)
    # Two queries, because each of the two partial indexes serves only one of them.
    queries = [_judgments(spec, live=state) for state in ((True,) if live else (True, False))]
    while chunk := [Compared._make(row) for row in connection.execute(wanted, {"after": last})]:
        low, last = chunk[0].id, chunk[-1].id
        found: dict[int, list[Judged]] = {}
        for query in queries:
            for row in connection.execute(query, {"low": low, "high": last}):
                found.setdefault(row[0], []).append(Judged._make(row))
        for comparison in chunk:
            yield Record(comparison, found.get(comparison.id, []))


def submission_ids(connection: sa.Connection, ids: list[int]) -> dict[int, str]:
    """The public names of judgments."""
    wanted = sa.select(judgments.c.id, judgments.c.submission_id).where(judgments.c.id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(wanted)} if ids else {}


def _comparisons(project: Project, spec: ExportSpec) -> sa.Select[*tuple[Any, ...]]:
    c, p, v = comparisons.c, prompts.c, adjudications.c
    a, b = sa.alias(table(Response), "ra"), sa.alias(table(Response), "rb")
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            c.id,
            c.pair_id,
            sa.type_coerce(c.gold, sa.String),
            p.key,
            p.category,
            p.language,
            sa.cast(p.messages, sa.Text),
            sa.cast(p.tags, sa.Text),
            c.model_a_id,
            c.sample_a,
            sa.cast(a.c.messages, sa.Text),
            c.model_b_id,
            c.sample_b,
            sa.cast(b.c.messages, sa.Text),
            sa.type_coerce(v.outcome, sa.String),
            c.batch_id,
        )
        .select_from(comparisons)
        .join(prompts, p.id == c.prompt_id)
        .join(a, _answers(a, "a"))
        .join(b, _answers(b, "b"))
        .outerjoin(adjudications, sa.and_(v.comparison_id == c.id, v.retired_at.is_(None)))
        .where(c.project_id == project.id, c.id > sa.bindparam("after"))
        .order_by(c.id)
        .limit(CHUNK)
    )
    if spec.category:
        query = query.where(p.category.in_(spec.category))
    if spec.language:
        query = query.where(p.language.in_(spec.language))
    if spec.model:
        named = sa.select(col(Model.id)).where(
            col(Model.project_id) == project.id, col(Model.name).in_(spec.model)
        )
        query = query.where(c.model_a_id.in_(named), c.model_b_id.in_(named))
    return query


def _answers(response: sa.FromClause, side: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        response.c.prompt_id == comparisons.c.prompt_id,
        response.c.model_id == comparisons.c[f"model_{side}_id"],
        response.c.sample == comparisons.c[f"sample_{side}"],
    )


def _judgments(spec: ExportSpec, *, live: bool) -> sa.Select[*tuple[Any, ...]]:
    j = judgments.c
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            j.comparison_id,
            j.submission_id,
            j.annotator_id,
            sa.type_coerce(j.outcome, sa.String),
            j.swapped,
            j.strength,
            j.preference,
            sa.cast(j.criteria, sa.Text),
            sa.cast(j.tags, sa.Text),
            j.rationale,
            j.duration_ms,
            sa.type_coerce(j.source, sa.String),
            sa.type_coerce(j.created_at, sa.types.NullType()),
            sa.type_coerce(j.retired_at, sa.types.NullType()),
            j.supersedes_id,
            j.guideline_id,
        )
        .where(
            j.comparison_id.between(sa.bindparam("low"), sa.bindparam("high")),
            j.retired_at.is_(None) if live else j.retired_at.is_not(None),
        )
        .order_by(j.comparison_id, j.annotator_id, j.id)
    )
    if spec.kind is not None:
        # Simulated annotators are neither people nor judge models.
        of_kind = sa.select(col(Annotator.id)).where(
            col(Annotator.kind) == spec.kind, col(Annotator.simulated).is_(False)
        )
        query = query.where(j.annotator_id.in_(of_kind))
    if spec.since is not None:
        query = query.where(j.created_at >= _aware(spec.since))
    if spec.until is not None:
        query = query.where(j.created_at < _aware(spec.until))
    return query


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(moment: datetime | str) -> str:
    """A stored moment in ISO 8601, UTC; SQLite's driver gives it as text."""
    if isinstance(moment, str):
        return f"{moment.replace(' ', 'T')}+00:00"
    return moment.astimezone(UTC).isoformat()
