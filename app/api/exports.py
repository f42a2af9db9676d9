"""Exports over the API."""

from flask import Response

from app import db
from app.api.auth import enter
from app.api.operations import get
from app.api.paging import Page
from app.api.results import PreviewOut, ReceiptOut
from app.exports import preview
from app.exports.choices import check_known, receipt, receipts
from app.exports.download import read_spec, respond
from app.exports.files import MEDIA_TYPES
from app.exports.forms import ExportSpec
from app.models import Scope


@get(
    "/projects/<slug>/export",
    scope=Scope.READ,
    query=ExportSpec,
    gives_media=("application/json", *dict.fromkeys(MEDIA_TYPES.values())),
)
def export(slug: str) -> Response:
    """A live stream; the header `X-Tiebreak-Export` names the receipt to compare it with."""
    return respond(enter(slug, "export"), read_spec())


@get("/projects/<slug>/export/preview", scope=Scope.READ, query=ExportSpec, gives=PreviewOut)
def export_preview(slug: str) -> PreviewOut:
    """What an export would hold, from a sample of large projects: rows, exclusions, length, agreement."""
    access, spec = enter(slug, "export"), read_spec()
    check_known(db.session(), access.project, spec)
    return PreviewOut.of(preview.of(db.engine(), access.project, spec))


@get("/projects/<slug>/exports", scope=Scope.READ, gives=Page[ReceiptOut])
def finished_exports(slug: str) -> Page[ReceiptOut]:
    """The receipts of the exports that finished last, newest first."""
    found = receipts(db.session(), enter(slug, "export").project)
    return Page(
        items=[ReceiptOut.model_validate(event.detail | {"at": event.at}) for event in found if event.detail]
    )


@get("/projects/<slug>/exports/<uid>", scope=Scope.READ, gives=ReceiptOut)
def export_receipt(slug: str, uid: str) -> ReceiptOut:
    """Rows, bytes, sha256 and exclusions of a finished export; 404 while it runs or if it broke off."""
    return ReceiptOut.model_validate(receipt(db.session(), enter(slug, "export").project, uid).detail)
