"""Exports over the API."""

from flask import Response

from app import db
from app.api.answers import ReceiptOut
from app.api.auth import enter
from app.api.operations import get
from app.exports.choices import receipt
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


@get("/projects/<slug>/exports/<uid>", scope=Scope.READ, gives=ReceiptOut)
def export_receipt(slug: str, uid: str) -> ReceiptOut:
    """Rows, bytes, sha256 and exclusions of a finished export; 404 while it runs or if it broke off."""
    return ReceiptOut.model_validate(receipt(db.session(), enter(slug, "export").project, uid).detail)
