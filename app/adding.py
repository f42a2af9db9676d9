"""Adding to kept counts, several in a statement: the way to the database and back costs more than a row."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from app.prepared import Prepared, dialect_of, table

# psycopg remembers how it read a statement of so many; of a longer one, reading costs as much as adding.
PARAMETERS = 50

# What is counted, and then how much to add, in the order of the table's columns.
Row = tuple[Any, ...]
Insert = type[sqlite.Insert] | type[postgresql.Insert]


class Kept:
    """A table that keeps counts: some of its columns, which are the last.

    Where the first is a ``total``, the others count parts of it.
    """

    def __init__(self, model: type[SQLModel], *counted: str, total: bool = False) -> None:
        self.table = table(model)
        self.counted = counted
        self.total = total
        self.names = [column.key for column in self.table.c]

    def rows(self, changes: Iterable[tuple[tuple[Any, ...], str, int]]) -> list[Row]:
        """What to add, of changes by the row's other columns and the count's name: each row once.

        They keep the order in which they are first named; where nothing changes there is none.
        """
        found: dict[tuple[Any, ...], list[int]] = {}
        for of, name, by in changes:
            found.setdefault(of, [0] * len(self.counted))[self.counted.index(name)] += by
        return [(*of, *counts) for of, counts in found.items() if any(counts)]

    def must_be_there(self, row: Row) -> bool:
        """Whether the row must exist: something is taken away, or its parts gain more than its total."""
        first, *others = counts = row[-len(self.counted) :]
        return min(counts) < 0 or (self.total and first < sum(others))


# Some rows of each table, for one statement.
Part = list[tuple[Kept, Sequence[Row]]]


def add(session: Session, *additions: tuple[Kept, Sequence[Row]]) -> None:
    """Add to counts, which are made where there are none; each row of a table comes once.

    They are changed in the order given, which must be that of every transaction so that none deadlock.
    """
    if any(kept.must_be_there(row) for kept, rows in additions for row in rows):
        for kept, rows in additions:
            _changing(kept).run_all(session, (_change(kept, row) for row in rows))
        return
    mixed = dialect_of(session).name == "postgresql"
    for shape, parts in groupby(_parts(additions, mixed=mixed), _shape):
        statement, names = _adding(shape)
        values = (chain.from_iterable(row for _, rows in part for row in rows) for part in parts)
        statement.run_all(session, (dict(zip(names, each, strict=True)) for each in values))


def _parts(additions: Sequence[tuple[Kept, Sequence[Row]]], *, mixed: bool) -> Iterator[Part]:
    """What one statement can add at a time, to more than one table where they may be ``mixed``."""
    part: Part = []
    room = PARAMETERS
    for kept, rows in additions:
        done = 0
        while done < len(rows):
            fitting = rows[done : done + room // len(kept.names)] if mixed or not part else []
            if not fitting:
                yield part
                part, room = [], PARAMETERS
                continue
            part.append((kept, fitting))
            done += len(fitting)
            room -= len(fitting) * len(kept.names)
    if part:
        yield part


Shape = tuple[tuple[Kept, int], ...]


def _shape(part: Part) -> Shape:
    return tuple((kept, len(rows)) for kept, rows in part)


@cache
def _adding(shape: Shape) -> tuple[Prepared, list[str]]:
    """A statement that adds to so many rows of each table, and its parameters in the order of the rows."""
    rows = [kept for kept, number in shape for _ in range(number)]
    names = [f"{name}_{place}" for place, kept in enumerate(rows) for name in kept.names]

    def of(insert: Insert) -> sa.Insert:
        unused = iter(names)
        first, *others = (_upsert(insert, kept, number, unused) for kept, number in shape)
        # PostgreSQL carries these out after the statement they stand before.
        for other in others:
            first = first.add_cte(other.cte(f"more_{other.table.name}"))
        return first

    return Prepared(sqlite=of(sqlite.Insert), postgresql=of(postgresql.Insert)), names


def _upsert(insert: Insert, kept: Kept, rows: int, names: Iterator[str]) -> sa.Insert:
    columns = kept.table.c
    binds = [{one.key: sa.bindparam(next(names), type_=one.type) for one in columns} for _ in range(rows)]
    new = insert(kept.table).values(binds)
    sums = {name: columns[name] + new.excluded[name] for name in kept.counted}
    return new.on_conflict_do_update(index_elements=list(kept.table.primary_key), set_=sums)


@cache
def _changing(kept: Kept) -> Prepared:
    """Adds to one row or takes away, which no proposed row can carry: it must pass the checks.

    What is proposed for a row that is there does not matter.
    """
    columns = kept.table.c

    def of(insert: Insert) -> sa.Insert:
        new = insert(kept.table).values(
            {one.key: sa.bindparam(f"new_{one.key}", type_=one.type) for one in columns}
        )
        sums = {name: columns[name] + sa.bindparam(f"by_{name}", type_=sa.Integer) for name in kept.counted}
        return new.on_conflict_do_update(index_elements=list(kept.table.primary_key), set_=sums)

    return Prepared(sqlite=of(sqlite.Insert), postgresql=of(postgresql.Insert))


def _change(kept: Kept, row: Row) -> dict[str, Any]:
    values = dict(zip(kept.names, row, strict=True))
    proposed = values | dict.fromkeys(kept.counted, 0) if kept.must_be_there(row) else values
    return {f"new_{name}": value for name, value in proposed.items()} | {
        f"by_{name}": values[name] for name in kept.counted
    }
