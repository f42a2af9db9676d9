"""``tiebreak export``."""

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from app import db, permissions
from app.errors import Conflict, NotFound, checked_options
from app.exports import exclusions, stream
from app.exports.choices import known
from app.exports.forms import ExportSpec, File, Format, Part
from app.exports.options import choice, filters
from app.models import Project


@click.command()
@click.argument("slug")
@click.option("--format", default=Format.TRL.value, show_default=True, type=choice(Format))
@click.option("--file", type=choice(File), help="By default, what -o ends with, else jsonl.")
@click.option("--part", type=choice(Part), help="What goes beside the rows instead of them.")
@filters
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A new file; stdout by default.")
def export(slug: str, output: Path | None, **asked: Any) -> None:
    """Write preferences or judgments of project SLUG; what was left out is told on stderr."""
    spec = _spec(asked, output)
    project = permissions.project_named(db.engine(), slug)
    with db.new_session(db.engine(), write=False) as session:
        spec = known(session, project, spec)
    receipt = stream.Receipt()
    if output is None:
        _write(project, spec, receipt, sys.stdout.buffer)
    else:
        _write_file(project, spec, receipt, output)
    _tell(receipt, spec)


def _spec(asked: dict[str, Any], output: Path | None) -> ExportSpec:
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
    if given["file"] is None and output is not None:
        given["file"] = next((file for file in File if output.name.endswith(f".{file}")), None)
    return checked_options(
        ExportSpec, {name: value for name, value in given.items() if value not in (None, [])}
    )


def _write(project: Project, spec: ExportSpec, receipt: stream.Receipt, file: BinaryIO) -> None:
    file.writelines(stream.stream(db.engine(), project, spec, receipt, by=None))


def _write_file(project: Project, spec: ExportSpec, receipt: stream.Receipt, output: Path) -> None:
    """Under another name until it is whole, so that a broken export never looks like a finished one."""
    if output.exists():
        raise Conflict(f"{output} is already there. Name a new file.")
    if not output.parent.is_dir():
        raise Conflict(f"There is no folder {output.parent} to write {output.name} in.")
    _warn(spec, output.name)
    partial = output.with_name(output.name + ".partial")
    try:
        with partial.open("wb") as file:
            _write(project, spec, receipt, file)
    except NotFound:
        partial.unlink()
        raise
    partial.rename(output)


def _warn(spec: ExportSpec, name: str) -> None:
    """On stderr, where a name ends like another kind of file than it is given to."""
    kind = "json" if spec.part is Part.DATASET_INFO else spec.file.value
    told = {f".{file}".rpartition(".")[2] for file in File}
    if name.rpartition(".")[2] in told and not name.endswith(f".{kind}"):
        click.echo(f"{name} will hold {kind}, whatever its name ends with.", err=True)


def _tell(receipt: stream.Receipt, spec: ExportSpec) -> None:
    what = "dataset_info.json" if spec.part is Part.DATASET_INFO else f"{receipt.rows:,} rows"
    click.echo(f"{what}, {receipt.size:,} bytes, sha256 {receipt.sha256}", err=True)
    for left_out in exclusions.listed(spec, receipt.excluded):
        click.echo(f"left out: {left_out}", err=True)


commands = [export]
