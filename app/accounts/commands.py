"""``tiebreak user`` and ``tiebreak token``."""

import sys

import click

from app import db, permissions
from app.accounts import passwords, people, tokens
from app.accounts.forms import AccountIn, NewPasswordIn, TokenIn
from app.errors import Invalid, checked_options
from app.models import Scope, SiteRole
from app.words import written_out

password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of making one up."
)


@click.group()
def user() -> None:
    """Add, list and disable accounts."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in SiteRole]), required=True)
@click.option("--name", help="What to call them; the address up to its @ by default.")
@password_stdin
def add_user(email: str, role: str, name: str | None, password_stdin: bool) -> None:
    """Make an account; a password that is made up is printed."""
    password = _password(password_stdin)
    name = name or email.partition("@")[0]
    form = checked_options(AccountIn, {"email": email, "role": role, "name": name, "password": password})
    account = people.add(db.session(), form, passwords.digest(form.password), by=None)
    db.session().commit()
    click.echo(f"{account.email} can sign in now, as {account.role.value}.", err=True)
    _tell(password, password_stdin)


@user.command("password")
@click.argument("email")
@password_stdin
def set_password(email: str, password_stdin: bool) -> None:
    """Give an account a new password and end its sessions."""
    form = checked_options(NewPasswordIn, {"new": _password(password_stdin)})
    password_hash = passwords.digest(form.new)
    passwords.set_password(db.session(), people.by_email(db.session(), email), password_hash, by=None)
    db.session().commit()
    click.echo("The password is changed.", err=True)
    _tell(form.new, password_stdin)


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else passwords.generated()


def _tell(password: str, from_stdin: bool) -> None:
    if not from_stdin:
        click.echo("Its password, shown only now:", err=True)
        click.echo(password)


@user.command("list")
def list_users() -> None:
    """Print the accounts, one a line: email, role, active or disabled, name."""
    for account in people.everybody(db.session()):
        state = "active" if account.is_active else "disabled"
        click.echo("\t".join((account.email, account.role.value, state, written_out(account.name))))


@user.command("disable")
@click.argument("email")
def disable_user(email: str) -> None:
    """Shut an account out at once; its judgments stay."""
    people.disable(db.session(), people.by_email(db.session(), email), by=None)
    db.session().commit()
    click.echo(f"{email} is disabled.", err=True)


@user.command("enable")
@click.argument("email")
def enable_user(email: str) -> None:
    """Let an account in again."""
    people.enable(db.session(), people.by_email(db.session(), email), by=None)
    db.session().commit()
    click.echo(f"{email} can sign in again.", err=True)


@click.group()
def token() -> None:
    """Make API tokens."""


@token.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What will use it.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    help="What it may be used for; may be repeated. By default everything its account may do.",
)
@click.option("--project", metavar="SLUG", help="The one project it is good for; by default all.")
def add_token(email: str, name: str, scopes: tuple[str, ...], project: str | None) -> None:
    """Print a new API token of an account, once."""
    form = checked_options(TokenIn, {"name": name, "scopes": list(scopes or Scope), "project": project})
    account = people.by_email(db.session(), email)
    if form.project is not None:
        permissions.project_named(db.engine(), form.project)
    try:
        _, secret = tokens.make(db.session(), account, form, by=None)
    except Invalid as problem:
        join = f"To make {email} one: tiebreak project member {project} {email} --role ROLE"
        raise Invalid.at("project", f"{problem.errors[0].detail} {join}") from problem
    db.session().commit()
    click.echo("The token, shown only now:", err=True)
    click.echo(secret)


commands = [user, token]
