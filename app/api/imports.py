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
    given = {**request.args.to_dict(), **request.form.to_dict()}
    asked = checked(ImportIn, {"shape": given.get("as"), **given})
    kept = uploads.keep(web.settings(), _uploads())
    job = uploads.start(session, access.project, kept, asked, by=account)
    session.commit()
    jobs.send(job)
    address = url_for("api.job", uid=job.uid)
    return {"job": job.uid, "state": job.state.value, "url": address}, 202, {"Location": address}


def _uploads() -> list[uploads.Upload]:
    if request.mimetype == "multipart/form-data":
        files = [file for found in request.files.listvalues() for file in found]
        return [(file.filename or "upload", file.stream) for file in files]
    if not request.content_length and not request.environ.get("wsgi.input_terminated"):
        raise Invalid.at("files", "Send a file as the body, or several as multipart/form-data.")
    return [(request.args.get("name", "upload"), request.stream)]
