"""``tiebreak``: the same verbs, typed at a terminal.

Rooms are loaded when their command is asked for, so that ``tiebreak rank`` starts without the web.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from app.errors import Problem

if TYPE_CHECKING:
    from flask import Flask

ROOMS = {
    "serve": "app.operations.commands",
    "worker": "app.operations.commands",
    "demo": "app.demo.commands",
    "db": "app.operations.commands",
    "tallies": "app.operations.commands",
    "user": "app.accounts.commands",
    "token": "app.accounts.commands",
    "project": "app.projects.commands",
    "import": "app.imports.commands",
    "pair": "app.pairing.commands",
    "leaderboard": "app.leaderboard.commands",
    "rank": "app.leaderboard.commands",
    "export": "app.exports.commands",
    "snapshot": "app.snapshots.commands",
}

# These make their own app, or need none.
WITHOUT_APP = {"rank", "serve", "worker", "demo"}


class Rooms(click.Group):
    """A group whose commands live in the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ROOMS:
            return None
        commands: list[click.Command] = import_module(ROOMS[cmd_name]).commands
        return next(command for command in commands if command.name == cmd_name)


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tiebreak")
@click.pass_context
def tiebreak(ctx: click.Context) -> None:
    """Compare pairs of model responses, rank the models, export the preferences."""
    if ctx.invoked_subcommand not in WITHOUT_APP and not ctx.resilient_parsing:
        from app import create_app

        ctx.with_resource(_with_its_database(create_app()))
    # These let the collector begin when their app is made: all that is there by then stays.
    if ctx.invoked_subcommand not in {"serve", "worker"}:
        gc.enable()


@contextmanager
def _with_its_database(app: "Flask") -> Iterator[None]:
    """The app's context; what a database of another version, or none, cannot answer is told in a sentence."""
    from sqlalchemy.exc import DBAPIError

    from app import db

    with app.app_context():
        try:
            yield
        except DBAPIError as error:
            # Asked afterwards only: nearly every database is of this version.
            trouble = db.misfit(db.engine())
            if trouble is None:
                raise
            raise Problem(trouble) from error


def main() -> None:
    """Run the command line; what could not be done is told on stderr with exit status 1."""
    # What is imported stays, and the collector would look through it for nothing: it begins with the command,
    # and is patient, because commands import too.
    gc.disable()
    gc.set_threshold(50_000, 20, 50)
    try:
        tiebreak()
    except ValidationError as error:
        for wrong in error.errors():
            where = "".join(f"TIEBREAK_{str(part).upper()}: " for part in wrong["loc"])
            click.echo(f"tiebreak: {where}{wrong['msg'].removeprefix('Value error, ')}", err=True)
        sys.exit(1)
    except Problem as error:
        click.echo(f"tiebreak: {error.detail}", err=True)
        for item in error.errors:
            click.echo(f"  {item.pointer.strip('/')}: {item.detail}", err=True)
        sys.exit(1)
