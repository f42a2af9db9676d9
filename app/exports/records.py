"""Reads a project's comparisons and judgments in order, in bounded memory, in one snapshot."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlmodel import col

from app.exports import filters
from app.exports.filters import adjudications, comparisons, judgments, prompts
from app.exports.forms import Aggregate, ExportSpec, Format, Run
from app.models import (
    Account,
    Annotator,
    Batch,
    Guideline,
    Model,
    Project,
    Response,
    RubricVersion,
)
from app.prepared import table

# Comparisons read at once: enough that a statement's own cost is small beside theirs, few enough
# that their texts stay in the processor's cache, and long ones in bounds.
CHUNK = 300

# Rows as the driver gives them: naming their columns costs a third of reading them. Messages and
# tags are JSON as text, so that they pass through unparsed.
#
# A comparison as far as preferences need it, for each column costs as much as a step of theirs: prompt's
# row, id, prompt, responses a and b, gold, adjudicated, pair_id, prompt_id, models a and b, category,
# language, and where judgments are filtered which there are at all, see BY, else where reviewers decide
# when theirs did.
Compared = tuple[Any, ...]
# All of a comparison; it begins as one does and goes on with samples a and b, prompt's tags, batch.
Whole = tuple[Any, ...]
# The same of a judgment: comparison, annotator, outcome, strength, guideline, created_at, and swapped
# where it is told.
Vote = tuple[Any, ...]
# All of a judgment; it begins as a vote does and goes on with retired_at, see _judged.
Judged = tuple[Any, ...]

# What of a vote decides.
SAID = slice(1, 5)
CREATED_AT, SWAPPED, RETIRED_AT = 5, 6, 7
# Of a comparison.
NUMBER, PROMPT, GOLD_VERDICT, ADJUDICATED, BY = 1, 2, 5, 6, 13
# Whose judgments it has, whatever the filters: nobody's, simulated annotators' alone where those do not
# count, or somebody's.
BY_NOBODY, BY_SIMULATED, BY_SOMEBODY = range(3)
# At the same place: none has both.
SETTLED_AT = BY


class Who(NamedTuple):
    """An annotator, by pseudonym."""

    uid: str
    is_model: bool
    name: str | None
    simulated: bool
    group: str | None


@dataclass(frozen=True)
class Names:
    """What ids stand for: small tables, read once instead of joined to every row."""

    models: dict[int, str]
    annotators: dict[int, Who]
    batches: dict[int, str]
    guidelines: dict[int, int]
    rubrics: dict[int, int]


@dataclass(frozen=True)
class Chunk:
    """Some comparisons in order, and the judgments that count for each by its id."""

    comparisons: list[Compared]
    judgments: dict[int, list[Vote]]


def names(connection: sa.Connection, project: Project) -> Names:
    """The project's models, annotators, batches and guideline versions."""

    def read_table(model: Any, *columns: Any) -> list[Any]:
        return list(connection.execute(sa.select(model.id, *columns).where(model.project_id == project.id)))

    a = Annotator
    account = sa.select(col(Account.name)).where(col(Account.id) == a.account_id).scalar_subquery()
    name = sa.func.coalesce(account, a.name)
    people = read_table(a, a.uid, a.kind, name, a.simulated, a.group_name)
    return Names(
        models={row[0]: row[1] for row in read_table(Model, Model.name)},
        annotators={row[0]: Who(row[1], row[2] == "model", *row[3:]) for row in people},
        batches={row[0]: row[1] for row in read_table(Batch, Batch.name)},
        guidelines={row[0]: row[1] for row in read_table(Guideline, Guideline.version)},
        rubrics={row[0]: row[1] for row in read_table(RubricVersion, RubricVersion.version)},
    )


