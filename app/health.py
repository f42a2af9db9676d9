"""For whoever keeps the service running: is it alive, is it ready."""

import sqlalchemy as sa
from flask import Blueprint

from app import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> dict[str, str]:
    """The database answers too."""
    db.session().execute(sa.text("SELECT 1"))
    return {"status": "ready"}
