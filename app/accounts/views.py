"""Pages of the accounts room: signing in, invitations, one's own account, and the site's people."""

import re
from datetime import timedelta

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import audit, db, language, permissions, web
from app.accounts import invitations, links, passwords, people, session, setup, signing_in, tokens
from app.accounts.forms import (
    MOST_AT_ONCE,
    InvitationsIn,
    LanguageIn,
    NameIn,
    NewcomerIn,
    NewPasswordIn,
    PasswordIn,
    SignInIn,
    SiteRoleIn,
    TokenIn,
    WelcomeIn,
)
from app.errors import Conflict, Forbidden, Invalid, Problem, TooMany, Unauthorized, checked
from app.models import Account, Invitation, Project, Scope
from app.names import in_words

bp = Blueprint("accounts", __name__)

A_YEAR = timedelta(days=365)

# A path of this site. Browsers drop control characters and read a backslash as a slash.
_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x1f\\]*")


def admin() -> Account:
    """The signed-in admin. Raises Forbidden for anybody else."""
    account = web.signed_in()
    if not account.is_admin:
        raise Forbidden(_("Only an admin of this site may do that."))
    return account


# Signing in and out


@bp.get("/sign-in")
def sign_in() -> Response | BaseResponse:
    """The sign-in form; a new installation asks for its first admin instead."""
    if web.account():
        return redirect(_next(), 303)
    if setup.is_new(db.session()):
        return web.see_other("accounts.welcome")
    return web.page("accounts/sign_in.html")


@bp.post("/sign-in")
def check_sign_in() -> Response | BaseResponse:
    """Sign in, and go on to where the person was going."""
    try:
        form = web.submitted(SignInIn)
        limit = web.settings().sign_in_attempts
        account = signing_in.authenticate(db.engine(), form, request.remote_addr, limit)
    except (Invalid, TooMany, Forbidden) as problem:
        return web.page("accounts/sign_in.html", problem)
    session.begin(account)
    return redirect(_next(), 303)


def _next() -> str:
    wanted = request.values.get("next", "")
    return wanted if _LOCAL.fullmatch(wanted) else url_for("projects.index")


@bp.post("/sign-out")
def sign_out() -> BaseResponse:
    """Sign this browser out, and whoever copied its cookie."""
    if account := web.account():
        people.end_session(db.session(), account, session.current().own)
        db.session().commit()
    session.end()
    return web.see_other("accounts.sign_in")


@bp.get("/welcome")
def welcome() -> Response | BaseResponse:
    """Where a new installation gets its first admin, once."""
    if not setup.is_new(db.session()):
        return web.see_other("accounts.sign_in")
    return web.page("accounts/welcome.html", values=request.args)


@bp.post("/welcome")
def make_first_admin() -> Response | BaseResponse:
    """Make the first admin and sign them in."""
    try:
        form = web.submitted(WelcomeIn)
        account = setup.first_admin(db.session(), form, web.settings())
    except (Invalid, Conflict) as problem:
        return web.page("accounts/welcome.html", problem)
    db.session().commit()
    session.begin(account)
    return web.see_other("projects.index")


@bp.post("/language")
@session.takes_choice
def choose_language() -> BaseResponse:
    """Speak another language from now on: here, and wherever the person signs in."""
    chosen = web.submitted(LanguageIn).language
    if account := web.account():
        people.choose_language(db.session(), account, chosen)
        db.session().commit()
    response = redirect(_next(), 303)
    response.set_cookie(
        language.COOKIE,
        chosen,
        max_age=A_YEAR,
        secure=web.settings().secure_cookies,
        httponly=True,
        samesite="Lax",
    )
    return response


# Invitations and password links


@bp.get("/invitations/<token>")
def invitation(token: str) -> Response | BaseResponse:
    """What somebody is invited to, and how to accept; whoever is in already goes there."""
    opened, account = db.session(), web.account()
    found = invitations.find(opened, token)
    if account and invitations.has_let_in(opened, found, account):
        if not invitations.closed(found, account):
            flash(_("You are a member of this project already. The invitation is still unused."), "info")
        return _to_what_it_is_to(found)
    invitations.refuse_closed(found, account)
    return _invitation_page(found)


