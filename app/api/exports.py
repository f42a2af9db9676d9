"""Exports over the API."""

from typing import Any

from flask import Response

from app import db
from app.api.auth import enter
from app.api.operations import get
from app.api.paging import Page, PageIn, page
from app.api.reading import asked
from app.api.results import PreviewOut, ReceiptOut
from app.exports import preview
from app.exports.choices import finished, known, receipt
from app.exports.download import read_spec, respond
from app.exports.files import MEDIA_TYPES
from app.exports.forms import ExportSpec
from app.models import AuditEvent, Scope


@get(
    "/projects/<slug>/export",
    scope=Scope.READ,
    query=ExportSpec,
    gives_media=("application/json", *dict.fromkeys(MEDIA_TYPES.values())),
    headers={"X-Tiebreak-Export": "Names the receipt, which is there once the last byte is out"},
)
def export(slug: str) -> Response:
    """A live stream; the header `X-Tiebreak-Export` names the receipt to compare it with."""
    return respond(enter(slug, "export"), read_spec())


@get("/projects/<slug>/export/preview", scope=Scope.READ, query=ExportSpec, gives=PreviewOut)
def export_preview(slug: str) -> PreviewOut:
    """What an export would hold, from a sample of large projects: rows, exclusions, length, agreement."""
    access = enter(slug, "export")
    spec = known(db.session(), access.project, read_spec())
    return PreviewOut.of(preview.of(db.lent(), access.project, spec))


@get("/projects/<slug>/exports", scope=Scope.READ, query=PageIn, gives=Page[ReceiptOut])
def finished_exports(slug: str) -> Page[ReceiptOut]:
    """The receipts of finished exports, newest first."""
    found = finished(enter(slug, "export").project)

    def make(row: Any) -> ReceiptOut:
        return _told(row.AuditEvent)

    return page(db.session(), found, asked(PageIn), make, by=AuditEvent.id, newest_first=True)


@get("/projects/<slug>/exports/<uid>", scope=Scope.READ, gives=ReceiptOut)
def export_receipt(slug: str, uid: str) -> ReceiptOut:
    """Rows, bytes, sha256 and exclusions of a finished export; 404 while it runs or if it broke off."""
    return _told(receipt(db.session(), enter(slug, "export").project, uid))


def _told(event: AuditEvent) -> ReceiptOut:
    return ReceiptOut.model_validate((event.detail or {}) | {"at": event.at})
