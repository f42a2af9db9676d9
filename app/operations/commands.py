"""Commands for whoever runs the service."""

from pathlib import Path

import click
from alembic import command, util

from app import db, web
from app.errors import Problem


@click.group("db")
def database() -> None:
    """Upgrade, check, back up or restore the database."""


@database.command()
def upgrade() -> None:
    """Create the tables, or bring them to this version."""
    db.upgrade(db.engine())
    click.echo("The database is up to date.", err=True)


@database.command()
def check() -> None:
    """Exit with status 1 unless the database fits this version."""
    try:
        command.check(db.alembic_config(db.engine()))
    except util.CommandError as error:
        raise Problem(f"{error} Run: tiebreak db upgrade") from error


@database.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup_(file: Path) -> None:
    """Write the whole database to FILE while the service runs."""
    from app.operations.backup import backup

    backup(db.engine(), file)
    click.echo(f"Wrote {file} ({file.stat().st_size:,} bytes).", err=True)


@database.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
def restore_(file: Path) -> None:
    """Fill an empty database from FILE and upgrade it."""
    from app.operations.backup import restore

    restore(db.engine(), file)
    db.upgrade(db.engine())
    click.echo("Restored.", err=True)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", type=click.IntRange(1), help="Web processes; one more than the cores by default.")
def serve(host: str, port: int, workers: int | None) -> None:
    """Run the production server and its job worker."""
    from app import create_app, server

    with create_app().app_context():
        _prepare(f"http://{host}:{port}")
    server.serve(host, port, workers)


def _prepare(address: str) -> None:
    """Make the tables of an empty database, refuse an old one, and tell where the first admin is made."""
    from app.accounts import setup

    engine = db.engine()
    behind = db.pending(engine)
    if behind:
        raise Problem("The database is older than this version. Back it up, then run: tiebreak db upgrade")
    if behind is None:
        db.upgrade(engine)
    with db.new_session(engine, write=False) as session:
        link = setup.link(session, web.settings(), address)
    # The web processes open connections of their own.
    engine.dispose()
    if link:
        click.echo(f"Nobody has an account yet. Make the first admin at {link}", err=True)


@click.command()
def worker() -> None:
    """Run jobs only, as an extra process beside the server."""
    from app import server

    server.run_jobs()


commands = [database, serve, worker]
