"""Locks that end with the process that holds them, whatever way it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


@contextmanager
def held(engine: sa.Engine, name: str, number: int) -> Iterator[bool]:
    """Whether the lock is ours within the block; False, without waiting, where somebody has it.

    All who use one database share its locks: beside SQLite's file the operating system keeps them,
    PostgreSQL does so itself.
    """
    lock = _on_file if engine.dialect.name == "sqlite" else _in_database
    with lock(engine, name, number) as mine:
        yield mine


@contextmanager
def _on_file(engine: sa.Engine, name: str, number: int) -> Iterator[bool]:
    path = Path(f"{engine.url.database}-{name}-{number}")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
        # Not after an error: whoever opened the file before it went would hold a lock that nobody sees.
        path.unlink(missing_ok=True)


@contextmanager
def _in_database(engine: sa.Engine, name: str, number: int) -> Iterator[bool]:
    with engine.connect() as connection:
        # Out of the pool, which may be as small as one, and closed at the end, which opens the lock.
        connection.detach()
        key = {"name": f"tiebreak {name}", "number": number}
        query = sa.text("SELECT pg_try_advisory_lock(hashtext(:name), :number)")
        mine = bool(connection.execute(query, key).scalar())
        connection.commit()
        yield mine
