"""The pages of a project's snapshots."""

import re
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app import db, jobs, permissions, web
from app.errors import Conflict, Invalid, NotFound, Problem, checked
from app.exports import exclusions, formats, preview
from app.exports.choices import known
from app.exports.download import asked
from app.exports.forms import ExportSpec
from app.models import Snapshot
from app.permissions import Access
from app.snapshots import citing, diff, licences, making, reading, serving, withdrawing, work
from app.snapshots.card import loadable
from app.snapshots.forms import OF_ONE_FILE, NoteIn, SnapshotIn, WithdrawIn
from app.snapshots.store import Store
from app.text import render_markdown

bp = Blueprint("snapshots", __name__)

SHOWN = 100
# The files that a card links to.
LINKED = re.compile(r"(\]\()((?:guidelines|rubrics)/v\d+\.\w+\))")


def _store() -> Store:
    return Store(web.settings())


@bp.get("/p/<slug>/snapshots")
def show(slug: str) -> str:
    """A project's snapshots, newest first."""
    access = permissions.here(slug, "export")
    found = reading.newest(db.session(), access.project, SHOWN)
    return render_template("snapshots/list.html", access=access, project=access.project, snapshots=found)


@bp.get("/p/<slug>/snapshots/new")
def new(slug: str) -> BaseResponse:
    """Name a snapshot of what an export's filters leave; what does not fit is told where it was set."""
    access = permissions.here(slug, "export")
    given = {name: value for name, value in asked(request.args).items() if name not in OF_ONE_FILE}
    try:
        return _form(access, given)
    except Invalid:
        return web.see_other("exports.page", slug=slug, **given)


@bp.post("/p/<slug>/snapshots")
def make(slug: str) -> BaseResponse:
    """Start the job that makes one."""
    session, (access, account) = db.session(), permissions.enter_signed_in(slug, "export")
    given = asked(web.fields())
    try:
        wanted = making.fitting(session, access.project, checked(SnapshotIn, given))
        job = work.start(session, access.project, wanted, by=account)
    except (Invalid, NotFound) as problem:
        return _form(access, given, problem)
    session.commit()
    jobs.send(job)
    return web.see_other("joblist.job", slug=slug, uid=job.uid)


def _form(access: Access, given: dict[str, Any], problem: Problem | None = None) -> Response:
    """The form with what the filters leave; raises Invalid where it is the filters that do not fit."""
    filters = {name: value for name, value in given.items() if name in ExportSpec.model_fields}
    spec = known(db.session(), access.project, checked(ExportSpec, filters))
    usual = {"name": access.project.slug, "licence": licences.UNKNOWN, "formats": [*formats.TITLES]}
    page = render_template(
        "snapshots/new.html",
        access=access,
        project=access.project,
        preview=preview.of(db.lent(), access.project, spec),
        counted=exclusions.counted,
        filters=spec.model_dump(mode="json", exclude_defaults=True),
        values=usual | given,
        usual_licences=licences.USUAL,
        titles=[(name.value, title) for name, title in formats.TITLES.items()],
        problem=problem,
        errors=problem.by_field() if isinstance(problem, Invalid) else {},
    )
    return Response(page, problem.status if problem else 200)


@bp.get("/p/<slug>/snapshots/<label>")
def one(slug: str, label: str) -> Response:
    """One snapshot: its card, its files, and how to load it."""
    return _one(permissions.here(slug, "export"), label)


@bp.post("/p/<slug>/snapshots/<label>/withdraw")
def withdraw(slug: str, label: str) -> BaseResponse:
    """Mark it as wrong."""
    access, account = permissions.enter_signed_in(slug, "export")
    found = reading.find(db.session(), access.project, label)
    try:
        reason = web.submitted(WithdrawIn).reason
        withdrawing.withdraw(db.session(), access.project, found, reason, by=account)
    except (Invalid, Conflict) as problem:
        return _one(access, label, problem)
    return web.saved(_("%(label)s is withdrawn.", label=label), "snapshots.one", slug=slug, label=label)


@bp.post("/p/<slug>/snapshots/<label>/put-back")
def put_back(slug: str, label: str) -> BaseResponse:
    """Take that back."""
    access, account = permissions.enter_signed_in(slug, "export")
    found = reading.find(db.session(), access.project, label)
    withdrawing.put_back(db.session(), access.project, found, by=account)
    return web.saved(_("%(label)s is put back.", label=label), "snapshots.one", slug=slug, label=label)


@bp.post("/p/<slug>/snapshots/<label>/note")
def note(slug: str, label: str) -> BaseResponse:
    """Write a note beside it."""
    access, account = permissions.enter_signed_in(slug, "export")
    found = reading.find(db.session(), access.project, label)
    try:
        written = web.submitted(NoteIn).note
    except Invalid as problem:
        return _one(access, label, problem)
    withdrawing.write_note(db.session(), access.project, found, written, by=account)
    return web.saved(_("Saved."), "snapshots.one", slug=slug, label=label)


def _one(access: Access, label: str, problem: Problem | None = None) -> Response:
    slug = access.project.slug
    snapshot = reading.find(db.session(), access.project, label)
    earlier = reading.earlier(db.session(), snapshot)
    files = web.public_url("snapshots.file", slug=slug, label=label, path="")
    cited = (
        reading.manifest(_store(), snapshot),
        snapshot.digest or "",
        web.public_url("snapshots.one", slug=slug, label=label),
    )
    written = snapshot.model_dump()
    return web.page(
        "snapshots/one.html",
        problem,
        values=written,
        kept=written | web.fields().to_dict(),
        access=access,
        project=access.project,
        snapshot=snapshot,
        card=_card(snapshot, files),
        citation=citing.citation(*cited),
        bibtex=citing.bibtex(*cited),
        earlier=earlier,
        previous=next((one for one in earlier if one.name == snapshot.name), None),
        lines=loadable(snapshot.files),
        base_url=web.public_url("api.snapshots", slug=slug),
    )


def _card(snapshot: Snapshot, files: str) -> tuple[Markup, list[tuple[str, Markup]]]:
    """What a card begins with, and its sections by their titles; its files lie at another address than it."""
    card = reading.text(_store(), snapshot, "README.md").decode()
    # Without its front matter, which is for programs. What it quotes has no line that begins so.
    first, *sections = LINKED.sub(rf"\1{files}\2", card.partition("\n---\n")[2]).split("\n## ")
    parts = (section.partition("\n") for section in sections)
    return render_markdown(first), [(title, render_markdown(said)) for title, _end, said in parts]


@bp.get("/p/<slug>/snapshots/<label>/files/<path:path>")
def file(slug: str, label: str, path: str) -> Response:
    """One of its files."""
    access = permissions.here(slug, "export")
    return serving.respond(_store(), reading.find(db.session(), access.project, label), path)


@bp.get("/p/<slug>/snapshots/<label>.tar")
def whole(slug: str, label: str) -> Response:
    """All its files in one."""
    access = permissions.here(slug, "export")
    return serving.respond_whole(_store(), reading.find(db.session(), access.project, label))


@bp.get("/p/<slug>/snapshots/<label>/changes")
def changes(slug: str, label: str) -> str:
    """What is different from an earlier snapshot."""
    access = permissions.here(slug, "export")
    session = db.session()
    after = reading.find(session, access.project, label)
    before = reading.find(session, access.project, request.args.get("since", ""))
    return render_template(
        "snapshots/changes.html",
        access=access,
        project=access.project,
        before=before,
        after=after,
        changes=reading.changes(_store(), before, after),
        shown=diff.SHOWN,
    )
