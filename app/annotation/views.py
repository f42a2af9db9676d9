"""Pages of the annotation room: the pair to judge, and what one has judged."""

from http import HTTPStatus

from flask import Blueprint, Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.annotation import page, seat
from app.annotation.asked import live_rubric
from app.annotation.claim import assigned_to
from app.annotation.desk import Desk, sit_down
from app.annotation.forms import HistoryQuery, JudgmentIn, SkipIn
from app.annotation.history import categories_of_mine, history, one_of_mine, said_again, skips
from app.annotation.judge import ClosedError, reveal, skip, submit_judgment, undo
from app.annotation.pair import show
from app.annotation.reading import Reading, keep_reading, reading_of
from app.errors import Conflict, FieldError, Invalid, checked
from app.models import Source, opaque_id
from app.permissions import Access

bp = Blueprint("annotation", __name__)

NOTHING_TO_UNDO = lazy_gettext("There is nothing to undo here yet.")


def _enter(slug: str) -> Access:
    return permissions.enter(db.session(), web.account(), slug, "judge")


@bp.get("/p/<slug>/judge")
@db.writes
def judge(slug: str) -> Response:
    """The pair in hand, or the next one of the queue."""
    access = _enter(slug)
    # Where a page without JavaScript carries what its Undo takes back, a skip too.
    desk = sit_down(db.session(), access, undo=request.args.get("undo"))
    db.session().commit()
    return make_response(render_template("annotation/judge.html", access=access, **page.context(desk)))


@bp.post("/p/<slug>/judge")
def submit(slug: str) -> Response | BaseResponse:
    """Record a verdict and answer with the next pair."""
    session, access = db.session(), seat.enter(slug)
    try:
        given = JudgmentIn.from_form(request.form)
        submitted = submit_judgment(session, access, given, Source.PAGE)
    except Invalid as problem:
        session.rollback()
        return _refused(slug, problem)
    except ClosedError as problem:
        return _onward(slug, problem)
    desk = sit_down(session, access, submitted, undo=given.assignment_id)
    session.commit()
    return _next(desk, slug)


@bp.post("/p/<slug>/judge/skip")
def skip_pair(slug: str) -> Response | BaseResponse:
    """Pass on the pair and answer with the next one."""
    session, access = db.session(), seat.enter(slug)
    uid, reason = request.form.get("assignment_id", ""), web.submitted(SkipIn).reason
    try:
        skip(session, access, uid, reason)
    except ClosedError as problem:
        return _onward(slug, problem)
    desk = sit_down(session, access, undo=uid)
    session.commit()
    return _next(desk, slug)


@bp.post("/p/<slug>/judge/undo")
def undo_last(slug: str) -> Response | BaseResponse:
    """Bring back the pair judged or skipped last."""
    session, access = db.session(), _enter(slug)
    if undo(session, access, request.form.get("undo") or None) is None:
        raise Conflict(str(NOTHING_TO_UNDO))
    desk = sit_down(session, access)
    session.commit()
    return _next(desk, slug)


def _next(desk: Desk, slug: str) -> Response | BaseResponse:
    if not web.wants_fragment():
        return web.see_other("annotation.judge", slug=slug, undo=desk.undo)
    return Response(page.fragment(desk), mimetype="text/html")


def _onward(slug: str, problem: ClosedError) -> BaseResponse:
    """From a pair that was dealt with in another tab to the one that is next, saying why."""
    db.session().rollback()
    flash(problem.detail + " " + _("This is the next pair."), "info")
    if web.wants_fragment():
        return Response(headers={"HX-Redirect": url_for("annotation.judge", slug=slug)})
    return web.see_other("annotation.judge", slug=slug)


def _refused(slug: str, problem: Invalid) -> Response:
    """The same pair again, with what was entered and what is wrong with it."""
    session, access = db.session(), _enter(slug)
    desk = sit_down(session, access)
    session.commit()
    context = page.context(desk, request.form, errors=problem.errors or [FieldError("/", problem.detail)])
    template = "annotation/_pair.html" if web.wants_fragment() else "annotation/judge.html"
    refused = render_template(template, access=access, fragment=web.wants_fragment(), **context)
    return make_response(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


@bp.post("/p/<slug>/view")
def keep_view(slug: str) -> Response | BaseResponse:
    """Remember how the asker reads; where htmx asks, show the responses before them so."""
    session, access, uid = db.session(), _enter(slug), request.form.get("assignment_id", "")
    reading = keep_reading(session, access, web.submitted(Reading))
    shown = show(session, assigned_to(session, access, uid), reading) if uid else None
    session.commit()
    if web.wants_fragment():
        return make_response(render_template("annotation/_responses.html", shown=shown) if shown else "")
    if judgment := request.form.get("judgment"):
        return web.see_other("annotation.reconsider", slug=slug, submission_id=judgment)
    return web.see_other("annotation.judge", slug=slug)


@bp.get("/p/<slug>/history")
@db.writes
def past(slug: str) -> Response:
    """One's own judgments, newest first."""
    access = _enter(slug)
    query = checked(HistoryQuery, request.args.to_dict())
    listed = skips if query.show == "skipped" else history
    found = listed(db.session(), access, query, request.args.get("before", type=web.row_number))
    categories = categories_of_mine(db.session(), access)
    db.session().commit()
    return make_response(
        render_template(
            "annotation/history.html",
            access=access,
            project=access.project,
            page=found,
            query=query,
            categories=categories,
        )
    )


@bp.get("/p/<slug>/history/<submission_id>")
@db.writes
def reconsider(slug: str, submission_id: str) -> Response:
    """A judged pair as it was shown, with the verdict given."""
    session, access = db.session(), _enter(slug)
    judged = one_of_mine(session, access, submission_id)
    reading = reading_of(access)
    shown = show(session, judged.assigned, reading)
    values = said_again(session, judged)
    version, rubric = live_rubric(session, access.project)
    session.commit()
    return make_response(
        render_template(
            "annotation/reconsider.html",
            access=access,
            project=access.project,
            judged=judged,
            values=values,
            reading=reading,
            shown=shown,
            rubric=rubric,
            rubric_version=version,
            submission_id=opaque_id(),
        )
    )


@bp.post("/p/<slug>/history/<submission_id>")
def revise(slug: str, submission_id: str) -> BaseResponse:
    """Replace one's own judgment by another."""
    session, access = db.session(), _enter(slug)
    given = JudgmentIn.from_form(request.form, supersedes=submission_id)
    submit_judgment(session, access, given, Source.PAGE)
    return web.saved(_("Your judgment was changed."), "annotation.past", slug=slug)


@bp.post("/p/<slug>/history/<submission_id>/reveal")
def reveal_models(slug: str, submission_id: str) -> BaseResponse:
    """Name the models of a pair one has judged; its verdict stays from then on."""
    session, access = db.session(), _enter(slug)
    reveal(session, access, one_of_mine(session, access, submission_id).assigned.uid)
    return web.saved(_("The models are named. This verdict stays as it is."), "annotation.past", slug=slug)