@bp.post("/invitations/<token>")
def accept_invitation(token: str) -> Response | BaseResponse:
    """Make an account, or join with the one signed in."""
    opened = db.session()
    found = invitations.find(opened, token)
    account = web.account()
    if account and found.accepted_at and invitations.has_let_in(opened, found, account):
        return _to_what_it_is_to(found)
    invitations.refuse_closed(found, account)
    try:
        if account is None:
            form = web.submitted(NewcomerIn)
            _let_others_write()
            password_hash = passwords.digest(form.password)
            account = invitations.newcomer_accepts(opened, found, form, password_hash)
            begin = True
        else:
            invitations.member_accepts(opened, found, account)
            begin = False
    except (Invalid, Conflict, Forbidden) as problem:
        return _invitation_page(found, problem)
    opened.commit()
    if begin:
        session.begin(account)
    project = _project_of(found)
    flash(_("Welcome to %(project)s.", project=project.name) if project else _("Welcome."), "success")
    return _to_what_it_is_to(found)


def _project_of(found: Invitation) -> Project | None:
    return db.session().get(Project, found.project_id) if found.project_id else None


def _to_what_it_is_to(found: Invitation) -> BaseResponse:
    project = _project_of(found)
    return web.see_other("projects.show", slug=project.slug) if project else web.see_other("projects.index")


def _invitation_page(found: Invitation, problem: Problem | None = None) -> Response:
    account = web.account()
    return web.page(
        "accounts/invitation.html",
        problem,
        values={"name": found.name, "email": found.email},
        invitation=found,
        invited_to=_project_of(found),
        hindered=invitations.hindrance(db.session(), found, account) if account else None,
        sign_in_url=url_for("accounts.sign_in", next=request.path),
    )


@bp.get("/password/<token>")
def choose_password(token: str) -> Response:
    """Where the holder of a password link chooses a new one."""
    account = passwords.account_of_link(db.session(), token, _secret_key())
    return web.page("accounts/password.html", chooser=account)


@bp.post("/password/<token>")
def set_password(token: str) -> Response | BaseResponse:
    """Keep the chosen password and sign in with it."""
    account = passwords.account_of_link(db.session(), token, _secret_key())
    try:
        form = web.submitted(NewPasswordIn)
    except Invalid as problem:
        return web.page("accounts/password.html", problem, chooser=account)
    _let_others_write()
    password_hash = passwords.digest(form.new)
    # Once more: of two who hold the link, one may have used it meanwhile.
    account = passwords.account_of_link(db.session(), token, _secret_key())
    passwords.set_password(db.session(), account, password_hash, by=account)
    db.session().commit()
    session.begin(account)
    return web.see_other("projects.index")


def _let_others_write() -> None:
    """End the request's transaction, which wrote nothing yet, before a password is hashed.

    What was read is read anew where it is used afterwards.
    """
    db.session().rollback()


def _secret_key() -> str:
    return web.settings().secret_key.get_secret_value()


# One's own account


@bp.get("/account")
def settings() -> Response:
    """One's name and password."""
    return web.page("accounts/settings.html", values={"name": web.signed_in().name})


@bp.post("/account/name")
def rename() -> Response | BaseResponse:
    """Change one's name."""
    account = web.signed_in()
    try:
        form = web.submitted(NameIn)
    except Invalid as problem:
        return web.page("accounts/settings.html", problem)
    people.rename(db.session(), account, form.name)
    return web.saved(_("Your name is changed."), "accounts.settings")


@bp.post("/account/password")
def change_password() -> Response | BaseResponse:
    """Change one's password; every other session ends."""
    account, cookie = web.signed_in(), session.current()
    try:
        form, kept = web.submitted(PasswordIn), account.password_hash
        _let_others_write()
        password_hash = passwords.changed(kept, form.current, form.new)
    except Invalid as problem:
        return web.page("accounts/settings.html", problem)
    if not account.admits(cookie.key, cookie.own):
        raise Unauthorized(_("Sign in to go on."))
    passwords.set_password(db.session(), account, password_hash, by=account)
    db.session().commit()
    session.begin(account)
    flash(_("Your password is changed. You are signed out everywhere else."), "success")
    return web.see_other("accounts.settings")


@bp.post("/account/sessions/end")
def end_sessions() -> BaseResponse:
    """Sign out everywhere else."""
    account = web.signed_in()
    people.end_sessions(db.session(), account)
    db.session().commit()
    session.begin(account)
    flash(_("You are signed out everywhere else."), "success")
    return web.see_other("accounts.settings")


@bp.get("/account/tokens")
def my_tokens() -> Response:
    """One's API tokens, and once the secret of the one just made."""
    return _tokens_page()


