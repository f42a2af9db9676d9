"""Pages of the projects room: the list, a project's overview, and what its lead sets up."""

from typing import Any

from flask import Blueprint, Response, flash, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app import annotators, audit, db, permissions, web
from app.accounts import invitations, links
from app.accounts.forms import MOST_AT_ONCE, InvitationsIn
from app.annotation import sensitive
from app.errors import Conflict, Invalid, Problem, Unauthorized, checked, checked_json
from app.learning.trials import pool_sizes
from app.models import AnnotatorKind, GoldUse, Project, Role
from app.names import in_words
from app.permissions import Access
from app.projects import lifecycle, members, overview
from app.projects.forms import ChangeIn, GroupIn, KindIn, NewProjectIn, RoleIn
from app.projects.lifecycle import OvertakenError

bp = Blueprint("projects", __name__)


# The list, and a project's first page


@bp.get("/")
def index() -> Response:
    """The projects one may know of, with what one may do in each."""
    account = web.account()
    archived = "archived" in request.args
    found = permissions.visible_projects(db.session(), account, archived=archived)
    if account is None and not found:
        raise Unauthorized(_("Sign in to go on."))
    return web.page(
        "projects/index.html",
        accesses=found,
        archived=archived,
        judgments=overview.judgments_by_project(db.session(), (access.project for access in found)),
    )


@bp.get("/projects/new")
def new() -> Response:
    """The form a project begins with."""
    web.signed_in()
    return web.page("projects/new.html")


@bp.post("/projects/new")
def create() -> Response | BaseResponse:
    """Make a project; who makes it leads it."""
    account = web.signed_in()
    try:
        project = lifecycle.create(db.session(), web.submitted(NewProjectIn), by=account)
    except Invalid as problem:
        return web.page("projects/new.html", problem)
    return web.saved(_("The project is there, and you lead it."), "projects.show", slug=project.slug)


@bp.get("/p/<slug>/")
def show(slug: str) -> Response:
    """What a project is and has, what one may do in it, and for its lead what comes next."""
    access = permissions.here(slug, "see the project")
    there = overview.counts(db.session(), access.project) if access.can("export") else None
    account = None if access.can("manage") else access.account
    return web.page(
        "projects/show.html",
        access=access,
        project=access.project,
        counts=there,
        slices=overview.slices(db.session(), access.project) if there else {},
        steps=overview.steps(there) if there and access.can("manage") else [],
        sizes=_learnt_from(access.project) if access.can("manage") else {},
        judge_model=account is not None and annotators.is_model(db.session(), access.project, account),
    )


def _learnt_from(project: Project) -> dict[GoldUse, int]:
    """How many pairs newcomers learn and are tested with; nothing where they do neither."""
    learns = project.training or project.test_size
    return pool_sizes(db.session(), project) if learns and not project.archived_at else {}


# Settings


@bp.get("/p/<slug>/settings")
def settings(slug: str) -> Response:
    """Everything about a project that is one value."""
    access, _account = permissions.manage(slug)
    there = ChangeIn.model_validate(access.project)
    return _settings_page(access, there.model_dump_json(), values=there.model_dump(mode="json"))


def _settings_page(
    access: Access, shown: str, refused: Problem | None = None, **fields: dict[str, Any]
) -> Response:
    """The page; ``shown`` is JSON of the settings that it begins with."""
    unmatched = sensitive.unmatched(db.session(), access.project)
    return web.page(
        "projects/settings.html",
        refused,
        access=access,
        project=access.project,
        unmatched=unmatched,
        sizes=_learnt_from(access.project),
        counts=overview.counts(db.session(), access.project),
        shown=shown,
        **fields,
    )


