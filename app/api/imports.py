"""Imports over the API: a file, or several, and a job to watch."""

from typing import Any

from flask import request, url_for

from app import db, jobs, permissions, web
from app.api import bp
from app.api.auth import api_account
from app.errors import Invalid, checked
from app.imports import uploads
from app.imports.forms import ImportIn


@bp.post("/projects/<slug>/imports")
@web.takes_files
def import_files(slug: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Take a multipart form with ``files``, or one file as the body with ``?name=``.

    ``as`` (a shape), ``dry_run`` and ``batch`` are form fields or query parameters.
    """
    account, session = api_account(), db.session()
    access = permissions.enter(session, account, slug, "import")
    # The upload may be slow: nobody waits for the database meanwhile.
    session.rollback()
    # Of a body that is a file nothing is read as a form, whatever the sender calls its type.
    fields = request.form.to_dict() if _is_form() else {}
    asked = checked(ImportIn, {**request.args.to_dict(), **fields})
    kept = uploads.keep(web.settings(), _uploads())
    job = uploads.start(session, access.project, kept, asked, by=account)
    session.commit()
    jobs.send(job)
    address = url_for("api.job", uid=job.uid)
    return {"job": job.uid, "state": job.state.value, "url": address}, 202, {"Location": address}


def _is_form() -> bool:
    return request.mimetype == "multipart/form-data"


def _uploads() -> list[uploads.Upload]:
    if _is_form():
        files = [file for found in request.files.listvalues() for file in found]
        return [(file.filename or "upload", file.stream) for file in files]
    if not request.content_length and not request.environ.get("wsgi.input_terminated"):
        raise Invalid.at("files", "Send a file as the body, or several as multipart/form-data.")
    return [(request.args.get("name", "upload"), request.stream)]
