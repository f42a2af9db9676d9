"""Who one is, and one's tokens."""

from app import db
from app.accounts import people, tokens
from app.accounts.forms import MeIn, TokenIn
from app.annotation.reading import Reading, keep_reading
from app.api import auth
from app.api.answers import MeOut, TokenOut
from app.api.operations import delete, get, patch, post, put, saved
from app.api.paging import Page
from app.api.reading import received
from app.errors import Forbidden
from app.models import Account, Scope, row_id


@get("/me", scope=None, gives=MeOut, for_one_project=True)
def me() -> MeOut:
    """Whose token this is, and what it may be used for."""
    return _told(auth.account())


@patch("/me", scope=Scope.MANAGE, takes=MeIn, gives=MeOut)
def change_me() -> MeOut:
    """Change one's name, or the language one reads in; what is not sent stays."""
    given, session, account = received(MeIn), db.session(), _mine()
    if given.name is not None:
        people.rename(session, account, given.name)
    if given.language is not None:
        people.choose_language(session, account, given.language)
    return saved(_told(account))


@put("/me/reading", scope=Scope.ANNOTATE, takes=Reading, gives=Reading, for_one_project=True)
def set_reading() -> Reading:
    """Read pairs like this from now on; a switch that is not sent is off."""
    return saved(keep_reading(db.session(), _mine(), received(Reading)))


@get("/tokens", scope=Scope.MANAGE, gives=Page[TokenOut])
def my_tokens() -> Page[TokenOut]:
    """One's tokens that work."""
    found = tokens.of(db.session(), auth.account())
    return Page(items=[TokenOut.of(token, project.slug if project else None) for token, project in found])


@post("/tokens", scope=Scope.MANAGE, takes=TokenIn, gives=TokenOut, status=201, repeatable=True)
def add_token() -> TokenOut:
    """Make a token that may do no more than this one."""
    given, session = received(TokenIn), db.session()
    beyond = set(given.scopes) - set(auth.bearer().token.scopes)
    if beyond:
        raise Forbidden(f"This token may not {', '.join(sorted(beyond))}, so none made with it may.")
    token, secret = tokens.make(session, auth.account(), given, by=auth.account())
    return saved(TokenOut.of(token, given.project, secret))


@delete("/tokens/<uid>", scope=Scope.MANAGE)
def revoke_token(uid: str) -> None:
    """Stop a token."""
    tokens.revoke(db.session(), auth.account(), uid)
    db.session().commit()


def _mine() -> Account:
    """The asker's account, to be changed."""
    return db.session().get_one(Account, row_id(auth.account()))


def _told(account: Account) -> MeOut:
    bearer = auth.bearer()
    return MeOut(
        **account.model_dump(include={"uid", "email", "name", "language"}),
        reading=Reading.model_validate(account, from_attributes=True),
        token=TokenOut.of(bearer.token, bearer.project),
    )
