"""``tiebreak``: the same verbs, typed at a terminal.

Rooms are loaded when their command is asked for, so that ``tiebreak rank`` starts without the web.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import wraps
from importlib import import_module
from typing import Any

import click
from pydantic import ValidationError

from app.errors import Problem
from app.words import written_out

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
WITHOUT_APP = {"rank", "serve", "worker", "demo", "snapshot verify"}

# Every other command wants a database that is there; servers look after theirs themselves.
BEGINS_ONE = {"db upgrade", "db restore"}


class Rooms(click.Group):
    """A group whose commands live in the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ROOMS:
            return None
        commands: list[click.Command] = import_module(ROOMS[cmd_name]).commands
        return next(command for command in commands if command.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and _housed(command, command.name or ""), rest


def _housed(command: click.Command, name: str) -> click.Command:
    """The same command in an app of its own, which is made when its words were understood.

    Help and a wrong use make nothing, neither files nor folders.
    """
    own = copy(command)
    if isinstance(own, click.Group):
        own.commands = {verb: _housed(one, f"{name} {verb}") for verb, one in own.commands.items()}
    elif command.callback is not None:
        callback = command.callback

        @wraps(callback)
        def in_its_app(*args: Any, **given: Any) -> Any:
            with nullcontext() if name in WITHOUT_APP else _app(begins=name in BEGINS_ONE):
                # These let the collector begin when their app is made: all that is there by then stays.
                if name not in {"serve", "worker"}:
                    gc.enable()
                return callback(*args, **given)

        own.callback = in_its_app
    return own


@contextmanager
def _app(*, begins: bool) -> Iterator[None]:
    """An app's context; what a database of another version, or none, cannot answer is told in a sentence."""
    from sqlalchemy.exc import DBAPIError

    from app import create_app, db
    from app.settings import Settings

    settings = Settings()
    if not begins:
        db.look_for(settings)
    with create_app(settings).app_context():
        try:
            yield
        except DBAPIError as error:
            # Asked afterwards only: nearly every database is of this version.
            trouble = db.misfit(db.engine())
            if trouble is None:
                raise
            raise Problem(trouble) from error


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tiebreak")
def tiebreak() -> None:
    """Compare pairs of model responses, rank the models, export the preferences."""


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
        _complain(f"tiebreak: {error.detail}")
        for item in error.errors:
            _complain(f"  {item.pointer.strip('/')}: {item.detail}")
        sys.exit(1)


def _complain(said: str) -> None:
    # What is wrong may quote a file; our own sentences may have several lines.
    click.echo("\n".join(written_out(line) for line in said.split("\n")), err=True)
