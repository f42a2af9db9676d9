"""Reads a project's comparisons and judgments in order, in bounded memory, in one snapshot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from app.exports import filters
from app.exports.filters import adjudications, comparisons, judgments, prompts
from app.exports.forms import Aggregate, ExportSpec, Format
from app.models import (
    Account,
    Annotator,
    Batch,
    Guideline,
    Model,
    Project,
    Response,
    RubricVersion,
    answers,
)
from app.prepared import Prepared, table

# Rows read at once, at most: enough that what each time costs is small beside them.
CHUNK, FEWEST = 400, 20
# Where texts are long as many as come to about so much, so that they stay in the processor's cache, and the
# memory in bounds: a guess from some of the rows before, one in so many.
CHUNK_CHARACTERS = 750_000
MEASURED = 16

# A judgment with its comparison, as the driver gives it.
# Messages and tags are JSON as text, so that they pass through unparsed.
#
# As far as preferences need it, for each column costs as much as a step of theirs: annotator, outcome,
# strength, guideline, what a reviewer decided, created_at, and swapped where it is told; then the prompt's
# row, comparison, prompt, responses a and b, gold, pair_id, prompt_id, models a and b, category, language,
# and where judgments are filtered which there are at all, see BY, else where reviewers decide when theirs
# did. Then the digests of both responses, or where all is told instead of them the rest of the judgment and
# of the comparison.
Row = tuple[Any, ...]
# All of one comparison, a row for each judgment that counts. The first tells of the comparison; where it
# has no annotator, there is no judgment in it.
Compared = tuple[Row, ...]

# Of a judgment: what decides is first, what is not always told at the end.
VOTE, SAID, MORE = slice(7), slice(5), slice(20, 35)
ANNOTATOR, OUTCOME, ADJUDICATED, CREATED_AT, SWAPPED, RETIRED_AT = 0, 1, 4, 5, 6, 20
# Of a comparison.
COMPARISON, TEXTS, WHOLE = slice(7, 19), slice(9, 12), slice(35, 39)
PROMPT_ROW, NUMBER, PROMPT, GOLD_VERDICT, BY = 7, 8, 9, 12, 19
# Whose judgments it has, whatever the filters: nobody's, simulated annotators' alone where those do not
# count, or somebody's.
BY_NOBODY, BY_SIMULATED, BY_SOMEBODY = range(3)
# At the same place: none has both.
SETTLED_AT = BY
# Where the rest of a judgment begins, and there is none.
DIGESTS = slice(20, 22)


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


def read_votes(connection: sa.Connection, project: Project, spec: ExportSpec) -> Iterator[list[Compared]]:
    """The comparisons the filters let through with their live judgments, prompt by prompt, some at a time.

    The caller's transaction, which must have begun, is the snapshot.
    """
    with Session(connection) as session:
        yield from _chunks(session, project, spec)


def read_judgments(connection: sa.Connection, project: Project, spec: ExportSpec) -> Iterator[list[Compared]]:
    """The same with every judgment, retired ones after the others."""
    # By a query of their own: each of the two partial indexes serves only one of them.
    retired = Prepared(_textless(project, spec, judgments.c.retired_at.is_not(None)))
    with Session(connection) as session:
        for chunk in _chunks(session, project, spec):
            places = _places("from", chunk[0]) | _places("to", chunk[-1])
            found = groupby(retired.raw(session, **places), key=_number)
            withdrawn = {number: tuple(rows) for number, rows in found}
            yield [rows + withdrawn.get(rows[0][NUMBER], ()) for rows in chunk] if withdrawn else chunk


def judged(compared: Compared) -> Compared:
    """The judgments of a comparison."""
    return compared if compared[0][ANNOTATOR] is not None else compared[1:]


_number = itemgetter(NUMBER)


def _chunks(session: Session, project: Project, spec: ExportSpec) -> Iterator[list[Compared]]:
    wanted = Prepared(_live(project, spec))
    many = min(FEWEST, CHUNK)
    for begin, end in spec.runs:
        places = {"after_prompt": begin, "after": 0, "end": end}
        while rows := wanted.raw(session, **places, many=many):
            chunk = _by_comparison(rows)
            # Of the last one there may be more.
            if len(rows) == many and len(chunk) > 1:
                chunk.pop()
            elif len(rows) == many:
                chunk = [(*rows, *_others(session, project, spec, rows))]
            yield chunk
            places |= _places("after", chunk[-1])
            many = how_many(rows)


def how_many(rows: list[Row]) -> int:
    """How many rows like these are taken at once."""
    measured = rows[::MEASURED]
    characters = sum(len(value) for row in measured for value in row if isinstance(value, str))
    return min(CHUNK, max(FEWEST, CHUNK_CHARACTERS * len(measured) // (characters + 1)))


def _others(session: Session, project: Project, spec: ExportSpec, rows: list[Row]) -> Iterator[Row]:
    """The rest of one comparison's live judgments: with its texts in each, many would fill the memory."""
    j = judgments.c
    beyond = j.annotator_id > sa.bindparam("beyond", type_=sa.Integer)
    query = Prepared(_textless(project, spec, j.retired_at.is_(None), beyond))
    first, last = rows[0], rows[-1]
    places = _places("from", (first,)) | _places("to", (first,))
    for row in query.raw(session, **places, beyond=last[ANNOTATOR]):
        yield (
            *row[:ADJUDICATED], first[ADJUDICATED], *row[CREATED_AT:PROMPT], *first[PROMPT:RETIRED_AT],
            # The rest of a judgment is its own, digests are its comparison's.
            *(row[RETIRED_AT:] or first[DIGESTS]),
        )  # fmt: skip


