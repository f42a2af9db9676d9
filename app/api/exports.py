"""Exports over the API."""

from typing import Any

from flask import Response

from app import db, permissions
from app.api import bp
from app.api.auth import api_account
from app.exports.choices import receipt
from app.exports.download import read_spec, respond


@bp.get("/projects/<slug>/export")
def export(slug: str) -> Response:
    """A live stream; ``X-Tiebreak-Export`` names the receipt to compare it with."""
    access = permissions.enter(db.session(), api_account(), slug, "export")
    return respond(access, read_spec())


@bp.get("/projects/<slug>/exports/<uid>")
def export_receipt(slug: str, uid: str) -> dict[str, Any]:
    """Rows, bytes, sha256 and exclusions of a finished export; 404 while it runs or if it broke off."""
    access = permissions.enter(db.session(), api_account(), slug, "export")
    return receipt(db.session(), access.project, uid).detail or {}
