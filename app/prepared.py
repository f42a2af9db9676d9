"""Statements compiled once and sent straight to the driver: the way of the few requests that must be fast.

SQLAlchemy's own execution costs a multiple of what SQLite needs for the query itself. A prepared
statement keeps its types and its dialects, runs in the session's transaction, and raises the same
errors; it knows nothing of mapped objects: whoever adds or changes some flushes them first.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from operator import itemgetter
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

# Things made of a statement's rows that one process remembers.
KEPT = 1024

Mapped = TypeVar("Mapped", bound=SQLModel)
Row = Any
Processor = Callable[[Any], Any]


def table(model: type[SQLModel]) -> sa.Table:
    """The table behind a model."""
    return cast(sa.Table, sa.inspect(model).local_table)


def instance(model: type[Mapped], values: Mapping[str, Any]) -> Mapped:
    """An object with these columns that belongs to no session: to read, never to change."""
    made = object.__new__(model)
    made.__dict__.update(values)
    return made


def dialect_of(session: Session) -> sa.Dialect:
    """The dialect of the session's database."""
    return _driver(session)[1]


def _driver(session: Session) -> tuple[Any, sa.Dialect]:
    """The driver's connection of the session's transaction; looking it up costs as much as a query."""
    found = session.info.get(_driver)
    if found is None or not found[0].is_active:
        connection = session.connection()
        raw = connection.connection.dbapi_connection
        found = session.info[_driver] = (session.get_transaction(), raw, connection.dialect)
    return found[1], found[2]


@dataclass(frozen=True)
class _Compiled:
    sql: str
    dialect: sa.Dialect
    # Puts parameters into the driver's order, where they go by position.
    in_order: Callable[[Mapping[str, Any]], Any]
    # Parameters whose values the statement itself fixes, as the driver takes them.
    fixed: dict[str, Any]
    # Only what needs processing: most parameters do not.
    parameter_processors: list[tuple[str, Processor]]
    statement: sa.sql.Executable
    makes: Callable[[Row], Any] | None

    @cached_property
    def make(self) -> Callable[[Sequence[Any]], Row]:
        """From a row as the driver gives it to one whose columns are attributes, or what is made of that."""
        make = _maker(_columns(self.statement), self.dialect)
        return make if self.makes is None else _kept(self.makes, make)

    def parameters(self, given: Mapping[str, Any]) -> Any:
        values = given
        if self.fixed or self.parameter_processors:
            values = {**self.fixed, **given}
            for name, process in self.parameter_processors:
                if values[name] is not None:
                    values[name] = process(values[name])
        return self.in_order(values)