@bp.post("/p/<slug>/settings")
def change_settings(slug: str) -> Response | BaseResponse:
    """Change the settings."""
    access, account = permissions.manage(slug)
    given = request.form.get("shown", "")
    try:
        shown = checked_json(ChangeIn, given.encode()) if given else None
        form = web.submitted(ChangeIn)
        lifecycle.change(db.session(), access.project, form, by=account, shown=shown)
    except Invalid as problem:
        return _settings_page(access, given, problem)
    except OvertakenError as problem:
        # Whoever was overtaken has been told what is there now, and may save over it.
        there = ChangeIn.model_validate(access.project)
        kept = problem.form.model_dump(mode="json")
        return _settings_page(access, there.model_dump_json(), problem, kept=kept)
    return web.saved(_("The settings are saved."), "projects.settings", slug=slug)


@bp.post("/p/<slug>/archive")
def archive(slug: str) -> BaseResponse:
    """Close a project."""
    access, account = permissions.manage(slug)
    lifecycle.archive(db.session(), access.project, by=account)
    return web.saved(
        _("The project is archived: readable, but closed for judging."), "projects.settings", slug=slug
    )


@bp.post("/p/<slug>/reopen")
def reopen(slug: str) -> BaseResponse:
    """Open an archived project again."""
    access, account = permissions.manage(slug)
    lifecycle.reopen(db.session(), access.project, by=account)
    return web.saved(_("The project is open again."), "projects.settings", slug=slug)


# Members


@bp.get("/p/<slug>/members")
def people(slug: str) -> Response:
    """Who is in the project, and who is invited."""
    access, _account = permissions.manage(slug)
    return _members_page(access)


@bp.post("/p/<slug>/invitations")
def invite(slug: str) -> Response | BaseResponse:
    """Make links by which people join."""
    access, account = permissions.manage(slug)
    try:
        form = web.submitted(InvitationsIn)
        made = invitations.invite_each(db.session(), form, by=account, project=access.project)
    except Invalid as problem:
        return _members_page(access, problem)
    db.session().commit()
    links.keep(made)
    return web.see_other("projects.people", slug=slug)


@bp.post("/p/<slug>/invitations/<uid>/revoke")
def revoke_invitation(slug: str, uid: str) -> BaseResponse:
    """Take an invitation back."""
    access, account = permissions.manage(slug)
    invitations.revoke(db.session(), uid, by=account, project=access.project)
    return web.saved(_("The invitation is taken back."), "projects.people", slug=slug)


@bp.post("/p/<slug>/members/<uid>/role")
def set_role(slug: str, uid: str) -> BaseResponse:
    """Change a member's role, and whether they are a judge model."""
    access, account = permissions.manage(slug)
    given = web.fields().to_dict()
    # Only what was changed: another lead may have said otherwise since the page was loaded.
    if given.get("kind") == given.get("kind_shown"):
        given.pop("kind", None)
    form = checked(RoleIn, given)
    try:
        member = members.change(db.session(), access.project, uid, form, by=account)
    except Conflict as problem:
        return _members_stay(slug, problem)
    names = {"name": member.name, "role": in_words(form.role)}
    said = (
        _("%(name)s is now %(role)s, and a judge model.", **names)
        if form.kind == AnnotatorKind.MODEL
        else _("%(name)s is now %(role)s.", **names)
    )
    return web.saved(said, "projects.people", slug=slug)


@bp.post("/p/<slug>/members/<uid>/remove")
def remove_member(slug: str, uid: str) -> BaseResponse:
    """Take a member out."""
    access, account = permissions.manage(slug)
    try:
        member = members.remove(db.session(), access.project, uid, by=account)
    except Conflict as problem:
        return _members_stay(slug, problem)
    return web.saved(
        _("%(name)s is no longer a member. Their judgments stay.", name=member.name),
        "projects.people",
        slug=slug,
    )


def _members_stay(slug: str, problem: Conflict) -> BaseResponse:
    """Back to the members, whose page can be read again where a member's own address only takes changes."""
    db.session().rollback()
    flash(problem.detail, "error")
    return web.see_other("projects.people", slug=slug)


