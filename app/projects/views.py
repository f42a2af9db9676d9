"""Pages of the projects room."""

from flask import Blueprint

bp = Blueprint("projects", __name__)


@bp.get("/")
def index() -> str:
    return "projects"


@bp.get("/p/<slug>/")
def show(slug: str) -> str:
    return slug
