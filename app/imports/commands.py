"""``tiebreak import``."""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import db, permissions, web
from app.errors import checked_options
from app.imports import importing
from app.imports.forms import ImportIn, ShapeName
from app.imports.importing import File, Report
from app.words import counted, written_out

REASONS_SHOWN = 5


@click.command("import")
@click.argument("slug")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--as",
    "shape",
    type=click.Choice([shape.value for shape in ShapeName]),
    help="By default found out from the content.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be added and refused.")
@click.option("--batch", metavar="NAME", help="Name what this adds, to find it again.")
@click.option("--refused", type=click.File("wb", lazy=True), help="Write refused rows here, as JSON Lines.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def import_(
    slug: str,
    files: tuple[Path, ...],
    shape: str | None,
    dry_run: bool,
    batch: str | None,
    refused: IO[bytes] | None,
    as_json: bool,
) -> None:
    """Add responses, comparisons, votes or preferences from FILES to project SLUG.

    Importing a file again adds nothing. Exits with 1 where no row could be taken.
    """
    asked = checked_options(ImportIn, {"as": shape, "dry_run": dry_run, "batch": batch})
    project = permissions.project_named(db.engine(), slug)
    with _bar() as progress:
        report = importing.import_files(
            db.engine(),
            project,
            _told_apart(files),
            asked,
            by=None,
            max_row_mb=web.settings().max_row_mb,
            progress=progress,
            refused_file=refused,
        )
    if as_json:
        click.echo(orjson.dumps(report.as_dict()))
    else:
        _tell(report)
    if report.all_refused:
        click.echo("Every row was refused: nothing was added.", err=True)
        sys.exit(1)


def _told_apart(paths: Sequence[Path]) -> list[File]:
    """Files by their own names, and by the whole path where several have one name."""
    often = Counter(path.name for path in paths)
    return [File(path, path.name if often[path.name] == 1 else str(path)) for path in paths]


@contextlib.contextmanager
def _bar() -> Iterator[importing.Progress | None]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    rows = (BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    with Progress(TextColumn("importing"), *rows, console=console, transient=True) as bar:
        task = bar.add_task("importing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _named(n: int, kind: str) -> str:
    """How many of a kind, as "responses filled" or "queued"."""
    noun, _space, rest = kind.partition(" ")
    return f"{counted(n, noun.removesuffix('s'), noun)} {rest}".rstrip()


def _tell(report: Report) -> None:
    would = "would be added" if report.dry_run else "added"
    for file in report.files:
        click.echo(
            f"{written_out(file.name)} ({file.shape}): {counted(file.read, 'row')} read, "
            f"{file.added:,} {would}, {file.already_there:,} already there, {file.refused:,} refused"
        )
        if file.new:
            click.echo("  new: " + ", ".join(_named(n, kind) for kind, n in file.new.items()))
        if file.empty:
            click.echo(f"  {counted(file.empty, 'empty response')}: never queued or exported", err=True)
        if file.differing:
            click.echo(
                f"  {counted(file.differing, 'row')} with another category, language, tags or metadata "
                "than the prompt has: what was there stays",
                err=True,
            )
        if file.replaced:
            click.echo(
                f"  {counted(file.replaced, 'vote')} replaced by a later one of the same annotator "
                "on the same responses: the later one counts",
                err=True,
            )
        if file.unnamed:
            click.echo(
                f"  {counted(file.unnamed, 'further vote')} on the same responses by nobody named: "
                "they rank, and are not exported for training",
                err=True,
            )
        for reason, n in list(file.reasons.items())[:REASONS_SHOWN]:
            click.echo(f"  refused: {n:,} × {reason}", err=True)
    for row in report.refused_rows[:REASONS_SHOWN]:
        where = row.get("line", row.get("row"))
        click.echo(f"  {written_out(row['file'])}, {where}: {row['reason']}", err=True)


commands = [import_]
