"""Imports over the API: a file, or several, and a job to watch."""

from flask import request

from app import db, web
from app.api.answers import JobOut
from app.api.auth import account, enter
from app.api.jobs import started
from app.api.operations import post
from app.errors import Invalid, checked
from app.imports import uploads
from app.imports.forms import ImportIn
from app.models import Scope


class UploadIn(ImportIn):
    """How files are read, and what to call one that comes as the body; a form's fields say the same."""

    name: str = "upload"


@post(
    "/projects/<slug>/imports",
    scope=Scope.MANAGE,
    query=UploadIn,
    takes_media=("multipart/form-data", "application/octet-stream"),
    gives=JobOut,
    status=202,
    repeatable=True,
)
@web.takes_files
def import_files(slug: str) -> JobOut:
    """Import files, in a form or one as the body, as a job to watch."""
    session = db.session()
    access = enter(slug, "import")
    # The upload may be slow: nobody waits for the database meanwhile.
    session.rollback()
    # Of a body that is a file nothing is read as a form, whatever the sender calls its type.
    fields = request.form.to_dict() if _is_form() else {}
    asked = checked(UploadIn, {**request.args.to_dict(), **fields})
    kept = uploads.keep(web.settings(), _uploads(asked.name))
    try:
        return started(uploads.start(session, access.project, kept, asked, by=account()), access.project)
    except BaseException:
        uploads.discard(web.settings(), kept)
        raise


def _is_form() -> bool:
    return request.mimetype == "multipart/form-data"


def _uploads(name: str) -> list[uploads.Upload]:
    if _is_form():
        files = [file for found in request.files.listvalues() for file in found]
        return [(file.filename or "upload", file.stream) for file in files]
    if not request.content_length and not request.environ.get("wsgi.input_terminated"):
        raise Invalid.at("files", "Send a file as the body, or several as multipart/form-data.")
    return [(name, request.stream)]
