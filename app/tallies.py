"""Kept counts of live judgments: what a leaderboard reads instead of the votes.

Every change of a judgment changes its counts in the same transaction. ``rebuild`` and
``differences`` count again from the judgments themselves.
"""

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Outcome, Prompt, Tally
from app.prepared import Prepared, table

TURNED = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}


class Counted(NamedTuple):
    """What is counted of one live judgment of a comparison that is not gold.

    The outcome and ``swapped`` are in the comparison's stored order; ``swapped`` is None where the
    shown order is not known.
    """

    model_a_id: int
    model_b_id: int
    outcome: Outcome
    cluster: int
    kind: AnnotatorKind
    category: str | None
    language: str | None
    swapped: bool | None


class Key(NamedTuple):
    """One count: a slice, two models (lower id first), a group of annotators, an outcome in that order."""

    slice_by: str
    slice_value: str
    model_a_id: int
    model_b_id: int
    cluster: int
    outcome: Outcome


class Difference(NamedTuple):
    """A count that is not what the judgments say."""

    key: Key
    kept: int
    counted: int


def keys(judgment: Counted) -> list[Key]:
    """The counts a judgment belongs to; none where both responses are of the same model.

    The "position" slice is "straight" where the model with the lower id was shown first.
    """
    a, b, outcome, swapped = judgment.model_a_id, judgment.model_b_id, judgment.outcome, judgment.swapped
    if a == b:
        return []
    if a > b:
        a, b, outcome = b, a, TURNED.get(outcome, outcome)
        swapped = None if swapped is None else not swapped
    slices = [("", ""), ("kind", judgment.kind.value)]
    if judgment.category is not None:
        slices.append(("category", judgment.category))
    if judgment.language is not None:
        slices.append(("language", judgment.language))
    if swapped is not None:
        slices.append(("position", "swapped" if swapped else "straight"))
    return [Key(by, value, a, b, judgment.cluster, outcome) for by, value in slices]


def apply(session: Session, project_id: int, deltas: Mapping[Key, int]) -> None:
    """Add to the counts, in an order that is the same in every transaction so that none deadlock."""
    rows = [
        {"project_id": project_id, **key._asdict(), "n": max(delta, 0), "delta": delta}
        for key, delta in sorted(deltas.items())
        if delta
    ]
    ADD.run_all(session, rows)


def _add(insert: "type[sqlite.Insert] | type[postgresql.Insert]") -> sa.Insert:
    # The proposed row must pass the check on n even where it only carries a subtraction.
    counts = table(Tally)
    new = insert(counts).values({name.key: sa.bindparam(name.key, type_=name.type) for name in counts.c})
    return new.on_conflict_do_update(
        index_elements=["project_id", *Key._fields],
        set_={"n": counts.c.n + sa.bindparam("delta", type_=sa.Integer)},
    )


ADD = Prepared(sqlite=_add(sqlite.Insert), postgresql=_add(postgresql.Insert))


def rebuild(session: Session, project_id: int) -> None:
    """Replace a project's counts by a new count of its judgments."""
    if session.get_bind().dialect.name == "postgresql":
        # Judgments under way either are counted below or add themselves afterwards.
        session.execute(sa.text("LOCK TABLE tallies IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(sa.delete(Tally).where(_column("project_id") == project_id))
    counts = _counts(project_id).subquery()
    rows = sa.select(sa.literal(project_id), *counts.c)
    session.execute(sa.insert(Tally).from_select(["project_id", *Key._fields, "n"], rows))


def differences(session: Session, project_id: int) -> list[Difference]:
    """The counts that are not what the judgments say; both are read in one statement."""
    kept = sa.select(*(_column(name) for name in Key._fields), _column("n").label("kept"), _zero("counted"))
    counts = _counts(project_id).subquery()
    counted = sa.select(*(counts.c[name] for name in Key._fields), _zero("kept"), counts.c.n)
    both = kept.where(_column("project_id") == project_id).union_all(counted).subquery()
    sums = sa.func.sum(both.c.kept), sa.func.sum(both.c.counted)
    names = [both.c[name] for name in Key._fields]
    found = sa.select(*names, *sums).group_by(*names).having(sums[0] != sums[1]).order_by(*names)
    return [Difference(Key(*row[:-2]), int(row[-2]), int(row[-1])) for row in session.execute(found)]


def _zero(name: str) -> sa.Label[int]:
    return sa.literal(0).label(name)


def _column(name: str) -> "sa.Column[int]":
    return table(Tally).c[name]


def _counts(project_id: int) -> sa.CompoundSelect[*tuple[object, ...]]:
    """Rows of (*Key, n), counted in the database by the rules of ``keys``."""
    judgment, comparison = table(Judgment), table(Comparison)
    annotator, prompt = table(Annotator), table(Prompt)
    a, b = comparison.c.model_a_id, comparison.c.model_b_id
    turned = a > b
    outcome = sa.case(
        (sa.and_(turned, judgment.c.outcome == Outcome.A), sa.literal(Outcome.B, judgment.c.outcome.type)),
        (sa.and_(turned, judgment.c.outcome == Outcome.B), sa.literal(Outcome.A, judgment.c.outcome.type)),
        else_=judgment.c.outcome,
    )
    position = sa.case(
        (judgment.c.swapped.is_(None), None), (judgment.c.swapped != turned, "swapped"), else_="straight"
    )
    first, second = sa.case((turned, b), else_=a), sa.case((turned, a), else_=b)
    tables = (
        sa.join(judgment, comparison, judgment.c.comparison_id == comparison.c.id)
        .join(annotator, judgment.c.annotator_id == annotator.c.id)
        .join(prompt, comparison.c.prompt_id == prompt.c.id)
    )
    slices = {
        "": sa.literal(""),
        "category": prompt.c.category,
        "kind": sa.cast(annotator.c.kind, sa.String),
        "language": prompt.c.language,
        "position": position,
    }
    live = (
        judgment.c.project_id == project_id,
        judgment.c.retired_at.is_(None),
        comparison.c.gold.is_(None),
        a != b,
    )

    def count(by: str, value: "sa.ColumnElement[str]") -> "sa.Select[*tuple[object, ...]]":
        names = (first, second, annotator.c.cluster, outcome)
        rows = sa.select(
            sa.literal(by).label("slice_by"),
            value.label("slice_value"),
            *(name.label(label) for name, label in zip(names, Key._fields[2:], strict=True)),
            sa.literal(1).label("one"),
        ).select_from(tables)
        each = rows.where(*live, value.is_not(None)).subquery()
        grouped = [each.c[name] for name in Key._fields]
        return sa.select(*grouped, sa.func.count().label("n")).group_by(*grouped)

    return sa.union_all(*(count(by, value) for by, value in slices.items()))
