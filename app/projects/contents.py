"""What a project compares, as lists: its models, prompts, responses and comparisons.

Each is a query whose last column is a number that rows keep and that grows with new rows, so that a
reader can go on where a page ended.
"""

from typing import Any

import sqlalchemy as sa

from app.models import Batch, Comparison, Model, Project, Prompt, Response, Slot
from app.prepared import table
from app.projects.forms import ComparisonsIn, PromptsIn, ResponsesIn

_models, _prompts, _responses = table(Model), table(Prompt), table(Response)
_comparisons, _slots, _batches = table(Comparison), table(Slot), table(Batch)
_a, _b = _models.alias("model_a"), _models.alias("model_b")

# Out of which the four lists are drawn.
_with_batch = sa.outerjoin(_prompts, _batches, _batches.c.id == _prompts.c.batch_id)
_answers = sa.join(_responses, _prompts, _prompts.c.id == _responses.c.prompt_id).join(
    _models, _models.c.id == _responses.c.model_id
)
_pairs = (
    sa.join(_comparisons, _prompts, _prompts.c.id == _comparisons.c.prompt_id)
    .join(_a, _a.c.id == _comparisons.c.model_a_id)
    .join(_b, _b.c.id == _comparisons.c.model_b_id)
    .outerjoin(_batches, _batches.c.id == _comparisons.c.batch_id)
    .outerjoin(_slots, _slots.c.comparison_id == _comparisons.c.id)
)


def models(project: Project) -> "sa.Select[Any]":
    """The models by when they came."""
    columns = (_models.c.uid, _models.c.name, _models.c.meta.label("metadata"), _models.c.id)
    return sa.select(*columns).where(_models.c.project_id == project.id)


def prompts(project: Project, asked: PromptsIn) -> "sa.Select[Any]":
    """The prompts that were asked for, by when they came."""
    columns = (
        _prompts.c.key.label("prompt_id"),
        *(_prompts.c[name] for name in ("messages", "category", "language", "tags")),
        _batches.c.name.label("batch"),
        _prompts.c.meta.label("metadata"),
        _prompts.c.id,
    )
    wanted = {
        _prompts.c.key: asked.prompt_id,
        _prompts.c.category: asked.category,
        _prompts.c.language: asked.language,
        _batches.c.name: asked.batch,
    }
    found = sa.select(*columns).select_from(_with_batch).where(_prompts.c.project_id == project.id)
    return found.where(*_same(wanted))


def responses(project: Project, asked: ResponsesIn) -> "sa.Select[Any]":
    """The responses that were asked for, by when they came."""
    columns = (
        _prompts.c.key.label("prompt_id"),
        _models.c.name.label("model"),
        *(_responses.c[name] for name in ("sample", "messages")),
        _responses.c.meta.label("metadata"),
        _responses.c.id,
    )
    wanted = {_prompts.c.key: asked.prompt_id, _models.c.name: asked.model}
    found = sa.select(*columns).select_from(_answers).where(_prompts.c.project_id == project.id)
    return found.where(*_same(wanted))


def comparisons(project: Project, asked: ComparisonsIn) -> "sa.Select[Any]":
    """The comparisons that were asked for, by when they came, with their places in the queue."""
    columns = (
        _comparisons.c.pair_id,
        _prompts.c.key.label("prompt_id"),
        _a.c.name.label("model_a"),
        _comparisons.c.sample_a,
        _b.c.name.label("model_b"),
        _comparisons.c.sample_b,
        _batches.c.name.label("batch"),
        *(_comparisons.c[name] for name in ("gold", "gold_reason")),
        *(sa.func.coalesce(_slots.c[name], 0).label(name) for name in ("wanted", "taken")),
        _comparisons.c.id,
    )
    wanted = {
        _comparisons.c.pair_id: asked.pair_id,
        _prompts.c.key: asked.prompt_id,
        _batches.c.name: asked.batch,
    }
    found = sa.select(*columns).select_from(_pairs).where(_comparisons.c.project_id == project.id)
    if asked.model:
        found = found.where(sa.or_(_a.c.name == asked.model, _b.c.name == asked.model))
    if asked.gold is not None:
        found = found.where(_comparisons.c.gold.is_not(None) == asked.gold)
    return found.where(*_same(wanted))


def _same(wanted: dict[Any, str | None]) -> list[Any]:
    return [column == value for column, value in wanted.items() if value is not None]