def _by_comparison(rows: list[Row]) -> list[Compared]:
    # Most have one judgment each, which is seen sooner than they are grouped.
    if len(set(map(_number, rows))) == len(rows):
        return list(zip(rows, strict=True))
    return [tuple(same) for _, same in groupby(rows, key=_number)]


def _places(name: str, compared: Compared) -> dict[str, int]:
    return {f"{name}_prompt": compared[0][PROMPT_ROW], name: compared[0][NUMBER]}


PLACE = sa.tuple_(comparisons.c.prompt_id, comparisons.c.id)
_end = sa.bindparam("end", type_=sa.Integer)
_after = sa.bindparam("after_prompt", type_=sa.Integer)


def _place(name: str) -> sa.Tuple:
    return sa.tuple_(sa.bindparam(f"{name}_prompt", type_=sa.Integer), sa.bindparam(name, type_=sa.Integer))


def _live(project: Project, spec: ExportSpec) -> sa.Select[*tuple[Any, ...]]:
    """Comparisons with the judgments of each that count and were not withdrawn."""
    c, p, v, j = comparisons.c, prompts.c, adjudications.c, judgments.c
    a, b = sa.alias(table(Response), "ra"), sa.alias(table(Response), "rb")
    live = sa.and_(j.comparison_id == c.id, j.retired_at.is_(None), *_counting(spec))
    read = (
        comparisons.join(prompts, p.id == c.prompt_id)
        .join(a, answers(a.c, comparisons.c, "a"))
        .join(b, answers(b.c, comparisons.c, "b"))
        .join(adjudications, _decides(), isouter=not spec.adjudicated)
        .join(judgments, live, isouter=True)
    )
    columns = (
        *_vote(spec, sa.type_coerce(v.outcome, sa.String)),
        *(c.prompt_id, c.id),
        *(sa.cast(texts.c.messages, sa.Text) for texts in (prompts, a, b)),
        sa.type_coerce(c.gold, sa.String),
        *(c.pair_id, p.key, c.model_a_id, c.model_b_id, p.category, p.language),
        _by(spec) if spec.filters_judgments else _settled_at(spec),
    )
    if spec.format is Format.JUDGMENTS:
        read, more = _more(read)
        columns += (*more, c.sample_a, c.sample_b, sa.cast(p.tags, sa.Text), c.batch_id)
    elif spec.format.for_training:
        columns += (a.c.digest, b.c.digest)
    return (
        sa.select(*columns)
        .select_from(read)
        .where(*_wanted(project, spec), _place("after") < PLACE, c.prompt_id <= _end)
        # Said once more of prompts: PostgreSQL merges them in, and would begin with the first of all.
        .where(p.id >= _after)
        .order_by(c.prompt_id, c.id, j.annotator_id)
        .limit(sa.bindparam("many", type_=sa.Integer))
    )


