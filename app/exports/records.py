"""Reads a project's comparisons and judgments in order, in bounded memory, in one snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

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

CHUNK = 500


@dataclass(slots=True)
class Record:
    """A comparison with its texts as stored JSON, and the judgments that count for it."""

    comparison: sa.Row[Any]
    judgments: list[sa.Row[Any]]


def read(connection: sa.Connection, project: Project, spec: ExportSpec, *, live: bool) -> Iterator[Record]:
    """Every judged comparison the filters let through, in stable order.

    ``live`` leaves retired judgments out. The caller's transaction is the snapshot.
    """
    last = 0
    wanted = _comparisons(project, spec)
    while True:
        comparisons = connection.execute(wanted, {"after": last}).all()
        if not comparisons:
            return
        judgments = connection.execute(
            _judgments(spec, live=live),
            {"project": project.id, "low": comparisons[0].id, "high": comparisons[-1].id},
        )
        by_comparison = {key: list(rows) for key, rows in groupby(judgments, lambda row: row.comparison_id)}
        for comparison in comparisons:
            yield Record(comparison, by_comparison.get(comparison.id, []))
        last = comparisons[-1].id


def _comparisons(project: Project, spec: ExportSpec) -> sa.Select[*tuple[Any, ...]]:
    a, b = sa.alias(Response.__table__, "ra"), sa.alias(Response.__table__, "rb")  # type: ignore[attr-defined]
    model_a, model_b = sa.alias(Model.__table__, "ma"), sa.alias(Model.__table__, "mb")  # type: ignore[attr-defined]
    c, p = Comparison.__table__, Prompt.__table__  # type: ignore[attr-defined]
    v = Adjudication.__table__  # type: ignore[attr-defined]
    adjudicated = sa.and_(v.c.comparison_id == c.c.id, v.c.retired_at.is_(None))
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            c.c.id,
            c.c.pair_id,
            sa.type_coerce(c.c.gold, sa.String).label("gold"),
            p.c.key.label("prompt_id"),
            p.c.category,
            p.c.language,
            # As text: rows pass through as they were stored, without being parsed.
            sa.cast(p.c.messages, sa.Text).label("prompt"),
            sa.cast(p.c.tags, sa.Text).label("prompt_tags"),
            model_a.c.name.label("model_a"),
            c.c.sample_a,
            sa.cast(a.c.messages, sa.Text).label("response_a"),
            model_b.c.name.label("model_b"),
            c.c.sample_b,
            sa.cast(b.c.messages, sa.Text).label("response_b"),
            sa.type_coerce(v.c.outcome, sa.String).label("adjudicated"),
            Batch.__table__.c.name.label("batch"),  # type: ignore[attr-defined]
        )
        .select_from(c)
        .join(p, p.c.id == c.c.prompt_id)
        .join(a, _answers(a, c, "a"))
        .join(b, _answers(b, c, "b"))
        .join(model_a, model_a.c.id == c.c.model_a_id)
        .join(model_b, model_b.c.id == c.c.model_b_id)
        .outerjoin(Batch.__table__, Batch.__table__.c.id == c.c.batch_id)  # type: ignore[attr-defined]
        .outerjoin(v, adjudicated)
        .where(c.c.project_id == project.id, c.c.id > sa.bindparam("after"))
        .order_by(c.c.id)
        .limit(CHUNK)
    )
    if spec.category:
        query = query.where(p.c.category.in_(spec.category))
    if spec.language:
        query = query.where(p.c.language.in_(spec.language))
    if spec.model:
        query = query.where(model_a.c.name.in_(spec.model), model_b.c.name.in_(spec.model))
    return query


def _answers(response: sa.FromClause, comparison: sa.Table, side: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        response.c.prompt_id == comparison.c.prompt_id,
        response.c.model_id == comparison.c[f"model_{side}_id"],
        response.c.sample == comparison.c[f"sample_{side}"],
    )


def _judgments(spec: ExportSpec, *, live: bool) -> sa.Select[*tuple[Any, ...]]:
    j, who = Judgment.__table__, Annotator.__table__  # type: ignore[attr-defined]
    earlier, guideline = sa.alias(j, "earlier"), Guideline.__table__  # type: ignore[attr-defined]
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            j.c.comparison_id,
            j.c.submission_id,
            sa.type_coerce(j.c.outcome, sa.String).label("outcome"),
            j.c.swapped,
            j.c.strength,
            j.c.preference,
            sa.cast(j.c.criteria, sa.Text).label("criteria"),
            sa.cast(j.c.tags, sa.Text).label("tags"),
            j.c.rationale,
            j.c.duration_ms,
            sa.type_coerce(j.c.source, sa.String).label("source"),
            j.c.created_at,
            j.c.retired_at,
            earlier.c.submission_id.label("supersedes"),
            guideline.c.version.label("guideline_version"),
            who.c.uid.label("annotator"),
            sa.type_coerce(who.c.kind, sa.String).label("kind"),
            who.c.name.label("annotator_name"),
            who.c.simulated,
        )
        .select_from(j)
        .join(who, who.c.id == j.c.annotator_id)
        .outerjoin(earlier, earlier.c.id == j.c.supersedes_id)
        .outerjoin(guideline, guideline.c.id == j.c.guideline_id)
        .where(
            j.c.project_id == sa.bindparam("project"),
            j.c.comparison_id.between(sa.bindparam("low"), sa.bindparam("high")),
        )
        .order_by(j.c.comparison_id, j.c.id)
    )
    if live:
        query = query.where(j.c.retired_at.is_(None))
    if spec.kind is not None:
        query = query.where(who.c.kind == spec.kind)
    if spec.since is not None:
        query = query.where(j.c.created_at >= _aware(spec.since))
    if spec.until is not None:
        query = query.where(j.c.created_at < _aware(spec.until))
    return query


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
