"""The page of examples."""

from flask import Blueprint, Response

from app import db, permissions, web
from app.asking import rubrics
from app.examples import recipes

bp = Blueprint("examples", __name__)


@bp.get("/p/<slug>/programs")
def page(slug: str) -> Response:
    """Programs to copy, for what one may do in this project."""
    access = permissions.here(slug, "see the project")
    _, rubric = rubrics.live(db.session(), access.project)
    site = web.public_url("projects.index").rstrip("/")
    return web.page(
        "examples/page.html",
        access=access,
        project=access.project,
        examples=[(recipe, recipe.code(site, slug, rubric)) for recipe in recipes.for_access(access)],
        description=web.public_url("api.openapi"),
    )
