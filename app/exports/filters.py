"""What is asked of comparisons and of judgments before they are read, and how many were not for it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.exports.forms import Aggregate, ExportSpec, Format, Gold, Ties, after, beginning
from app.models import (
    Adjudication,
    Annotator,
    Comparison,
    Guideline,
    Judgment,
    Model,
    Outcome,
    Project,
    Prompt,
)
from app.prepared import table
from app.words import N_

# Reasons in the words the page and the manifest show.
OTHER_CATEGORY = N_("prompt of another category")
OTHER_LANGUAGE = N_("prompt of another language")
OTHER_MODELS = N_("not between the models asked for")
NOT_GOLD = N_("no gold comparison")
NOT_ADJUDICATED = N_("without a reviewer’s verdict")
SIMULATED = N_("by a simulated annotator, neither a person nor a judge model")
OTHER_KIND = N_("by another kind of annotator")
OTHER_GROUP = N_("by another annotator group")
OTHER_GUIDELINE = N_("under another version of the guideline")
NOT_BY_CRITERION = N_("says nothing on the criterion")
FOR_NEITHER = N_("for neither side")
OTHER_TIME = N_("at another time")

comparisons = table(Comparison)
judgments = table(Judgment)
prompts = table(Prompt)
adjudications = table(Adjudication)

# Of a run of prompts.
_ENDS = sa.bindparam("begin", type_=sa.Integer), sa.bindparam("end", type_=sa.Integer)

# Why something is left out that does not fulfil a condition.
Asked = tuple[str, sa.ColumnElement[bool]]


def of_comparison(project: Project, spec: ExportSpec) -> Iterator[Asked]:
    """What is asked of a comparison and its prompt, but for a reviewer's verdict."""
    c, asked = comparisons.c, prompts.alias("asked")
    of_prompt = (
        (OTHER_CATEGORY, asked.c.category, spec.category),
        (OTHER_LANGUAGE, asked.c.language, spec.language),
    )
    for reason, column, values in of_prompt:
        if values:
            yield reason, sa.exists().where(asked.c.id == c.prompt_id, column.in_(_each(values)))
    if spec.model:
        named = sa.select(col(Model.id)).where(
            col(Model.project_id) == project.id, col(Model.name).in_(_each(spec.model))
        )
        sides = (c.model_a_id.in_(named), c.model_b_id.in_(named))
        yield OTHER_MODELS, sa.and_(*sides) if len(spec.model) > 1 else sa.or_(*sides)
    if spec.gold is Gold.ONLY:
        yield NOT_GOLD, c.gold.is_not(None)


def of_judgment(spec: ExportSpec) -> Iterator[Asked]:
    """What is asked of a judgment."""
    j = judgments.c
    if spec.kind is not None:
        # Simulated annotators are neither people nor judge models.
        yield SIMULATED, j.annotator_id.not_in(simulated())
        of_kind = sa.select(col(Annotator.id)).where(col(Annotator.kind) == spec.kind)
        yield OTHER_KIND, j.annotator_id.in_(of_kind)
    if spec.group:
        grouped = sa.select(col(Annotator.id)).where(col(Annotator.group_name).in_(_each(spec.group)))
        yield OTHER_GROUP, j.annotator_id.in_(grouped)
    if spec.guideline:
        versions = sa.select(col(Guideline.id)).where(col(Guideline.version).in_(_each(spec.guideline)))
        yield OTHER_GUIDELINE, j.guideline_id.in_(versions)
    verdict = j.outcome
    if spec.criterion is not None:
        verdict = j.criteria[spec.criterion].as_string()
        yield NOT_BY_CRITERION, verdict.is_not(None)
    if spec.ties is Ties.DROP:
        yield FOR_NEITHER, verdict.in_(_each((Outcome.A, Outcome.B)))
    if spec.since is not None:
        yield OTHER_TIME, j.created_at >= beginning(spec.since)
    if spec.until is not None:
        yield OTHER_TIME, j.created_at < after(spec.until)


