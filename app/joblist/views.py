"""The pages of a project's jobs."""

from flask import Blueprint, Response, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import db, jobs, permissions, web
from app.errors import NotFound
from app.imports import uploads
from app.joblist import listing
from app.joblist.listing import Listed
from app.permissions import Access

bp = Blueprint("joblist", __name__)

SHOWN = 100


@bp.get("/p/<slug>/jobs")
def show(slug: str) -> Response:
    """A project's jobs, newest first: one's own, or everybody's for those who manage it."""
    access, _account = permissions.enter_signed_in(slug, "see the project")
    return web.page_or_fragment(
        "joblist/jobs.html",
        "jobs",
        access=access,
        project=access.project,
        jobs=listing.newest(db.session(), access, SHOWN),
    )


@bp.get("/p/<slug>/jobs/<uid>")
def job(slug: str, uid: str) -> Response:
    """How far a job is, and what came of it."""
    access, found = _find(slug, uid)
    return web.page_or_fragment(
        "joblist/job.html",
        "progress",
        access=access,
        project=access.project,
        listed=found,
        job=found.job,
        result=found.job.result or {},
        has_refused_file=uploads.refused_path(web.settings(), found.job.uid).exists(),
    )


@bp.post("/p/<slug>/jobs/<uid>/cancel")
def cancel(slug: str, uid: str) -> BaseResponse:
    """End a job."""
    _, found = _find(slug, uid)
    listing.cancel(db.session(), found, by=web.signed_in())
    db.session().commit()
    return web.see_other("joblist.job", slug=slug, uid=uid)


@bp.post("/p/<slug>/jobs/<uid>/repeat")
def repeat(slug: str, uid: str) -> BaseResponse:
    """Start a job again that failed or was cancelled."""
    _, found = _find(slug, uid)
    listing.repeat(db.session(), found, by=web.signed_in())
    db.session().commit()
    jobs.send(found.job)
    return web.see_other("joblist.job", slug=slug, uid=uid)


@bp.post("/p/<slug>/jobs/<uid>/import")
def import_tried(slug: str, uid: str) -> BaseResponse:
    """Import what was only tried."""
    _, found = _find(slug, uid)
    started, new = listing.import_tried(db.session(), found, by=web.signed_in())
    db.session().commit()
    if new:
        jobs.send(started)
    return web.see_other("joblist.job", slug=slug, uid=started.uid)


@bp.get("/p/<slug>/jobs/<uid>/refused.jsonl")
def refused_rows(slug: str, uid: str) -> Response:
    """Every row that an import refused, with its place and the reason, as JSON Lines."""
    _, found = _find(slug, uid)
    path = uploads.refused(web.settings(), found.job.uid)
    name = f"{slug}-{found.job.uid}-refused.jsonl"
    return send_file(path, "application/jsonl", as_attachment=True, download_name=name)


def _find(slug: str, uid: str) -> tuple[Access, Listed]:
    access, _account = permissions.enter_signed_in(slug, "see the project")
    found = listing.find(db.session(), web.signed_in(), uid)
    if found.access is None or found.access.project.id != access.project.id:
        raise NotFound(_("There is no such job, or it is somebody else's."))
    return access, found
