"""Pages of the annotation room: the pair to judge, and what one has judged."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, flash, make_response, render_template, request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.annotation import seat
from app.annotation.desk import Desk, criteria_of, sit_down
from app.annotation.forms import JudgmentIn, criteria_in
from app.annotation.history import history, one_of_mine
from app.annotation.judge import skip, submit_judgment, undo
from app.annotation.pair import show
from app.errors import Conflict, FieldError, Invalid
from app.models import Source, opaque_id
from app.permissions import Access

bp = Blueprint("annotation", __name__)

# Different verdict bars kept rendered by one process.
KEPT_BARS = 256
NOTHING_TO_UNDO = "There is nothing to undo here yet."


def _enter(slug: str) -> Access:
    return permissions.enter(db.session(), web.account(), slug, "judge")


@bp.get("/p/<slug>/judge")
@db.writes
def judge(slug: str) -> Response:
    """The pair in hand, or the next one of the queue."""
    access = _enter(slug)
    desk = sit_down(db.session(), access)
    db.session().commit()
    context = _around(desk, _foot(desk), generate_csrf())
    return make_response(render_template("annotation/judge.html", access=access, **context))


@bp.post("/p/<slug>/judge")
def submit(slug: str) -> Response | BaseResponse:
    """Record a verdict and answer with the next pair."""
    session, access = db.session(), seat.enter(slug)
    try:
        given = JudgmentIn.from_form(request.form)
        submit_judgment(session, access, given, Source.PAGE)
    except Invalid as problem:
        session.rollback()
        return _refused(slug, problem)
    desk = sit_down(session, access, undo=given.assignment_id)
    session.commit()
    return _next(desk, slug)


@bp.post("/p/<slug>/judge/skip")
def skip_pair(slug: str) -> Response | BaseResponse:
    """Pass on the pair and answer with the next one."""
    session, access = db.session(), seat.enter(slug)
    uid = request.form.get("assignment_id", "")
    skip(session, access, uid)
    desk = sit_down(session, access, undo=uid)
    session.commit()
    return _next(desk, slug)


@bp.post("/p/<slug>/judge/undo")
def undo_last(slug: str) -> Response | BaseResponse:
    """Bring back the pair judged or skipped last."""
    session, access = db.session(), _enter(slug)
    if undo(session, access, request.form.get("undo") or None) is None:
        raise Conflict(NOTHING_TO_UNDO)
    desk = sit_down(session, access)
    session.commit()
    return _next(desk, slug)


def _next(desk: Desk, slug: str) -> Response | BaseResponse:
    if not web.wants_fragment():
        return web.see_other("annotation.judge", slug=slug)
    # Straight from the environment: the context of whole pages costs as much as the pair itself.
    template = current_app.jinja_env.get_template("annotation/_pair.html")
    # The token just checked is as good as a new one.
    csrf = request.form.get("csrf_token") or generate_csrf()
    page = template.render(fragment=True, **_around(desk, _foot(desk), csrf))
    return Response(page, mimetype="text/html")


def _around(desk: Desk, foot: Markup, csrf: str) -> dict[str, Any]:
    return {"desk": desk, "shown": desk.shown, "project": desk.project, "foot": foot, "csrf": csrf}


def _foot(desk: Desk) -> Markup:
    """The verdict bar with nothing filled in: rendered once for all pairs that ask for the same."""
    project = desk.project
    key = (
        *(project.slug, project.asks_strength, project.asks_rationale),
        *(tuple(criterion) for criterion in desk.criteria),
        bool(desk.undo or desk.judged),
    )
    kept: dict[tuple[object, ...], Markup] = current_app.extensions.setdefault("verdict_bars", {})
    if key not in kept:
        if len(kept) >= KEPT_BARS:
            kept.clear()
        kept[key] = _filled_foot(desk)
    return kept[key]


def _filled_foot(desk: Desk, **given: Any) -> Markup:
    empty = {"chosen": "", "strength": "", "rationale": "", "given": {}, "errors": []}
    template = current_app.jinja_env.get_template("annotation/_foot.html")
    can_undo = bool(desk.undo or desk.judged)
    context = {"project": desk.project, "criteria": desk.criteria, "can_undo": can_undo, **empty, **given}
    return Markup(template.render(context))  # noqa: S704 -- a template's


def _refused(slug: str, problem: Invalid) -> Response:
    """The same pair again, with what was entered and what is wrong with it."""
    session, access = db.session(), _enter(slug)
    desk = sit_down(session, access)
    session.commit()
    foot = _filled_foot(
        desk,
        chosen=request.form.get("outcome", ""),
        strength=request.form.get("strength", ""),
        rationale=request.form.get("rationale", ""),
        given=criteria_in(request.form),
        errors=problem.errors or [FieldError("/", problem.detail)],
    )
    template = "annotation/_pair.html" if web.wants_fragment() else "annotation/judge.html"
    context = _around(desk, foot, generate_csrf())
    page = render_template(template, access=access, fragment=web.wants_fragment(), **context)
    return make_response(page, HTTPStatus.UNPROCESSABLE_ENTITY)


@bp.get("/p/<slug>/history")
@db.writes
def past(slug: str) -> Response:
    """One's own judgments, newest first."""
    access = _enter(slug)
    page = history(db.session(), access, request.args.get("before", type=int))
    db.session().commit()
    return make_response(
        render_template("annotation/history.html", access=access, project=access.project, page=page)
    )


@bp.get("/p/<slug>/history/<submission_id>")
@db.writes
def reconsider(slug: str, submission_id: str) -> Response:
    """A judged pair as it was shown, with the verdict given."""
    session, access = db.session(), _enter(slug)
    judged = one_of_mine(session, access, submission_id)
    shown = show(session, judged.assigned)
    criteria = criteria_of(session, access.project)
    session.commit()
    return make_response(
        render_template(
            "annotation/reconsider.html",
            access=access,
            project=access.project,
            judged=judged,
            shown=shown,
            criteria=criteria,
            submission_id=opaque_id(),
        )
    )


@bp.post("/p/<slug>/history/<submission_id>")
def revise(slug: str, submission_id: str) -> BaseResponse:
    """Replace one's own judgment by another."""
    session, access = db.session(), _enter(slug)
    given = JudgmentIn.from_form({**request.form.to_dict(), "supersedes": submission_id})
    submit_judgment(session, access, given, Source.PAGE)
    session.commit()
    flash("Your judgment was changed.", "success")
    return web.see_other("annotation.past", slug=slug)
