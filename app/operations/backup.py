"""Whole-database backups: one consistent file, taken while the service runs."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from app import db
from app.errors import Conflict, Problem


def backup(engine: sa.Engine, target: Path) -> None:
    """Write the database to a new file: an SQLite file, or pg_dump's custom format."""
    if target.exists():
        raise Conflict(f"{target} is already there. Name a new file.")
    if not target.parent.is_dir():
        raise Problem(f"There is no folder {target.parent}.")
    with db.usable(engine.url):
        engine.connect().close()
    if engine.dialect.name == "sqlite":
        _backup_sqlite(Path(engine.url.database or ""), target)
    else:
        _run("pg_dump", "--format=custom", f"--file={target}", f"--dbname={_plain(engine.url)}")


def restore(engine: sa.Engine, source: Path) -> None:
    """Fill an empty database from a backup; one with projects in it is refused."""
    if not source.is_file():
        raise Problem(f"{source} is not a file.")
    if sa.inspect(engine).get_table_names():
        raise Conflict("The database is not empty. Set TIEBREAK_DATABASE_URL to a new one, or move it away.")
    engine.dispose()
    if engine.dialect.name == "sqlite":
        _restore_sqlite(source, Path(engine.url.database or ""))
    else:
        _run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_plain(engine.url)}", str(source))


def _backup_sqlite(database: Path, target: Path) -> None:
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    # In one step: copied a few pages at a time, a backup under writes starts again for ever.
    with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(partial)) as copy:
        live.backup(copy, pages=-1)
    _check(partial)
    partial.rename(target)


def _restore_sqlite(source: Path, database: Path) -> None:
    _check(source)
    partial = database.with_name(database.name + ".partial")
    shutil.copyfile(source, partial)
    # What an empty database left beside itself would be read as belonging to the restored one.
    for leftover in ("-wal", "-shm"):
        database.with_name(database.name + leftover).unlink(missing_ok=True)
    partial.replace(database)


def _check(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        raise Problem(f"{file} is not an SQLite database: {error}") from error
    if verdict != "ok":
        raise Problem(f"{file} is damaged: {verdict}")
    if "judgments" not in tables:
        raise Problem(f"{file} is not a backup of Tiebreak: it has no judgments table.")


def _plain(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise Problem(f"{program} is not installed here; it comes with PostgreSQL's client programs.")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 -- no shell, our own words
    if done.returncode:
        raise Problem(f"{program} failed: {done.stderr.strip()[-500:]}")
