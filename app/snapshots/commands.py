"""``tiebreak snapshot``."""

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from app import db, permissions, web
from app.errors import checked_options
from app.exports.options import filters
from app.snapshots import making, reading, verify, withdrawing
from app.snapshots.diff import Changes
from app.snapshots.forms import FORMATS, SnapshotIn, WithdrawIn
from app.snapshots.store import Store
from app.words import written_out


class _MakeByDefault(click.Group):
    """``snapshot SLUG`` makes one; the verbs are for the rest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_MakeByDefault)
def snapshot() -> None:
    """Freeze what a project has to export under a name: `tiebreak snapshot SLUG`.

    A snapshot never changes. The other commands list, compare and verify them.
    """


@snapshot.command()
@click.argument("slug")
@click.option("--name", help="By default the project's; versions count by name.")
@click.option("--licence", help="For the card, by its short name, as cc-by-4.0.  [default: unknown]")
@click.option(
    "--formats",
    multiple=True,
    metavar=f"[{'|'.join(FORMATS)}]",
    help="Formats with files of their own; may be repeated.  [default: all]",
)
@filters
def make(slug: str, **asked: Any) -> None:
    """Make a snapshot of project SLUG, from one moment, and print where it is."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
    given = {name: value for name, value in given.items() if value not in (None, [])}
    wanted = checked_options(SnapshotIn, {"name": slug, **given})
    engine, store = db.engine(), Store(web.settings())
    project = permissions.project_named(engine, slug)
    with db.new_session(engine, write=False) as session:
        wanted = making.fitting(session, project, wanted)
    with db.transaction(engine) as session:
        reserved = making.reserve(session, project, wanted, by=None)
    try:
        made = making.make(engine, store, wanted, reserved, _tell_progress)
    except BaseException:
        with db.transaction(engine) as session:
            session.delete(session.merge(reserved))
        raise
    click.echo(f"{made.rows:,} preferences, {len(made.files)} files, digest {made.digest}", err=True)
    click.echo(store.path(reading.key(made, "")) or made.label)


def _tell_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {total} files", nl=False, err=True)


@snapshot.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--digest", metavar="SHA256", help="What it is cited by; without it, no more than SHA256SUMS.")
def verify_(folder: Path, digest: str | None) -> None:
    """Compare a snapshot's folder with its SHA256SUMS, and print its digest.

    SHA256SUMS may have been rewritten with the files: --digest compares it, too, with a digest noted
    elsewhere, as on the snapshot's page. Exits with 1 and says what differs.
    """
    found, own = verify.differences(folder), verify.digest(folder)
    if digest is not None and digest.strip().lower() != own:
        found.append(f"{verify.SUMS}: its digest is {own}, not the one that was given")
    for difference in found:
        click.echo(difference)
    if found:
        sys.exit(1)
    click.echo(own)
    click.echo(
        f"{folder}: every file is what {verify.SUMS} says, and that has the digest that was given."
        if digest is not None
        else f"{folder}: every file is what {verify.SUMS} says. Compare the digest, or give --digest, "
        "to know that this is the snapshot that was made.",
        err=True,
    )


@snapshot.command("list")
@click.argument("slug")
def list_(slug: str) -> None:
    """Name the snapshots of project SLUG, the latest first."""
    project = permissions.project_named(db.engine(), slug)
    with db.new_session(db.engine(), write=False) as session:
        for found, _ in reading.newest(session, project, sys.maxsize):
            wrong = f"\twithdrawn: {written_out(found.withdrawn_reason or '')}" if found.withdrawn_at else ""
            made = f"{found.ready_at:%Y-%m-%d %H:%M}"
            click.echo(f"{found.label}\t{made}\t{found.rows:,} rows\t{found.digest}{wrong}")


@snapshot.command("withdraw")
@click.argument("slug")
@click.argument("label")
@click.argument("reason")
def withdraw_(slug: str, label: str, reason: str) -> None:
    """Mark snapshot LABEL (NAME-vVERSION) of project SLUG as wrong; its files stay as they are.

    To give another reason, put it back first.
    """
    reason = checked_options(WithdrawIn, {"reason": reason}).reason
    project = permissions.project_named(db.engine(), slug)
    with db.transaction(db.engine()) as session:
        found = reading.find(session, project, label)
        changed = withdrawing.withdraw(session, project, found, reason, by=None)
    said = "is withdrawn" if changed else "was withdrawn already, for this reason"
    click.echo(f"{label} {said}.", err=True)


@snapshot.command("put-back")
@click.argument("slug")
@click.argument("label")
def put_back_(slug: str, label: str) -> None:
    """Take back that snapshot LABEL of project SLUG was withdrawn."""
    project = permissions.project_named(db.engine(), slug)
    with db.transaction(db.engine()) as session:
        found = reading.find(session, project, label)
        changed = withdrawing.put_back(session, project, found, by=None)
    click.echo(f"{label} is put back." if changed else f"{label} is not withdrawn.", err=True)


@snapshot.command("diff")
@click.argument("slug")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="Print every pair, as one JSON object.")
def diff_(slug: str, before: str, after: str, as_json: bool) -> None:
    """Tell what changed in project SLUG from snapshot BEFORE to snapshot AFTER (NAME-vVERSION)."""
    project = permissions.project_named(db.engine(), slug)
    with db.new_session(db.engine(), write=False) as session:
        two = (reading.find(session, project, label) for label in (before, after))
        changes = reading.changes(Store(web.settings()), *two)
    for label, _when, why in changes.withdrawn:
        click.echo(f"{label} is withdrawn: {written_out(why)}", err=True)
    if as_json:
        click.echo(orjson.dumps(changes.as_dict(), option=orjson.OPT_UTC_Z))
    else:
        _tell(changes)


def _tell(changes: Changes) -> None:
    click.echo(
        f"{len(changes.added):,} pairs added, {len(changes.removed):,} removed, "
        f"{len(changes.turned):,} turned, {len(changes.rewritten):,} rewritten, {changes.same:,} the same"
    )
    for name, old, new in changes.rules:
        click.echo(f"{name}: {written_out(str(old))} -> {written_out(str(new))}")


commands = [snapshot]
