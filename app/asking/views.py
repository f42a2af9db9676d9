"""Pages of what annotators are asked: the guideline and the rubric, in versions."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.annotation.readiness import guideline_read
from app.asking import guidelines, rubrics
from app.asking.forms import BaseIn, GuidelineIn
from app.errors import Conflict, Invalid, Problem, checked
from app.permissions import Access
from app.rubric import PLAIN, Rubric
from app.text import render_markdown

bp = Blueprint("asking", __name__)


# Guideline


@bp.get("/p/<slug>/guideline")
def guideline(slug: str) -> Response:
    """The guideline in force, or an older version."""
    access = permissions.here(slug, "read the guideline")
    opened, number = db.session(), web.number_asked("version")
    newest = guidelines.latest(opened, access.project)
    shown = guidelines.version(opened, access.project, number) if number else newest
    read = guideline_read(opened, access)
    since = web.number_asked("since") or read
    return web.page(
        "asking/guideline.html",
        access=access,
        project=access.project,
        shown=shown,
        newest=newest,
        text=render_markdown(shown.text) if shown else None,
        history=guidelines.history(opened, access.project),
        # Only whoever judges here is asked to have read it.
        unread=newest.version if newest and shown is newest and read not in (None, newest.version) else 0,
        since=since,
        changes=guidelines.changed_since(opened, access.project, shown, since) if shown else [],
    )


@bp.get("/p/<slug>/guideline/edit")
def edit_guideline(slug: str) -> Response:
    """Write the next version, beginning with the one in force."""
    access, _account = permissions.manage(slug)
    return _guideline_form(access)


@bp.post("/p/<slug>/guideline/edit")
def publish_guideline(slug: str) -> Response | BaseResponse:
    """Put a new version in force."""
    access, account = permissions.manage(slug)
    try:
        form = web.submitted(GuidelineIn)
        guidelines.publish(db.session(), access.project, form, by=account)
    except (Invalid, Conflict) as problem:
        return _guideline_form(access, problem)
    return web.saved(_("The guideline is published."), "asking.guideline", slug=slug)


def _guideline_form(access: Access, problem: Problem | None = None) -> Response:
    newest = guidelines.latest(db.session(), access.project)
    number = newest.version if newest else 0
    return web.page(
        "asking/guideline_edit.html",
        problem,
        values={"text": newest.text if newest else ""},
        access=access,
        project=access.project,
        number=number,
        # Whoever was overtaken has been told of the version between, and may publish over it.
        base=number if isinstance(problem, Conflict) else request.form.get("base", number),
    )


# Rubric


@bp.get("/p/<slug>/rubric")
def rubric(slug: str) -> Response:
    """What each judgment is asked to say, with a preview of the page that asks."""
    access, _account = permissions.manage(slug)
    version, found = rubrics.live(db.session(), access.project)
    return _rubric_page(access, found.model_dump(mode="json"), version, found)


@bp.post("/p/<slug>/rubric/preview")
def preview_rubric(slug: str) -> Response:
    """The page as it would be, saving nothing; ``do`` names a button that changes a list.

    Shown while somebody still writes, it is no failure that some of it does not fit yet.
    """
    access, _account = permissions.manage(slug)
    values = rubrics.changed(rubrics.written(request.form), request.form.get("do", ""))
    try:
        return _rubric_page(access, values, request.form.get("base", ""), checked(Rubric, values))
    except Invalid as problem:
        page = _rubric_page(access, values, request.form.get("base", ""), PLAIN, problem)
        if web.wants_fragment():
            page.status_code = HTTPStatus.OK
        return page


@bp.post("/p/<slug>/rubric")
def publish_rubric(slug: str) -> Response | BaseResponse:
    """Ask for this from now on."""
    access, account = permissions.manage(slug)
    values, base = rubrics.written(request.form), web.submitted(BaseIn).base
    try:
        given = checked(Rubric, values)
        rubrics.publish(db.session(), access.project, given, base=base, by=account)
    except Invalid as problem:
        return _rubric_page(access, values, base, PLAIN, problem)
    except Conflict as problem:
        newest, _rubric = rubrics.live(db.session(), access.project)
        return _rubric_page(access, values, newest, given, problem)
    return web.saved(_("Saved. It is asked from the next pair on."), "asking.rubric", slug=slug)


def _rubric_page(
    access: Access, values: dict[str, Any], base: int | str, shown: Rubric, problem: Problem | None = None
) -> Response:
    return web.page(
        "asking/rubric.html",
        problem,
        access=access,
        project=access.project,
        rubric=values,
        base=base,
        shown=shown,
        sample=MultiDict(),
    )