def read_votes(connection: sa.Connection, project: Project, spec: ExportSpec) -> Iterator[Chunk]:
    """The comparisons the filters let through with their live judgments, prompt by prompt.

    The caller's transaction is the snapshot.
    """
    live = judgments.c.retired_at.is_(None)
    votes = _of_chunk(project, spec, *_vote_columns(spec)).where(live)
    return _read(connection, project, spec, [votes])


def read_judgments(connection: sa.Connection, project: Project, spec: ExportSpec) -> Iterator[Chunk]:
    """The same with every judgment, retired ones too."""
    retired = judgments.c.retired_at
    judged = _judged(project, spec)
    # Two queries, because each of the two partial indexes serves only one of them.
    queries = [judged.where(retired.is_(None)), judged.where(retired.is_not(None))]
    return _read(connection, project, spec, queries)


def _read(
    connection: sa.Connection,
    project: Project,
    spec: ExportSpec,
    of_chunk: "list[sa.Select[*tuple[Any, ...]]]",
) -> Iterator[Chunk]:
    for rows in _chunks(connection, _comparisons(project, spec), spec.runs):
        first, last = rows[0][:2], rows[-1][:2]
        places = {"from_prompt": first[0], "from": first[1], "to_prompt": last[0], "to": last[1]}
        found: dict[int, list[Vote]] = {}
        for query in of_chunk:
            for row in _rows(connection, query, places):
                if row[0] in found:
                    found[row[0]].append(row)
                else:
                    found[row[0]] = [row]
        yield Chunk(rows, found)


def _chunks(
    connection: sa.Connection, wanted: "sa.Select[*tuple[Any, ...]]", runs: Iterable[Run]
) -> Iterator[list[Any]]:
    for begin, end in runs:
        last = (begin, 0)
        while rows := _rows(connection, wanted, {"after_prompt": last[0], "after": last[1], "end": end}):
            last = rows[-1][:2]
            yield rows


def _rows(
    connection: sa.Connection, query: "sa.Select[*tuple[Any, ...]]", parameters: dict[str, int]
) -> list[Any]:
    # Straight from the driver: SQLAlchemy's rows cost half as much again as the query.
    return list(cast(Any, connection.execute(query, parameters)).cursor.fetchall())


PLACE = sa.tuple_(comparisons.c.prompt_id, comparisons.c.id)
_end = sa.bindparam("end", type_=sa.Integer)


def _place(name: str) -> sa.Tuple:
    return sa.tuple_(sa.bindparam(f"{name}_prompt", type_=sa.Integer), sa.bindparam(name, type_=sa.Integer))


def _comparisons(project: Project, spec: ExportSpec) -> sa.Select[*tuple[Any, ...]]:
    c, p, v = comparisons.c, prompts.c, adjudications.c
    a, b = sa.alias(table(Response), "ra"), sa.alias(table(Response), "rb")
    verdict = sa.and_(v.comparison_id == c.id, v.retired_at.is_(None))
    whole = (c.sample_a, c.sample_b, sa.cast(p.tags, sa.Text), c.batch_id)
    return (
        sa.select(
            c.prompt_id,
            c.id,
            sa.cast(p.messages, sa.Text),
            sa.cast(a.c.messages, sa.Text),
            sa.cast(b.c.messages, sa.Text),
            sa.type_coerce(c.gold, sa.String),
            sa.type_coerce(v.outcome, sa.String),
            c.pair_id,
            p.key,
            c.model_a_id,
            c.model_b_id,
            p.category,
            p.language,
            _by(spec) if spec.filters_judgments else _settled_at(spec),
            *(whole if spec.format is Format.JUDGMENTS else ()),
        )
        .select_from(comparisons)
        .join(prompts, p.id == c.prompt_id)
        .join(a, _answers(a, "a"))
        .join(b, _answers(b, "b"))
        .join(adjudications, verdict, isouter=not spec.adjudicated)
        .where(*_wanted(project, spec), _place("after") < PLACE, c.prompt_id <= _end)
        .order_by(c.prompt_id, c.id)
        .limit(CHUNK)
    )


