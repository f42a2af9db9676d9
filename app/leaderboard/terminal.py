"""Results on a terminal or in a pipe: tables for people, one JSON object for programs."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.words import written_out

if TYPE_CHECKING:
    from app.leaderboard.shown import Table as Read

WIDE = 1_000


def print_json(found: dict[str, Any]) -> None:
    """One object, to stdout."""
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def print_table(title: str, found: "Read", notes: Sequence[str]) -> None:
    """A table to stdout, and what must be said of it to stderr."""
    # A pipe has no width to fit.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    title = written_out(title)
    table = Table(box=box.SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left")
    for place, heading in enumerate(Text(written_out(heading)) for heading in found.headings):
        if place < found.words:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for row in found.rows:
        if row is None:
            table.add_section()
        else:
            table.add_row(*(Text(written_out(cell)) for cell in row))
    if found.rows:
        console.print(table)
    words = Console(stderr=True, highlight=False)
    for note in notes:
        words.print(Text(f"• {title}: {written_out(note)}" if title else f"• {written_out(note)}"))
