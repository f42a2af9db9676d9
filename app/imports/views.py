"""The import page."""

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import db, jobs, language, permissions, web
from app.accounts import session as sign_in_session
from app.errors import Invalid, Problem
from app.imports import uploads, work  # noqa: F401 -- registers the job
from app.imports.forms import ImportIn
from app.imports.shapes import SHOWN
from app.permissions import Access

bp = Blueprint("imports", __name__)


@bp.get("/p/<slug>/import")
def page(slug: str) -> Response:
    """Upload files, and read which shapes they may have."""
    return _page(permissions.here(slug, "import"))


def _page(access: Access, problem: Problem | None = None) -> Response:
    return web.page(
        "imports/page.html",
        problem,
        access=access,
        project=access.project,
        shapes=SHOWN,
        shape_choices=[
            ("", _("Find it out from the content")),
            *((shape.name, language.said(shape.title)) for shape in SHOWN),
        ],
        settings=web.settings(),
    )


@bp.post("/p/<slug>/import")
@sign_in_session.takes_upload
def upload(slug: str) -> BaseResponse:
    """Keep the files and start the job."""
    session, (access, account) = db.session(), permissions.enter_signed_in(slug, "import")
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
    return web.see_other("joblist.job", slug=slug, uid=job.uid)
