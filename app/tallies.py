"""Kept counts of live judgments: what a leaderboard reads instead of the votes.

Every change of a judgment changes its counts in the same transaction. ``rebuild`` and
``differences`` count again from the judgments themselves.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from app.adding import Kept, Row, add
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Outcome, Project, Prompt, Tally
from app.prepared import table

TURNED = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}


class Counted(NamedTuple):
    """What is counted of one live judgment of a comparison that is not gold.

    The outcome, the verdicts by criterion and ``swapped`` are in the comparison's stored order;
    ``swapped`` is None where the shown order is not known.
    """

    model_a_id: int
    model_b_id: int
    outcome: Outcome
    cluster: int
    kind: AnnotatorKind
    category: str | None
    language: str | None
    swapped: bool | None
    group: str | None = None
    criteria: tuple[tuple[str, Outcome], ...] = ()


class Key(NamedTuple):
    """One count: a slice, two models (lower id first), a cluster of annotators, an outcome in that order.

    ``shown`` is "straight" where the model with the lower id was shown first, "swapped" where it was not,
    and empty where the shown order is not known.
    """

    slice_by: str
    slice_value: str
    model_a_id: int
    model_b_id: int
    cluster: int
    outcome: Outcome
    shown: str


# What a row of the table is found by: it counts all orders, and two of them by themselves.
_ROW = Key._fields[:-1]
_SHOWN = ("straight", "swapped")


class Difference(NamedTuple):
    """A count that is not what the judgments say."""

    key: Key
    kept: int
    counted: int


def keys(judgment: Counted) -> list[Key]:
    """The counts a judgment belongs to; none where both responses are of the same model.

    Each belongs to one "kind": over both kinds they add up to all judgments. In a "criterion" slice the
    verdict on that criterion takes the place of the outcome.
    """
    a, b, outcome, swapped = judgment.model_a_id, judgment.model_b_id, judgment.outcome, judgment.swapped
    criteria: Iterable[tuple[str, Outcome]] = judgment.criteria
    if a == b:
        return []
    if a > b:
        a, b, outcome = b, a, TURNED.get(outcome, outcome)
        swapped = None if swapped is None else not swapped
        criteria = [(key, TURNED.get(verdict, verdict)) for key, verdict in criteria]
    slices = [("kind", judgment.kind.value)]
    if judgment.category is not None:
        slices.append(("category", judgment.category))
    if judgment.language is not None:
        slices.append(("language", judgment.language))
    if judgment.group is not None:
        slices.append(("group", judgment.group))
    shown = "" if swapped is None else _SHOWN[swapped]
    found = [Key(by, value, a, b, judgment.cluster, outcome, shown) for by, value in slices]
    found += [Key("criterion", key, a, b, judgment.cluster, verdict, shown) for key, verdict in criteria]
    return found


KEPT = Kept(Tally, "n", *_SHOWN, total=True)


def rows(project_id: int, deltas: Mapping[Key, int]) -> list[Row]:
    """Rows to add to the kept counts, in an order that is the same in every transaction."""
    return KEPT.rows(
        ((project_id, *key[:-1]), name, delta)
        for key, delta in sorted(deltas.items())
        for name in ("n", key.shown)
        if name
    )


def refile(
    session: Session, project_id: int, by: str, moves: Iterable[tuple[int, str | None, str | None]]
) -> None:
    """Move annotators' counts by "group" or "kind": (annotator's id, before, after), None for no group.

    Their rows must be locked, so that no judgment of theirs is under way.
    """
    deltas: Counter[Key] = Counter()
    for annotator_id, before, after in moves:
        mine = _judgment.c.annotator_id == annotator_id
        for *names, n in session.execute(_count(project_id, sa.literal(by), sa.literal(""), mine)):
            for value, sign in ((before, -1), (after, +1)):
                if value is not None:
                    deltas[Key(*names)._replace(slice_value=value)] += sign * n
    add(session, (KEPT, rows(project_id, deltas)))


def rebuild(session: Session, project_id: int) -> None:
    """Replace a project's counts by a new count of its judgments."""
    if _dialect(session) == "postgresql":
        # Judgments under way either are counted below or add themselves afterwards.
        session.execute(sa.text("LOCK TABLE tallies IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(sa.delete(Tally).where(_column("project_id") == project_id))
    counts = _counts(project_id, _dialect(session)).subquery()
    names = [counts.c[name] for name in _ROW]
    orders = (sa.func.sum(sa.case((counts.c.shown == order, counts.c.n), else_=0)) for order in _SHOWN)
    rows = sa.select(sa.literal(project_id), *names, sa.func.sum(counts.c.n), *orders).group_by(*names)
    session.execute(sa.insert(Tally).from_select(["project_id", *_ROW, "n", *_SHOWN], rows))


def differences(session: Session, project_id: int) -> list[Difference]:
    """The counts that are not what the judgments say; both are read in one statement."""
    unknown = _column("n") - _column("straight") - _column("swapped")
    names = [_column(name) for name in _ROW]
    kept = [
        sa.select(*names, sa.literal(order).label("shown"), n.label("kept"), _zero()).where(
            _column("project_id") == project_id
        )
        for order, n in (("", unknown), *((order, _column(order)) for order in _SHOWN))
    ]
    counts = _counts(project_id, _dialect(session)).subquery()
    counted = sa.select(*(counts.c[name] for name in Key._fields), _zero(), counts.c.n)
    both = sa.union_all(*kept, counted).subquery()
    *key, kept_n, counted_n = both.c
    sums = sa.func.sum(kept_n), sa.func.sum(counted_n)
    found = sa.select(*key, *sums).group_by(*key).having(sums[0] != sums[1]).order_by(*key)
    return [Difference(Key(*row[:-2]), int(row[-2]), int(row[-1])) for row in session.execute(found)]


def outdate(session: Session, project_id: int) -> None:
    """Have whatever was ranked before be out of date, for another reason than a judgment."""
    # By the database: of two changes at once, neither is counted for both.
    here = sa.update(Project).where(col(Project.id) == project_id)
    session.execute(here.values(revision=col(Project.revision) + 1))


def between(
    session: Session, project_id: int, by: str, since: datetime | None, until: datetime | None
) -> "sa.Select[*tuple[object, ...]]":
    """Rows of (*Key, n) of one kind of slice, of judgments made since one moment and before another."""
    made = _judgment.c.created_at
    conditions = [made >= since] if since else []
    conditions += [made < until] if until else []
    return _of(by, _dialect(session), project_id, *conditions)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


def _zero() -> sa.Label[int]:
    return sa.literal(0).label("none")


def _column(name: str) -> "sa.Column[int]":
    return table(Tally).c[name]


_judgment, _comparison = table(Judgment), table(Comparison)
_annotator, _prompt = table(Annotator), table(Prompt)
_a, _b = _comparison.c.model_a_id, _comparison.c.model_b_id
_turned = _a > _b
_joined = sa.join(_judgment, _comparison, _judgment.c.comparison_id == _comparison.c.id).join(
    _annotator, _judgment.c.annotator_id == _annotator.c.id
)
_SLICES = {
    "": sa.literal(""),
    "category": _prompt.c.category,
    "group": _annotator.c.group_name,
    "kind": sa.cast(_annotator.c.kind, sa.String),
    "language": _prompt.c.language,
}
_shown = sa.case(
    (_judgment.c.swapped.is_(None), ""), (_judgment.c.swapped != _turned, "swapped"), else_="straight"
)
# What makes rows of a JSON object, each with its key and its value as text.
_EACH = {"sqlite": sa.func.json_each, "postgresql": sa.func.json_each_text}


def _in_order(verdict: "sa.ColumnElement[Outcome]") -> "sa.ColumnElement[Outcome]":
    """A verdict as it is with the lower model first."""
    return sa.case(
        (sa.and_(_turned, verdict == Outcome.A), sa.literal(Outcome.B, _judgment.c.outcome.type)),
        (sa.and_(_turned, verdict == Outcome.B), sa.literal(Outcome.A, _judgment.c.outcome.type)),
        else_=verdict,
    )


def _count(
    project_id: int,
    by: "sa.ColumnElement[str]",
    value: "sa.ColumnElement[str]",
    *conditions: "sa.ColumnElement[bool]",
    verdict: "sa.ColumnElement[Outcome]" = _judgment.c.outcome,
    joined: sa.FromClause = _joined,
) -> "sa.Select[*tuple[object, ...]]":
    """Rows of (*Key, n) of one kind of slice, by the rules of ``keys``."""
    first, second = sa.case((_turned, _b), else_=_a), sa.case((_turned, _a), else_=_b)
    columns: tuple[Any, ...] = (by, value, first, second, _annotator.c.cluster, _in_order(verdict), _shown)
    labelled = (column.label(name) for column, name in zip(columns, Key._fields, strict=True))
    live = (
        _judgment.c.project_id == project_id,
        _judgment.c.retired_at.is_(None),
        _comparison.c.gold.is_(None),
        _a != _b,
        value.is_not(None),
    )
    each = sa.select(*labelled).select_from(joined).where(*live, *conditions).subquery()
    return sa.select(*each.c, sa.func.count().label("n")).group_by(*each.c)


def _of(by: str, dialect: str, project_id: int, *conditions: Any) -> "sa.Select[*tuple[object, ...]]":
    name = sa.literal(by)
    if by == "criterion":
        said = _EACH[dialect](_judgment.c.criteria).table_valued("key", "value", name="said")
        verdict = sa.type_coerce(said.c.value, _judgment.c.outcome.type)
        joined: sa.FromClause = _joined.join(said, sa.true())
        return _count(project_id, name, said.c.key, *conditions, verdict=verdict, joined=joined)
    joined = _joined
    if by in ("category", "language"):
        joined = joined.join(_prompt, _comparison.c.prompt_id == _prompt.c.id)
    return _count(project_id, name, _SLICES[by], *conditions, joined=joined)


def _counts(project_id: int, dialect: str) -> sa.CompoundSelect[*tuple[object, ...]]:
    """Rows of (*Key, n) of all slices, counted in the database."""
    kept = [by for by in (*_SLICES, "criterion") if by]
    return sa.union_all(*(_of(by, dialect, project_id) for by in kept))
