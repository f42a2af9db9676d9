"""The import page, and the pages of a project's jobs."""

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request, send_file
from sqlmodel import Session, select
from werkzeug.wrappers import Response as BaseResponse

from app import db, jobs, permissions, web
from app.accounts import session as sign_in_session
from app.errors import Invalid, NotFound, Problem
from app.imports import uploads, work  # noqa: F401 -- registers the job
from app.imports.forms import ImportIn
from app.imports.shapes import SHAPES
from app.models import Account, Job, row_id
from app.permissions import Access

bp = Blueprint("imports", __name__)

JOBS_SHOWN = 100


@bp.get("/p/<slug>/import")
def page(slug: str) -> Response:
    """Upload files, and read which shapes they may have."""
    return _page(permissions.enter(db.session(), web.account(), slug, "import"))


def _page(access: Access, problem: Problem | None = None) -> Response:
    return web.form_page(
        "imports/page.html",
        problem,
        access=access,
        project=access.project,
        shapes=SHAPES.values(),
        shape_choices=[("", "Find it out from the content"), *((s.name, s.title) for s in SHAPES.values())],
        settings=web.settings(),
    )


@bp.post("/p/<slug>/import")
@sign_in_session.takes_upload
def upload(slug: str) -> BaseResponse:
    """Keep the files and start the job."""
    session, account = db.session(), web.signed_in()
    access = permissions.enter(session, account, slug, "import")
    session.rollback()
    sign_in_session.check_upload()
    try:
        asked = web.submitted(ImportIn)
        files = [(file.filename, file.stream) for file in request.files.getlist("files") if file.filename]
        kept = uploads.keep(web.settings(), files)
    except Invalid as problem:
        return _page(access, problem)
    job = uploads.start(session, access.project, kept, asked, by=account)
    session.commit()
    jobs.send(job)
    return web.see_other("imports.job", slug=slug, uid=job.uid)


@bp.get("/p/<slug>/jobs")
def job_list(slug: str) -> Response:
    """A project's jobs, newest first: one's own, or everybody's for those who manage it."""
    session = db.session()
    access = permissions.enter(session, web.account(), slug, "read the guideline")
    rows = session.exec(_jobs_of(access).limit(JOBS_SHOWN)).all()
    return web.page_or_fragment(
        "imports/jobs.html",
        "jobs",
        access=access,
        project=access.project,
        jobs=rows,
        names=_names(session, rows),
    )


def _jobs_of(access: Access) -> Any:
    jobs_table = sa.inspect(Job).columns
    found = select(Job).where(jobs_table.project_id == access.project.id).order_by(jobs_table.id.desc())
    return found if access.can("manage") else found.where(jobs_table.account_id == web.signed_in().id)


def _names(session: Session, rows: Any) -> dict[int, str]:
    accounts = sa.inspect(Account).columns
    wanted = {row.account_id for row in rows}
    return {row_id(row): row.name for row in session.exec(select(Account).where(accounts.id.in_(wanted)))}


@bp.get("/p/<slug>/jobs/<uid>")
def job(slug: str, uid: str) -> Response:
    """How far a job is, and what came of it."""
    access, found = _find(slug, uid)
    refused = uploads.refused_path(web.settings(), found.uid)
    return web.page_or_fragment(
        "imports/job.html",
        "progress",
        access=access,
        project=access.project,
        job=found,
        result=found.result or {},
        has_refused_file=refused.exists(),
    )


@bp.get("/p/<slug>/jobs/<uid>/refused.jsonl")
def refused_rows(slug: str, uid: str) -> Response:
    """Every refused row with its place and the reason, as JSON Lines."""
    _access, found = _find(slug, uid)
    path = uploads.refused_path(web.settings(), found.uid).resolve()
    if found.kind != "import" or not path.exists():
        raise NotFound("This job refused no rows, or its files have been removed.")
    return send_file(
        path, "application/jsonl", as_attachment=True, download_name=f"{slug}-{found.uid}-refused.jsonl"
    )


def _find(slug: str, uid: str) -> tuple[Access, Job]:
    session = db.session()
    access = permissions.enter(session, web.account(), slug, "read the guideline")
    found = session.exec(select(Job).where(Job.uid == uid, Job.project_id == access.project.id)).one_or_none()
    if found is None or not (access.can("manage") or found.account_id == web.signed_in().id):
        raise NotFound("There is no such job, or it is somebody else's.")
    return access, found