def _textless(
    project: Project, spec: ExportSpec, *which: sa.ColumnElement[bool]
) -> sa.Select[*tuple[Any, ...]]:
    """Judgments without what their comparisons' first rows tell."""
    c, j = comparisons.c, judgments.c
    read = comparisons.join(judgments, j.comparison_id == c.id)
    more: tuple[sa.ColumnElement[Any], ...] = ()
    if spec.format is Format.JUDGMENTS:
        read, more = _more(read)
    told_before = (sa.null() for _ in range(PROMPT, RETIRED_AT))
    return (
        sa.select(*_vote(spec, sa.null()), c.prompt_id, c.id, *told_before, *more)
        .select_from(read)
        .where(*_wanted(project, spec), PLACE.between(_place("from"), _place("to")))
        .where(*which, *_counting(spec))
        .order_by(c.prompt_id, c.id, j.annotator_id, j.id)
    )


def _counting(spec: ExportSpec) -> Iterator[sa.ColumnElement[bool]]:
    """What is asked of a judgment."""
    for _, condition in filters.of_judgment(spec):
        yield condition


def _decides() -> sa.ColumnElement[bool]:
    v = adjudications.c
    return sa.and_(v.comparison_id == comparisons.c.id, v.retired_at.is_(None))


def _vote(spec: ExportSpec, adjudicated: "sa.ColumnElement[Any]") -> Iterator["sa.ColumnElement[Any]"]:
    """The columns of a judgment that are always told, and what a reviewer decided."""
    j = judgments.c
    by_criterion = spec.criterion is not None
    yield j.annotator_id
    yield j.criteria[spec.criterion].as_string() if by_criterion else sa.type_coerce(j.outcome, sa.String)
    # Of the overall verdict.
    yield sa.null() if by_criterion else j.strength
    yield j.guideline_id
    yield adjudicated
    yield sa.type_coerce(j.created_at, sa.types.NullType())
    yield sa.null() if spec.format.for_training else j.swapped


def _more(read: sa.Join) -> "tuple[sa.Join, tuple[sa.ColumnElement[Any], ...]]":
    """The other columns of a judgment, and what they are read from."""
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
    return read.outerjoin(earlier, earlier.c.id == j.supersedes_id), columns


def _settled_at(spec: ExportSpec) -> sa.ColumnElement[Any]:
    decides = spec.aggregating is Aggregate.ADJUDICATED
    return sa.type_coerce(adjudications.c.created_at, sa.types.NullType()) if decides else sa.null()


def _by(spec: ExportSpec) -> sa.ColumnElement[int]:
    j = judgments.alias("whoever").c
    # The lossless file has retired ones, too.
    counting = () if spec.format is Format.JUDGMENTS else (j.retired_at.is_(None),)
    judged = sa.select(sa.literal(1)).where(j.comparison_id == comparisons.c.id, *counting)
    found = [(judged.exists(), BY_SOMEBODY)]
    # Only a kind keeps simulated annotators out.
    if spec.kind is not None:
        real = judged.where(j.annotator_id.not_in(filters.simulated()))
        found = [(real.exists(), BY_SOMEBODY), (judged.exists(), BY_SIMULATED)]
    return sa.case(*found, else_=BY_NOBODY)


def _wanted(project: Project, spec: ExportSpec) -> Iterator[sa.ColumnElement[bool]]:
    """What is asked of a comparison and its prompt."""
    yield comparisons.c.project_id == project.id
    for _, condition in filters.of_comparison(project, spec):
        yield condition


def iso(moment: datetime | str) -> str:
    """A stored moment in ISO 8601, UTC; SQLite's driver gives it as text."""
    if isinstance(moment, str):
        return f"{moment.replace(' ', 'T')}+00:00"
    return moment.astimezone(UTC).isoformat()


def iso_each(moments: Sequence[Any]) -> list[str]:
    """The same of many, at least one."""
    if not isinstance(moments[0], str):
        return list(map(iso, moments))
    return f"{'+00:00,'.join(moments).replace(' ', 'T')}+00:00".split(",")
