"""Pages of the annotation room: the pair to judge, and what one has judged."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.annotation import care, drafts, media, page, seat, waiting
from app.annotation.asked import rubric_of
from app.annotation.assignments import ClosedError, reveal, skip
from app.annotation.desk import Desk, sit_down
from app.annotation.forms import HistoryQuery, JudgmentIn, SkipIn
from app.annotation.history import categories_of_mine, history, one_of_mine, replaced_by, said_again, skips
from app.annotation.judge import resubmit_to_archived, submit_judgment, undo
from app.annotation.pair import image_source, show
from app.annotation.reading import Reading, keep_reading, reading_of
from app.annotation.waiting import Left
from app.errors import Conflict, FieldError, Invalid, NotFound, Problem, checked
from app.flags.flagging import unseen
from app.models import Source, opaque_id
from app.permissions import Archived
from app.rubric import PLAIN

bp = Blueprint("annotation", __name__)

NOTHING_TO_UNDO = lazy_gettext("There is nothing to undo here yet.")
KEPT_WITH_IT = lazy_gettext("What you entered is kept with it.")
NEXT_PAIR = lazy_gettext("This is the next pair.")


@bp.get("/p/<slug>/judge")
@db.writes
def judge(slug: str) -> Response | BaseResponse:
    """The pair in hand, or the next one of the queue."""
    access = permissions.here(slug, "judge")
    # Where a page without JavaScript carries what its Undo takes back, a skip too.
    desk = sit_down(db.session(), access, undo=request.args.get("undo"))
    answers = unseen(db.session(), access)
    left = waiting.left(db.session(), access) if desk.shown else None
    db.session().commit()
    if desk.held:
        return web.see_other("learning.begin", slug=slug)
    context = page.context(desk, left=left, answers=answers)
    return make_response(render_template("annotation/judge.html", access=access, **context))


@bp.post("/p/<slug>/judge")
def submit(slug: str) -> Response | BaseResponse:
    """Record a verdict and answer with the next pair."""
    session = db.session()
    try:
        access = seat.enter(slug)
    except Archived as archived:
        resubmit_to_archived(session, archived, lambda: JudgmentIn.from_form(request.form), Source.PAGE)
        return _onward(slug, _("Your verdict was saved before the project was archived."))
    try:
        given = JudgmentIn.from_form(request.form)
        submitted = submit_judgment(session, access, given, Source.PAGE)
    except Invalid as problem:
        session.rollback()
        return _refused(slug, problem)
    except ClosedError as problem:
        return _set_aside(slug, problem)
    desk = sit_down(session, access, submitted, undo=given.assignment_id)
    session.commit()
    return _next(desk, slug, "judged")


@bp.post("/p/<slug>/judge/skip")
def skip_pair(slug: str) -> Response | BaseResponse:
    """Pass on the pair and answer with the next one."""
    session, access = db.session(), seat.enter(slug)
    uid, reason = request.form.get("assignment_id", ""), web.submitted(SkipIn).reason
    try:
        skip(session, access, uid, reason)
    except ClosedError as problem:
        session.rollback()
        return _onward(slug, f"{problem.detail} {NEXT_PAIR}")
    desk = sit_down(session, access, undo=uid)
    session.commit()
    return _next(desk, slug, "skipped")


@bp.post("/p/<slug>/judge/undo")
def undo_last(slug: str) -> Response | BaseResponse:
    """Bring back the pair judged or skipped last."""
    session, access = db.session(), permissions.here(slug, "judge")
    if undo(session, access, request.form.get("undo") or None) is None:
        raise Conflict(str(NOTHING_TO_UNDO))
    desk = sit_down(session, access)
    session.commit()
    return _next(desk, slug, "undone")


def _next(desk: Desk, slug: str, done: str) -> Response | BaseResponse:
    if not web.wants_fragment():
        flash(str(page.DONE[done]), "success")
        if desk.told:
            flash(page.in_a_line(desk.told), "warning")
        return web.see_other("annotation.judge", slug=slug, undo=desk.undo)
    return Response(page.fragment(desk, done), mimetype="text/html")


def _set_aside(slug: str, problem: Problem) -> BaseResponse:
    """Of a pair that was dealt with in another tab: keep what was entered here, and show where it lies."""
    session = db.session()
    session.rollback()
    judged = drafts.set_aside(
        session, permissions.here(slug, "judge"), request.form.get("assignment_id", ""), request.form
    )
    session.commit()
    if judged is None:
        return _onward(slug, f"{problem.detail} {KEPT_WITH_IT} {NEXT_PAIR}")
    return _go(url_for("annotation.reconsider", slug=slug, submission_id=judged))


def _onward(slug: str, message: str) -> BaseResponse:
    flash(message, "info")
    return _go(url_for("annotation.judge", slug=slug))


def _go(address: str) -> BaseResponse:
    if web.wants_fragment():
        return Response(headers={"HX-Redirect": address})
    return redirect(address, HTTPStatus.SEE_OTHER)


def _refused(slug: str, problem: Invalid) -> Response | BaseResponse:
    """The same pair again, with what was entered and what is wrong with it."""
    session, access = db.session(), permissions.here(slug, "judge")
    desk = sit_down(session, access)
    if desk.shown is None or desk.shown.assignment_id != request.form.get("assignment_id"):
        return _set_aside(slug, problem)
    session.commit()
    left = Left.sent(request.form.get("left", ""))
    context = page.context(desk, request.form, errors=_errors(problem), left=left)
    template = "annotation/_pair.html" if web.wants_fragment() else "annotation/judge.html"
    refused = render_template(template, access=access, fragment=web.wants_fragment(), **context)
    return make_response(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def _errors(problem: Invalid) -> list[FieldError]:
    return problem.errors or [FieldError("/", problem.detail)]


@bp.post("/p/<slug>/judge/draft")
def save_draft(slug: str) -> Response:
    """Keep what is entered for a pair so far, for the page that saves it by itself."""
    session, access = db.session(), permissions.here(slug, "judge")
    uid, version = request.form.get("assignment_id", ""), request.form.get("draft_version", 0, web.row_number)
    try:
        saved = drafts.save(session, access, uid, version, request.form)
    except drafts.NewerDraftError as problem:
        return make_response({"version": problem.version, "detail": problem.detail}, problem.status)
    session.commit()
    if saved is None:
        return make_response("", HTTPStatus.NO_CONTENT)
    return make_response({"version": saved})


@bp.get("/p/<slug>/judge/<uid>/<any(prompt, a, b):place>/<int:number>")
def image(slug: str, uid: str, place: str, number: int) -> Response:
    """An image of a pair one has before one, from where it lies: only for whoever asked for it."""
    session, access = db.session(), permissions.here(slug, "see the project")
    pair = media.on_desk(session, access, web.signed_in(), uid)
    source = image_source(session, access.project, pair, place, number)
    shown = make_response(render_template("annotation/image.html", source=source))
    shown.headers["Content-Security-Policy"] = media.CONTENT_SECURITY_POLICY
    return shown


@bp.post("/p/<slug>/view")
def keep_view(slug: str) -> Response | BaseResponse:
    """Remember how the asker reads; where htmx asks, show the responses before them so."""
    session, access, asker = db.session(), permissions.here(slug, "judge"), web.signed_in()
    reading = keep_reading(session, asker, web.submitted(Reading))
    trial = request.form.get("trial_id")
    uid = request.form.get("assignment_id") or trial
    shown = show(session, access, media.on_desk(session, access, asker, uid), reading) if uid else None
    session.commit()
    if web.wants_fragment():
        return make_response(render_template("annotation/_responses.html", shown=shown) if shown else "")
    if judgment := request.form.get("judgment"):
        return web.see_other("annotation.reconsider", slug=slug, submission_id=judgment)
    if trial:
        return web.see_other("learning.practise", slug=slug)
    return web.see_other("annotation.judge", slug=slug)


@bp.get("/p/<slug>/history")
def past(slug: str) -> Response | BaseResponse:
    """One's own judgments, newest first."""
    access = permissions.here(slug, "read your judgments")
    try:
        query = checked(HistoryQuery, request.args.to_dict())
    except Invalid:
        flash(_("Nothing of yours fits what you asked for."), "info")
        return web.see_other("annotation.past", slug=slug)
    listed = skips if query.show == "skipped" else history
    found = listed(db.session(), access, query, web.number_asked("before"))
    categories = categories_of_mine(db.session(), access)
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
def reconsider(slug: str, submission_id: str) -> Response | BaseResponse:
    """A judged pair as it was shown, with the verdict given, or what was entered for it since.

    Where the verdict is final it is only shown.
    """
    try:
        return _reconsidered(slug, submission_id)
    except NotFound as problem:
        return _replaced(slug, submission_id, problem)


