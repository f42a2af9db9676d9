"""The export page and the download."""

from collections import Counter
from itertools import islice
from typing import Any

from flask import Blueprint, Response

from app import db, permissions, web
from app.errors import Invalid
from app.exports import formats, stream
from app.exports.download import asked, read_spec, respond
from app.exports.forms import ExportSpec, Format
from app.exports.summary import receipts, whats_there
from app.models import Project

bp = Blueprint("exports", __name__)

PREVIEW_ROWS = 3
PREVIEW_COMPARISONS = 2_000


@bp.get("/p/<slug>/export")
def page(slug: str) -> Response:
    """Choose a format and filters, see what would be written and what left out."""
    access = permissions.enter(db.session(), web.account(), slug, "export")
    project = access.project
    spec, errors = _spec_or_errors()
    return web.page_or_fragment(
        "exports/page.html",
        "preview",
        access=access,
        project=project,
        spec=spec,
        errors=errors,
        formats=list(Format),
        query=asked(),
        there=whats_there(db.session(), project),
        preview=preview(project, spec),
        receipts=receipts(db.session(), project),
    )


@bp.get("/p/<slug>/export/download")
def download(slug: str) -> Response:
    """The file, as a live stream."""
    access = permissions.enter(db.session(), web.account(), slug, "export")
    return respond(access, read_spec())


def _spec_or_errors() -> tuple[ExportSpec, dict[str, str]]:
    try:
        return read_spec(), {}
    except Invalid as problem:
        return ExportSpec(), problem.by_field()


def preview(project: Project, spec: ExportSpec) -> dict[str, Any]:
    """The first rows, and what the first comparisons give and leave out."""
    excluded: Counter[str] = Counter()
    spec = spec.model_copy(update={"file": "jsonl"})
    with stream.snapshot(db.engine()) as connection:
        rows = stream.make_rows(connection, project, spec, excluded)
        kept = list(islice(rows, PREVIEW_COMPARISONS))
    shown = [formats.line(row).decode() for row in kept[:PREVIEW_ROWS]]
    return {
        "rows": len(kept),
        "shown": shown,
        "excluded": excluded.most_common(),
        "limit": PREVIEW_COMPARISONS,
    }