@bp.post("/account/tokens")
def create_token() -> Response | BaseResponse:
    """Make an API token."""
    account = web.signed_in()
    try:
        form = checked(TokenIn, {**request.form.to_dict(), "scopes": request.form.getlist("scopes")})
        _made, secret = tokens.make(db.session(), account, form, by=account)
    except Invalid as problem:
        return _tokens_page(problem)
    db.session().commit()
    session.show_once("token", secret)
    return web.see_other("accounts.my_tokens")


@bp.post("/account/tokens/<uid>/revoke")
def revoke_token(uid: str) -> BaseResponse:
    """Stop a token."""
    tokens.revoke(db.session(), web.signed_in(), uid)
    return web.saved(_("The token is revoked. Whatever used it must be given another."), "accounts.my_tokens")


def _tokens_page(problem: Problem | None = None) -> Response:
    account, opened = web.signed_in(), db.session()
    projects = [access.project for access in permissions.visible_projects(opened, account)]
    return web.page(
        "accounts/tokens.html",
        problem,
        tokens=tokens.of(opened, account),
        chosen=request.form.getlist("scopes") if problem else [Scope.READ],
        projects=[("", _("All that you may enter")), *((one.slug, one.name) for one in projects)],
        secret=session.shown_once("token"),
    )


# The site's people


@bp.get("/people")
def everybody() -> Response:
    """The accounts of the site, for its admins."""
    admin()
    return _people_page()


@bp.post("/people/invitations")
def invite() -> Response | BaseResponse:
    """Make links by which people get accounts."""
    by = admin()
    try:
        made = invitations.invite_each(db.session(), web.submitted(InvitationsIn), by=by)
    except Invalid as problem:
        return _people_page(problem)
    db.session().commit()
    links.keep(made)
    return web.see_other("accounts.everybody")


@bp.post("/people/invitations/<uid>/revoke")
def revoke_invitation(uid: str) -> BaseResponse:
    """Take an invitation back."""
    invitations.revoke(db.session(), uid, by=admin(), project=None)
    return web.saved(_("The invitation is taken back."), "accounts.everybody")


@bp.post("/people/<uid>/role")
def set_role(uid: str) -> BaseResponse:
    """Make somebody an admin, or a member again."""
    by, account = admin(), people.by_uid(db.session(), uid)
    people.set_role(db.session(), account, web.submitted(SiteRoleIn).role, by=by)
    return web.saved(
        _("%(name)s is now %(role)s.", name=account.name, role=in_words(account.role)), "accounts.everybody"
    )


@bp.post("/people/<uid>/disable")
def disable(uid: str) -> BaseResponse:
    """Shut an account out."""
    by, account = admin(), people.by_uid(db.session(), uid)
    people.disable(db.session(), account, by=by)
    return web.saved(
        _("%(name)s can no longer sign in. Their judgments are kept.", name=account.name),
        "accounts.everybody",
    )


@bp.post("/people/<uid>/enable")
def enable(uid: str) -> BaseResponse:
    """Let an account in again."""
    by, account = admin(), people.by_uid(db.session(), uid)
    people.enable(db.session(), account, by=by)
    return web.saved(_("%(name)s can sign in again.", name=account.name), "accounts.everybody")


@bp.post("/people/<uid>/password-link")
def make_password_link(uid: str) -> BaseResponse:
    """Make a link by which somebody who forgot their password chooses another."""
    by, account = admin(), people.by_uid(db.session(), uid)
    token = passwords.make_link(db.session(), account, _secret_key(), by=by)
    db.session().commit()
    session.show_once("link", web.public_url("accounts.choose_password", token=token))
    return web.see_other("accounts.everybody")


def _people_page(problem: Problem | None = None) -> Response:
    wanted = request.args.get("q", "").strip()
    pending = invitations.pending(db.session(), None)
    return web.page(
        "accounts/people.html",
        problem,
        listing=people.listing(db.session(), wanted, web.number_asked("page") or 1),
        wanted=wanted,
        pending=pending,
        links=links.shown(pending),
        as_csv=links.as_csv,
        most=MOST_AT_ONCE,
        link=session.shown_once("link"),
    )


@bp.get("/people/audit")
def site_audit() -> Response:
    """Who changed what on the site, projects apart."""
    admin()
    verb = request.args.get("verb", "").strip()
    trail = audit.trail(db.session(), None, verb=verb, before=web.number_asked("before"))
    return web.page("accounts/audit.html", trail=trail, verb=verb)