def _replaced(slug: str, submission_id: str, problem: NotFound) -> BaseResponse:
    """Whoever goes back to a judgment they changed finds the one in its place."""
    session = db.session()
    session.rollback()
    if live := replaced_by(session, permissions.here(slug, "judge"), submission_id):
        return web.see_other("annotation.reconsider", slug=slug, submission_id=live)
    flash(problem.detail, "info")
    return web.see_other("annotation.past", slug=slug)


@bp.post("/p/<slug>/history/<submission_id>")
def revise(slug: str, submission_id: str) -> Response | BaseResponse:
    """Replace one's own judgment by another."""
    session, access = db.session(), permissions.here(slug, "judge")
    try:
        given = JudgmentIn.from_form(request.form, supersedes=submission_id)
        submit_judgment(session, access, given, Source.PAGE)
    except Invalid as problem:
        session.rollback()
        return _reconsidered(slug, submission_id, request.form, _errors(problem))
    except ClosedError as problem:
        return _set_aside(slug, problem)
    return web.saved(_("Your judgment was changed."), "annotation.past", slug=slug)


@bp.post("/p/<slug>/history/<submission_id>/leave")
def leave(slug: str, submission_id: str) -> BaseResponse:
    """Leave a judgment as it is, and forget what was entered for its pair since."""
    session, access = db.session(), permissions.here(slug, "judge")
    drafts.forget(session, access, one_of_mine(session, access, submission_id).assigned.uid)
    return web.saved(_("Your judgment stays as it was."), "annotation.judge", slug=slug)


