"""The database: an engine for SQLite or PostgreSQL, the request's session, migrations."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson
import psycopg
import sqlalchemy as sa
from flask import Flask, current_app, g, request
from sqlmodel import Session

from app.errors import Problem
from app.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

EMPTY = "The database is empty. Run: tiebreak db upgrade"
OUTDATED = "The database is older than this version. Back it up, then run: tiebreak db upgrade"
NEWER = "The database was upgraded by a newer version. Run that one, or restore a backup from before it"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITES = {"sqlite_begin": "IMMEDIATE"}

MIGRATIONS = Path(__file__).parent / "migrations"

View = TypeVar("View", bound=Callable[..., Any])


def make_engine(settings: Settings) -> sa.Engine:
    """An engine with this project's durability and locking rules."""
    if settings.is_sqlite:
        return _sqlite_engine(settings.database_url)
    return sa.create_engine(
        settings.database_url,
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_pre_ping=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
    )


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def _sqlite_engine(url: str) -> sa.Engine:
    path = sa.make_url(url).database
    if path:
        with usable(url):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, json_serializer=_dumps, json_deserializer=orjson.loads)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


SQLITE_PRAGMAS = (
    "busy_timeout=30000",
    "journal_mode=WAL",
    # NORMAL survives a killed process but loses acknowledged commits in a power cut.
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    # Pages changed by many commits are copied into the database once: 16 MB of log instead of 4.
    "wal_autocheckpoint=4000",
)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that will write takes the lock at once: upgrading a read lock later fails
    # without waiting as soon as somebody else has written.
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    cast(Any, connection.connection.dbapi_connection).execute(f"BEGIN {mode}")


@contextmanager
def usable(
    url: str | sa.URL, setting: str = "TIEBREAK_DATABASE_URL or, without it, TIEBREAK_DATA_DIR"
) -> Iterator[None]:
    """Raises Problem, with what its driver says in one line, where the database at this URL cannot be had.

    ``setting`` says where it is.
    """
    try:
        yield
    except (OSError, sqlite3.Error, psycopg.Error, sa.exc.DBAPIError) as error:
        # What SQLAlchemy wraps says the same, without a link for developers.
        said = getattr(error, "orig", error)
        place = sa.make_url(url).set(drivername="postgresql")
        where = place.database if str(url).startswith("sqlite") else place.render_as_string()
        raise Problem(
            f"The database {where} cannot be used; check {setting}: {' '.join(str(said).split())}"
        ) from error


def look_for(settings: Settings) -> None:
    """Raises Problem where SQLite's file, which connecting would make, is not there."""
    path = sa.make_url(settings.database_url).database if settings.is_sqlite else None
    if path is None:
        return
    # What else may be wrong with the place is told by whoever opens it.
    with suppress(NotADirectoryError, PermissionError):
        try:
            Path(path).stat()
        except FileNotFoundError:
            raise Problem(
                f"There is no Tiebreak database at {path}: set TIEBREAK_DATA_DIR to the folder where it is, "
                "or TIEBREAK_DATABASE_URL, which goes first, to its address. To begin one: tiebreak serve"
            ) from None


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its engine and close each request's session."""
    app.extensions["engine"] = make_engine(settings)
    app.teardown_appcontext(_close_session)


def engine() -> sa.Engine:
    """The current app's engine."""
    return cast(sa.Engine, current_app.extensions["engine"])


def lent() -> sa.Engine:
    """The engine, once the request's session has given its own connection back.

    Whoever held one while it waits for another would wait for itself where as many are at it as there
    are connections. What was read so far stays; what was written is committed.
    """
    session().commit()
    return engine()


def writes(view: View) -> View:
    """Mark a view that writes although its method is safe, as the one that claims a comparison."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def session() -> Session:
    """The request's one session; a request that may write takes SQLite's write lock at BEGIN."""
    opened = g.get("session")
    if opened is None:
        opened = g.session = new_session(engine(), write=_request_writes())
    return cast(Session, opened)


def _request_writes() -> bool:
    if not request or request.method not in SAFE_METHODS:
        return True
    return getattr(current_app.view_functions.get(request.endpoint or ""), "writes", False)


class Lean(Session):
    """A session whose prepared statements go straight to its connection.

    Keeping account of mapped objects costs as much as five of those statements. It begins with the
    first object that is asked for, in the same transaction. One that is to write takes SQLite's write
    lock at each BEGIN.
    """

    def __init__(self, engine: sa.Engine, *, write: bool) -> None:
        super().__init__(expire_on_commit=False, join_transaction_mode="control_fully")
        self._engine = engine
        self._write = write
        self._own: sa.Connection | None = None

    def get_bind(self, *_args: Any, **_more: Any) -> sa.Connection:
        if self._own is None:
            self._own = self._engine.connect()
            if self._write:
                self._own.execution_options(**WRITES)
        return self._own

    def connection(self, *args: Any, **more: Any) -> sa.Connection:
        if self._transaction is not None or args or more:
            return super().connection(*args, **more)
        own = self.get_bind()
        if not own.in_transaction():
            own.begin()
        return own

    def get_transaction(self) -> Any:
        if self._transaction is None and self._own is not None:
            return self._own.get_transaction()
        return super().get_transaction()

    def commit(self) -> None:
        if self._own is None or self._transaction is not None:
            super().commit()
        else:
            self._own.commit()
        self._release()

    def rollback(self) -> None:
        super().rollback()
        self._release()

    def close(self) -> None:
        if self._transaction is not None or self.identity_map:
            super().close()
        self._release()

    def _release(self) -> None:
        """Give the connection back, and with it what was not committed."""
        if self._own is not None:
            self._own.close()
            self._own = None


def new_session(bind: sa.Engine, *, write: bool) -> Session:
    """A session of its own, for a stream or a job that outlives the request's."""
    return Lean(bind, write=write)


@contextmanager
def transaction(bind: sa.Engine) -> Iterator[Session]:
    """A session that commits at the end or, on any error, leaves nothing behind."""
    with new_session(bind, write=True) as own, own.begin():
        yield own


def _close_session(_error: BaseException | None) -> None:
    opened = g.pop("session", None)
    if opened is not None:
        opened.close()


def alembic_config(bind: sa.Engine) -> "Config":
    """Alembic's configuration for this engine; there is no ini file."""
    # Not at the top, here and below: it takes a tenth of a second to load, and the server starts without it.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = bind
    return config


def upgrade(bind: sa.Engine) -> None:
    """Bring the schema to this version's. Raises Problem where it is newer or cannot be had."""
    trouble = misfit(bind)
    if trouble is None:
        return
    if trouble == NEWER:
        raise Problem(NEWER)
    from alembic import command

    command.upgrade(alembic_config(bind), "head")


def misfit(bind: sa.Engine) -> str | None:
    """EMPTY, OUTDATED or NEWER where the schema is not this version's.

    Raises Problem where the database cannot be had.
    """
    with usable(bind.url), bind.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return EMPTY
        current = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if current is None:
        return EMPTY
    newest = _newest()
    return None if current == newest else OUTDATED if current < newest else NEWER


def _newest() -> str:
    """The revision that this version's migrations lead to: their files are numbered like them."""
    return max(path.name for path in MIGRATIONS.glob("versions/[0-9]*.py")).partition("_")[0]
