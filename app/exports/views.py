"""The export page and the download."""

from collections import Counter
from typing import Any

from flask import Blueprint, Response

from app import db, permissions, web
from app.errors import Invalid
from app.exports import formats, stream
from app.exports.choices import check_known, choices, receipts
from app.exports.download import asked, read_spec, respond
from app.exports.forms import ExportSpec, File, Part
from app.models import Project

bp = Blueprint("exports", __name__)

SHOWN = 3
PREVIEW_ROWS = 2_000


@bp.get("/p/<slug>/export")
def page(slug: str) -> Response:
    """Choose a format and filters, see what would be written and what left out."""
    access = permissions.enter(db.session(), web.account(), slug, "export")
    project = access.project
    spec, errors = _spec_or_errors(project)
    return web.page_or_fragment(
        "exports/page.html",
        "preview",
        access=access,
        project=project,
        spec=spec,
        errors=errors,
        titles=[(name.value, title) for name, title in formats.TITLES.items()],
        query=asked(),
        there=choices(db.session(), project),
        preview=preview(project, spec),
        receipts=receipts(db.session(), project),
    )


@bp.get("/p/<slug>/export/download")
def download(slug: str) -> Response:
    """The file, as a live stream."""
    access = permissions.enter(db.session(), web.account(), slug, "export")
    return respond(access, read_spec())


def _spec_or_errors(project: Project) -> tuple[ExportSpec, dict[str, str]]:
    try:
        spec = read_spec()
        check_known(db.session(), project, spec)
    except Invalid as problem:
        return ExportSpec(), problem.by_field()
    return spec, {}


def preview(project: Project, spec: ExportSpec) -> dict[str, Any]:
    """The first rows, and what the first comparisons give and leave out."""
    excluded: Counter[str] = Counter()
    spec = spec.model_copy(update={"file": File.JSONL, "part": Part.ROWS})
    kept: list[formats.Row] = []
    with stream.snapshot(db.engine()) as connection:
        for rows in formats.make_rows(connection, project, spec, excluded):
            kept += rows
            if len(kept) >= PREVIEW_ROWS:
                break
    return {
        "rows": len(kept),
        "shown": [formats.line(row).decode() for row in kept[:SHOWN]],
        "excluded": excluded.most_common(),
        "limit": PREVIEW_ROWS,
    }
