"""``tiebreak project``."""

from pathlib import Path
from typing import Any

import click
from sqlmodel import select

from app import db, permissions
from app.errors import checked, checked_options
from app.models import AnnotatorKind, Project, Role
from app.projects import files, lifecycle, members, overview
from app.projects.forms import MemberIn, ProjectFile
from app.words import counted, written_out


@click.group()
def project() -> None:
    """Add, list and show projects; put accounts in them."""


@project.command("add")
@click.argument("slug")
@click.option("--name", help="What to call it; the slug, spelt out, by default.")
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file: name, description, settings, rubric, guideline or guideline_file, members.",
)
@click.option("--lead", metavar="EMAIL", help="An account that will lead it.")
def add_project(slug: str, name: str | None, file: Path | None, lead: str | None) -> None:
    """Make a project."""
    spelt_out = slug.replace("-", " ").capitalize()
    content: dict[str, Any] = {"name": spelt_out} | (files.read(file) if file else {}) | {"slug": slug}
    if name:
        content["name"] = name
    form = checked(ProjectFile, content)
    if lead:
        form.members.append(checked_options(MemberIn, {"email": lead, "role": Role.LEAD}))
    made = lifecycle.create(db.session(), form, by=None)
    db.session().commit()
    click.echo(f"The project {made.slug} is there.", err=True)


@project.command("member")
@click.argument("slug")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option(
    "--judge-model/--person",
    "is_model",
    default=None,
    help="Whether a judge model or a person judges with this account "
    "(default: unchanged; a person at first).",
)
def put_member(slug: str, email: str, role: str, is_model: bool | None) -> None:
    """Make an account a member, or change what it is; the same again changes nothing."""
    kind = None if is_model is None else AnnotatorKind.MODEL if is_model else AnnotatorKind.HUMAN
    form = checked_options(MemberIn, {"email": email, "role": role, "kind": kind})
    member = members.put(db.session(), permissions.project_named(db.engine(), slug), form, by=None)
    db.session().commit()
    judge = ", and a judge model" if is_model else ""
    click.echo(f"{member.email} is in {slug} now, as {role}{judge}.", err=True)


@project.command("list")
def list_projects() -> None:
    """Print the projects, one a line: slug, open or archived, name."""
    for found in db.session().exec(select(Project).order_by(Project.slug)):
        state = "archived" if found.archived_at else "open"
        click.echo("\t".join((found.slug, state, written_out(found.name))))


@project.command("show")
@click.argument("slug")
def show_project(slug: str) -> None:
    """Print a project as a file that --from reads, and on stderr how much it holds."""
    session = db.session()
    found = permissions.project_named(db.engine(), slug)
    click.echo(files.written(files.described(session, found)), nl=False)
    there = overview.counts(session, found)
    click.echo(
        f"{counted(there.prompts, 'prompt')}, {counted(there.models, 'model')}, "
        f"{counted(there.comparisons, 'comparison')}, {counted(there.judgments, 'judgment')}; "
        f"{counted(there.waiting, 'judgment')} wanted still",
        err=True,
    )


commands = [project]
