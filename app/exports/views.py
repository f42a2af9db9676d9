"""The export page and the download."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, make_response, request
from jinja2_fragments.flask import render_block

from app import db, language, permissions, web
from app.errors import Invalid, NotFound
from app.exports import exclusions, formats, preview, typed
from app.exports.choices import choices, known, receipts
from app.exports.download import asked, read_form, respond
from app.exports.forms import ExportSpec
from app.inputs import parts
from app.models import Project
from app.permissions import Access

bp = Blueprint("exports", __name__)

# What any number of values may be asked for.
MANY = {"model", "category", "language", "group", "guideline"}


@bp.get("/p/<slug>/export")
def page(slug: str) -> Response:
    """Choose a format and filters, see what would be written and what left out."""
    return _page(permissions.here(slug, "export"))


def _page(access: Access, without: str = "") -> Response:
    project = access.project
    spec, errors = _spec_or_errors(project)
    api = web.public_url("api.export", slug=project.slug)
    return web.page_or_fragment(
        "exports/page.html",
        "preview",
        access=access,
        project=project,
        values=_values(spec, typed=bool(errors)),
        errors=errors,
        without=without,
        titles=[(name.value, language.said(title)) for name, title in formats.TITLES.items()],
        there=choices(db.session(), project),
        # Of values that do not fit there is nothing to tell, least of all of no filter at all.
        preview=None if errors else preview.of(db.lent(), project, spec),
        typed=None if errors else typed.of(project.slug, api, spec),
        is_fragment=web.wants_fragment(),
        counted=exclusions.counted,
        receipts=receipts(db.session(), project),
    )


@bp.get("/p/<slug>/export/finished")
def finished(slug: str) -> Response:
    """The page's finished downloads; nothing where the newest is the one that is shown already."""
    access = permissions.here(slug, "export")
    found = receipts(db.session(), access.project)
    if not found or (found[0].detail or {})["export"] == request.args.get("after"):
        return Response(status=HTTPStatus.NO_CONTENT)
    return make_response(
        render_block("exports/page.html", "receipts", project=access.project, receipts=found)
    )


@bp.get("/p/<slug>/export/download")
def download(slug: str) -> Response:
    """The file, as a live stream; the form again where its values do not fit or leave nothing."""
    access = permissions.here(slug, "export")
    try:
        return respond(access, read_form())
    except Invalid as problem:
        page, status = _page(access), problem.status
    except NotFound as problem:
        page, status = _page(access, problem.detail), problem.status
    page.status_code = status
    return page


def _spec_or_errors(project: Project) -> tuple[ExportSpec, dict[str, str]]:
    try:
        return known(db.session(), project, read_form()), {}
    except Invalid as problem:
        return ExportSpec(), problem.by_field()


def _values(spec: ExportSpec, *, typed: bool) -> dict[str, Any]:
    """What the form shows: the export, and where that was refused what was typed."""
    values = spec.model_dump(mode="json")
    if typed:
        values |= {
            name: [one for value in request.args.getlist(name) for one in (value, *parts(value))]
            if name in MANY
            else given
            for name, given in asked(request.args).items()
        }
    # A day is what its fields hold.
    return values | {name: str(values[name] or "")[:10] for name in ("since", "until")}
