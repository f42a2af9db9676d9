"""Who one is, and one's tokens."""

from app import db
from app.accounts import tokens
from app.accounts.forms import TokenIn
from app.api import auth
from app.api.answers import MeOut, TokenOut
from app.api.operations import delete, get, post, saved
from app.api.paging import Page
from app.api.reading import received
from app.errors import Forbidden
from app.models import Scope


@get("/me", scope=None, gives=MeOut, for_one_project=True)
def me() -> MeOut:
    """Whose token this is, and what it may be used for."""
    bearer, account = auth.bearer(), auth.account()
    token = TokenOut.of(bearer.token, bearer.project)
    return MeOut(uid=account.uid, email=account.email, name=account.name, token=token)


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