def _settled_at(spec: ExportSpec) -> sa.ColumnElement[Any]:
    decides = spec.aggregating is Aggregate.ADJUDICATED
    return sa.type_coerce(adjudications.c.created_at, sa.types.NullType()) if decides else sa.null()


def _by(spec: ExportSpec) -> sa.ColumnElement[int]:
    j = judgments.c
    # The lossless file has retired ones, too.
    counting = () if spec.format is Format.JUDGMENTS else (j.retired_at.is_(None),)
    judged = sa.select(sa.literal(1)).where(j.comparison_id == comparisons.c.id, *counting)
    found = [(judged.exists(), BY_SOMEBODY)]
    # Only a kind keeps simulated annotators out.
    if spec.kind is not None:
        real = judged.where(j.annotator_id.not_in(filters.simulated()))
        found = [(real.exists(), BY_SOMEBODY), (judged.exists(), BY_SIMULATED)]
    return sa.case(*found, else_=BY_NOBODY)


def _answers(response: sa.FromClause, side: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        response.c.prompt_id == comparisons.c.prompt_id,
        response.c.model_id == comparisons.c[f"model_{side}_id"],
        response.c.sample == comparisons.c[f"sample_{side}"],
    )


def _wanted(project: Project, spec: ExportSpec) -> Iterator[sa.ColumnElement[bool]]:
    """What is asked of a comparison and its prompt."""
    yield comparisons.c.project_id == project.id
    for _, condition in filters.of_comparison(project, spec):
        yield condition


def _judged(project: Project, spec: ExportSpec) -> sa.Select[*tuple[Any, ...]]:
    j, earlier = judgments.c, judgments.alias("earlier")
    columns = (
        sa.type_coerce(j.retired_at, sa.types.NullType()),
        j.submission_id,
        j.preference,
        sa.cast(j.criteria, sa.Text),
        sa.cast(j.ratings, sa.Text),
        sa.cast(j.tags, sa.Text),
        sa.cast(j.spans, sa.Text),
        j.rationale,
        j.better_answer,
        j.confidence,
        sa.cast(j.answers, sa.Text),
        j.rubric_id,
        j.duration_ms,
        sa.type_coerce(j.source, sa.String),
        earlier.c.submission_id,
    )
    return _of_chunk(project, spec, *_vote_columns(spec), *columns).outerjoin(
        earlier, earlier.c.id == j.supersedes_id
    )


def _vote_columns(spec: ExportSpec) -> Iterator["sa.ColumnElement[Any]"]:
    j = judgments.c
    by_criterion = spec.criterion is not None
    yield j.comparison_id
    yield j.annotator_id
    yield j.criteria[spec.criterion].as_string() if by_criterion else sa.type_coerce(j.outcome, sa.String)
    # Of the overall verdict.
    yield sa.null() if by_criterion else j.strength
    yield j.guideline_id
    yield sa.type_coerce(j.created_at, sa.types.NullType())
    if not spec.format.for_training:
        yield j.swapped


def _of_chunk(
    project: Project, spec: ExportSpec, *columns: "sa.ColumnElement[Any]"
) -> sa.Select[*tuple[Any, ...]]:
    j, c = judgments.c, comparisons.c
    counting = [condition for _, condition in filters.of_judgment(spec)]
    return (
        sa.select(*columns)
        .select_from(comparisons)
        .join(judgments, j.comparison_id == c.id)
        .where(*_wanted(project, spec), PLACE.between(_place("from"), _place("to")), *counting)
        .order_by(c.prompt_id, c.id, j.annotator_id, j.id)
    )


def iso(moment: datetime | str) -> str:
    """A stored moment in ISO 8601, UTC; SQLite's driver gives it as text."""
    if isinstance(moment, str):
        return f"{moment.replace(' ', 'T')}+00:00"
    return moment.astimezone(UTC).isoformat()