def _reconsidered(
    slug: str,
    submission_id: str,
    sent: "MultiDict[str, str] | None" = None,
    errors: Sequence[FieldError] = (),
) -> Response:
    session, access = db.session(), permissions.here(slug, "judge")
    judged = one_of_mine(session, access, submission_id)
    reading = reading_of(access)
    shown = show(session, access, judged.assigned, reading)
    entered = drafts.read(session, judged.assigned.id) if judged.assigned.draft else None
    said = said_again(session, judged)
    version, rubric = rubric_of(session, judged.rubric_id)
    session.commit()
    template = render_template(
        "annotation/seen.html" if judged.final else "annotation/reconsider.html",
        access=access,
        project=access.project,
        judged=judged,
        entered=entered,
        values=sent or entered or said,
        errors=errors,
        reading=reading,
        shown=shown,
        # What they were not asked then is not asked of a slip that they mend now.
        rubric=PLAIN if judged.final else rubric,
        rubric_version=version,
        submission_id=opaque_id(),
        told=page.in_words(judged.told) if judged.told else "",
    )
    return make_response(template, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK)


@bp.post("/p/<slug>/history/<submission_id>/reveal")
def reveal_models(slug: str, submission_id: str) -> BaseResponse:
    """Name the models of a pair one has judged; its verdict stays from then on."""
    session, access = db.session(), permissions.here(slug, "judge")
    reveal(session, access, one_of_mine(session, access, submission_id).assigned.uid)
    return web.saved(_("The models are named. This verdict stays as it is."), "annotation.past", slug=slug)


@bp.get("/p/<slug>/limits")
def limits(slug: str) -> Response:
    """What the asker would rather not judge, and what else spares them."""
    session, access = db.session(), permissions.here(slug, "judge")
    return web.page(
        "annotation/limits.html",
        access=access,
        project=access.project,
        categories=care.categories(session, access.project),
        declined=care.declined(session, access),
    )


@bp.post("/p/<slug>/limits")
def set_limits(slug: str) -> BaseResponse:
    """Spare the asker the categories they name."""
    given = checked(care.DeclinesIn, {"categories": request.form.getlist("categories")})
    care.decline(db.session(), permissions.here(slug, "judge"), given)
    return web.saved(_("Saved. The queue keeps to it."), "annotation.limits", slug=slug)


@bp.post("/p/<slug>/break")
def rest(slug: str) -> BaseResponse:
    """Count whether a suggested break was taken; it stops nobody."""
    care.suggest_break(db.session(), permissions.here(slug, "judge"), web.submitted(care.BreakIn))
    db.session().commit()
    if web.wants_fragment():
        return Response(status=HTTPStatus.NO_CONTENT)
    return web.see_other("annotation.judge", slug=slug)