class Prepared:
    """One statement, or one for each dialect where they differ; its parameters are named.

    ``makes`` turns a row into what is wanted of it. It is kept and not made again from an equal row, so
    it must never be changed.
    """

    def __init__(
        self,
        statement: sa.sql.Executable | None = None,
        makes: Callable[[Row], Any] | None = None,
        **by_dialect: sa.sql.Executable,
    ) -> None:
        self._statement = statement
        self._makes = makes
        self._by_dialect = by_dialect
        self._compiled: dict[str, _Compiled] = {}

    def run(self, session: Session, **values: Any) -> int:
        """Execute; returns the number of rows it changed."""
        cursor, _ = self._execute(session, values)
        return int(cursor.rowcount)

    def run_all(self, session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
        """Execute once for each row of parameters, in their order."""
        self._execute(session, list(rows))

    def first(self, session: Session, **values: Any) -> Row | None:
        """The first row, with its columns as attributes, or None."""
        cursor, compiled = self._execute(session, values)
        raw = cursor.fetchone()
        return None if raw is None else compiled.make(raw)

    def one(self, session: Session, **values: Any) -> Row:
        """The first row; raises NoResultFound where there is none."""
        row = self.first(session, **values)
        if row is None:
            raise sa.exc.NoResultFound("no row was found where one was required")
        return row

    def all(self, session: Session, **values: Any) -> list[Row]:
        """Every row."""
        cursor, compiled = self._execute(session, values)
        return [compiled.make(raw) for raw in cursor.fetchall()]

    def raw(self, session: Session, **values: Any) -> list[tuple[Any, ...]]:
        """Every row as the driver gives it: naming the columns of many costs a third of reading them."""
        cursor, _ = self._execute(session, values)
        return cast(list[tuple[Any, ...]], cursor.fetchall())

    def _execute(
        self, session: Session, values: Mapping[str, Any] | list[Mapping[str, Any]]
    ) -> tuple[Any, _Compiled]:
        driver, dialect = _driver(session)
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        cursor = driver.cursor()
        if isinstance(values, list) and len(values) == 1:
            # psycopg prepares for many, which costs as much as one.
            values = values[0]
        if isinstance(values, list):
            execute, parameters = cursor.executemany, [compiled.parameters(row) for row in values]
        else:
            execute, parameters = cursor.execute, compiled.parameters(values)
        try:
            execute(compiled.sql, parameters)
        except cast(Any, dialect.dbapi).Error as error:
            raise _translated(session, driver, dialect, compiled.sql, parameters, error) from error
        return cursor, compiled

    def _compile(self, dialect: sa.Dialect) -> _Compiled:
        statement = self._by_dialect.get(dialect.name, self._statement)
        if statement is None:
            raise LookupError(f"no statement for {dialect.name}")
        compiled = cast(Any, statement).compile(dialect=dialect)
        if any(bind.expanding for bind in compiled.binds.values()):
            raise ValueError("a prepared statement cannot expand a list: give it a parameter for each value")
        made = _Compiled(
            sql=compiled.string,
            dialect=dialect,
            in_order=_in_order(compiled.positiontup) if compiled.positional else _as_given,
            fixed={
                name: _processed(bind.effective_value, _bind_processor(bind.type, dialect))
                for name, bind in compiled.binds.items()
                if name in compiled.params and not bind.required
            },
            parameter_processors=[
                (name, process)
                for name, bind in compiled.binds.items()
                if bind.required and (process := _bind_processor(bind.type, dialect))
            ],
            statement=statement,
            makes=self._makes,
        )
        self._compiled[dialect.name] = made
        return made


def _as_given(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return values


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _kept(makes: Callable[[Row], Any], make: Callable[[Iterable[Any]], Row]) -> Callable[[Any], Any]:
    return lru_cache(KEPT)(lambda raw: makes(make(raw)))


def _maker(columns: Sequence[Any], dialect: sa.Dialect) -> Callable[[Iterable[Any]], Row]:
    # Straight to the tuple: the class's own constructor takes the values one by one.
    row = partial(tuple.__new__, cast(Any, namedtuple("Row", [column.key for column in columns])))
    # Most columns need no processing.
    processors = [
        (place, process)
        for place, column in enumerate(columns)
        if (process := _result_processor(column.type, dialect))
    ]

    def make(raw: Iterable[Any]) -> Row:
        values = list(raw)
        for place, process in processors:
            values[place] = process(values[place])
        return row(values)

    return make if processors else row


def _translated(
    session: Session, driver: Any, dialect: sa.Dialect, sql: str, parameters: Any, error: Exception
) -> BaseException:
    """The driver's error as SQLAlchemy's; a connection that is gone is not used again."""
    base = cast(Any, dialect.dbapi).Error
    lost = dialect.is_disconnect(cast(Any, error), driver, None)
    if lost:
        session.connection().invalidate(error)
    return sa.exc.DBAPIError.instance(
        sql, parameters, error, base, connection_invalidated=lost, dialect=dialect
    )


def _processed(value: Any, process: Processor | None) -> Any:
    return value if process is None else process(value)


def _bind_processor(kind: "sa.types.TypeEngine[Any]", dialect: sa.Dialect) -> Processor | None:
    return cast(Processor | None, kind.dialect_impl(dialect).bind_processor(dialect))


def _columns(statement: sa.sql.Executable) -> list[Any]:
    if isinstance(statement, sa.Select):
        return list(statement.selected_columns)
    return list(getattr(statement, "exported_columns", []) or [])


def _result_processor(kind: "sa.types.TypeEngine[Any]", dialect: sa.Dialect) -> Processor | None:
    if isinstance(kind, sa.Numeric | sa.Float):
        # Both drivers give floats for floats; the processor wants the driver's code for the type.
        return None
    return cast(Processor | None, kind.dialect_impl(dialect).result_processor(dialect, None))