def _each(values: Iterable[Any]) -> list[sa.ColumnElement[Any]]:
    """A parameter each: a prepared statement cannot expand a list."""
    return [sa.literal(value) for value in values]


def _adjudicated() -> sa.ColumnElement[bool]:
    v = adjudications.c
    return sa.exists().where(v.comparison_id == comparisons.c.id, v.retired_at.is_(None))


def simulated() -> "sa.Select[int | None]":
    """The annotators who are nobody."""
    return sa.select(col(Annotator.id)).where(col(Annotator.simulated))


def left_out(connection: sa.Connection, project: Project, spec: ExportSpec) -> Counter[str]:
    """Of what a spec reads, how much the filters kept from being read, each by the first that it fails.

    These are comparisons, or where each judgment is a row by itself judgments; of both splits.
    """
    c, j = comparisons.c, judgments.c
    each = spec.aggregating is Aggregate.EACH
    asked = list(of_comparison(project, spec))
    if spec.adjudicated:
        asked.append((NOT_ADJUDICATED, _adjudicated()))
    if each:
        asked += of_judgment(spec)
    if not asked:
        return Counter()
    # A condition on what is not known is not fulfilled, either.
    failed = [(~sa.func.coalesce(met, sa.false()), place) for place, (_, met) in enumerate(asked)]
    reason = sa.case(*failed, else_=None).label("reason")
    read = comparisons.join(judgments, j.comparison_id == c.id) if each else comparisons
    query = sa.select(reason, sa.func.count()).select_from(read).group_by(reason)
    query = query.where(c.project_id == project.id, c.prompt_id.between(*_ENDS))
    if each and spec.format is not Format.JUDGMENTS:
        query = query.where(j.retired_at.is_(None))
    found = Counter[str]()
    for run in spec.runs:
        for place, many in connection.execute(query, run._asdict()):
            if place is not None:
                found[asked[place][0]] += many
    return found


def asked_under(
    connection: sa.Connection, project: Project, spec: ExportSpec
) -> list[tuple[int | None, int | None, int]]:
    """How many judgments a spec reads, of both splits, by the rows of their guideline and their rubric."""
    c, j = comparisons.c, judgments.c
    under = (j.guideline_id, j.rubric_id)
    query = sa.select(*under, sa.func.count()).join(comparisons, c.id == j.comparison_id).group_by(*under)
    query = query.where(*_of_both(project, spec))
    if not spec.has_gold:
        query = query.where(c.gold.is_(None))
    if spec.format is not Format.JUDGMENTS:
        query = query.where(j.retired_at.is_(None))
    return [(guideline, rubric, many) for guideline, rubric, many in connection.execute(query)]


def counting(project: Project, spec: ExportSpec) -> sa.Subquery:
    """The judgments in force that a spec lets through, of both splits; of prompts begin to end.

    comparison_id, model_a_id, model_b_id, annotator_id, verdict, and swapped where it is known.
    """
    c, j = comparisons.c, judgments.c
    by_criterion = spec.criterion is not None
    verdict = j.criteria[spec.criterion].as_string() if by_criterion else sa.type_coerce(j.outcome, sa.String)
    columns = (
        j.comparison_id,
        c.model_a_id,
        c.model_b_id,
        j.annotator_id,
        verdict.label("verdict"),
        j.swapped,
    )
    query = sa.select(*columns).join(comparisons, c.id == j.comparison_id).where(*_of_both(project, spec))
    if not spec.has_gold:
        query = query.where(c.gold.is_(None))
    return query.where(j.retired_at.is_(None), c.prompt_id.between(*_ENDS)).subquery()


def _of_both(project: Project, spec: ExportSpec) -> "Iterator[sa.ColumnElement[bool]]":
    """What is asked of a judgment and of its comparison."""
    yield comparisons.c.project_id == project.id
    for _, met in (*of_comparison(project, spec), *of_judgment(spec)):
        yield met
    if spec.adjudicated:
        yield _adjudicated()