def _members_page(access: Access, problem: Problem | None = None) -> Response:
    pending = invitations.pending(db.session(), access.project)
    return web.page(
        "projects/members.html",
        problem,
        invited=request.form if isinstance(problem, Invalid) else {"role": Role.ANNOTATOR.value},
        access=access,
        project=access.project,
        members=members.of(db.session(), access.project),
        pending=pending,
        links=links.shown(pending),
        as_csv=links.as_csv,
        most=MOST_AT_ONCE,
        # An unsaid kind is a person's, and leaves one who comes again what they were.
        invites=[("", _("Person")), (AnnotatorKind.MODEL.value, _("Judge model"))],
        roles=[(role.value, in_words(role).capitalize()) for role in Role],
        judging=permissions.MAY["judge"],
        kinds=[(AnnotatorKind.HUMAN.value, _("Person")), (AnnotatorKind.MODEL.value, _("Judge model"))],
    )


# Groups of annotators


@bp.get("/p/<slug>/groups")
def group_page(slug: str) -> Response:
    """Who belongs together."""
    access, _account = permissions.manage(slug)
    return _group_page(access)


@bp.post("/p/<slug>/groups")
def put_in_group(slug: str) -> Response | BaseResponse:
    """Put the chosen annotators in a group, or take them out."""
    access, account = permissions.manage(slug)
    given = {"annotator": request.form.getlist("annotator"), "group": request.form.get("group", "")}
    try:
        form = checked(GroupIn, given)
        moved = annotators.put(db.session(), access.project, form.annotator, form.group, by=account)
    except Invalid as problem:
        return _group_page(access, problem)
    said = (
        ngettext(
            "%(num)s annotator moved: now in “%(group)s”.",
            "%(num)s annotators moved: now in “%(group)s”.",
            moved,
            group=form.group,
        )
        if form.group
        else ngettext(
            "%(num)s annotator moved: now in no group.", "%(num)s annotators moved: now in no group.", moved
        )
    )
    return web.saved(said, "projects.group_page", slug=slug)


@bp.post("/p/<slug>/groups/kind")
def set_kind(slug: str) -> Response | BaseResponse:
    """Say that the chosen annotators are judge models, or people."""
    access, account = permissions.manage(slug)
    given = {"annotator": request.form.getlist("annotator"), "kind": request.form.get("kind")}
    try:
        form = checked(KindIn, given)
        changed = annotators.recast(db.session(), access.project, form.annotator, form.kind, by=account)
    except (Invalid, Conflict) as problem:
        db.session().rollback()
        return _group_page(access, problem)
    said = (
        ngettext(
            "%(num)s annotator changed: now a judge model.",
            "%(num)s annotators changed: now judge models.",
            changed,
        )
        if form.kind == AnnotatorKind.MODEL
        else ngettext(
            "%(num)s annotator changed: now a person.", "%(num)s annotators changed: now people.", changed
        )
    )
    return web.saved(said, "projects.group_page", slug=slug)


def _group_page(access: Access, problem: Problem | None = None) -> Response:
    return web.page(
        "projects/groups.html",
        problem,
        access=access,
        project=access.project,
        annotators=annotators.of(db.session(), access.project),
        chosen=request.form.getlist("annotator"),
        most=annotators.MOST_LISTED,
        kinds=[
            (AnnotatorKind.MODEL.value, _("The chosen are judge models")),
            (AnnotatorKind.HUMAN.value, _("The chosen are people")),
        ],
    )


# What happened


@bp.get("/p/<slug>/audit")
def audit_page(slug: str) -> Response:
    """Who changed what, and when."""
    access, _account = permissions.manage(slug)
    verb = request.args.get("verb", "").strip()
    before = web.number_asked("before")
    trail = audit.trail(db.session(), access.project, verb=verb, before=before)
    return web.page(
        "projects/audit.html",
        access=access,
        project=access.project,
        trail=trail,
        verb=verb,
    )
