"""Pages on the way to live judging, and the lead's page about it."""

from http import HTTPStatus

from flask import Blueprint, Response, request
from flask import render_template as render
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.annotation import care, care_counts
from app.annotation import page as pairs
from app.annotation.asked import live_rubric
from app.annotation.claim import Assigned
from app.annotation.pair import show
from app.annotation.readiness import newest_guideline, read_guideline
from app.annotation.reading import reading_of
from app.errors import Invalid, Problem, checked
from app.learning import lessons, people, trials
from app.learning.forms import DecisionIn, GoldIn, PassIn, TrialIn, VersionIn
from app.learning.trials import Answered, Way
from app.models import GoldUse, Source, Stage
from app.permissions import Access
from app.rubric import Rubric
from app.text import render_markdown

bp = Blueprint("learning", __name__)


# The annotator's way


@bp.get("/p/<slug>/begin")
@db.writes
def begin(slug: str) -> Response:
    """What somebody does before their first live pair, and how far they are."""
    access = permissions.here(slug, "judge")
    found = trials.way(db.session(), access)
    read = trials.has_read(db.session(), access)
    version = newest_guideline(db.session(), access.project.id)
    sizes = trials.pool_sizes(db.session(), access.project, access)
    test = min(sizes[GoldUse.TEST], access.project.test_size)
    chosen = test or trials.pool_sizes(db.session(), access.project)[GoldUse.TEST]
    db.session().commit()
    page = render(
        "learning/begin.html",
        access=access,
        project=access.project,
        way=found,
        read=read,
        warned=found.warned or not access.project.warning,
        warning=render_markdown(access.project.warning or ""),
        version=version,
        lessons=sizes[GoldUse.TRAINING],
        test=test,
        chosen=chosen,
    )
    return Response(page)


@bp.post("/p/<slug>/begin/warning")
def acknowledge(slug: str) -> BaseResponse:
    """Remember that somebody has read the project's warning."""
    care.acknowledge(db.session(), permissions.here(slug, "judge"))
    db.session().commit()
    return web.see_other("learning.begin", slug=slug)


@bp.post("/p/<slug>/begin/test")
def begin_test(slug: str) -> BaseResponse:
    """Begin a go at the test, or go on with it."""
    trials.begin_test(db.session(), permissions.here(slug, "judge"))
    db.session().commit()
    return web.see_other("learning.practise", slug=slug)


@bp.get("/p/<slug>/practice")
@db.writes
def practise(slug: str) -> Response | BaseResponse:
    """The pair in hand of the training round or the test; ``told`` names one just answered, explained."""
    access, uid = permissions.here(slug, "judge"), request.args.get("told")
    told = trials.lesson(db.session(), access, uid) if uid else None
    found = trials.way(db.session(), access)
    shown = told.trial if told else found.trial
    if shown is None or (access.project.warning and not found.warned):
        db.session().commit()
        return web.see_other("learning.begin", slug=slug)
    return _practice_page(access, found, shown, told)


@bp.post("/p/<slug>/practice")
def answer_trial(slug: str) -> Response | BaseResponse:
    """Take a verdict: explain it in the training round, go on in a test."""
    access = permissions.here(slug, "judge")
    try:
        answered = trials.answer(db.session(), access, web.submitted(TrialIn), Source.PAGE)
    except Invalid as problem:
        found = trials.way(db.session(), access)
        if found.trial is None:
            raise
        return _practice_page(access, found, found.trial, problem=problem)
    db.session().commit()
    if answered.stage == Stage.TRAINING:
        return web.see_other("learning.practise", slug=slug, told=answered.trial.uid)
    return web.see_other("learning.practise", slug=slug)


@bp.post("/p/<slug>/practice/skip")
def pass_over(slug: str) -> BaseResponse:
    """Go on without a covered pair."""
    trials.pass_over(db.session(), permissions.here(slug, "judge"), web.submitted(PassIn))
    db.session().commit()
    return web.see_other("learning.practise", slug=slug)


def _practice_page(
    access: Access, found: Way, shown: Assigned, told: Answered | None = None, problem: Problem | None = None
) -> Response:
    session = db.session()
    reading = reading_of(access)
    # No more than a verdict is asked for here.
    asked = live_rubric(session, access.project)[1]
    rubric = Rubric(points=asked.points, both_bad=asked.both_bad)
    pair = show(session, access, shown, reading)
    session.commit()
    page = render(
        "learning/practice.html",
        access=access,
        project=access.project,
        way=found,
        shown=pair,
        reading=reading,
        rubric=rubric,
        told=told,
        verdicts=pairs.VERDICTS,
        sample=MultiDict(),
        errors=problem.errors if problem else [],
    )
    return Response(page, HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK)


@bp.post("/p/<slug>/guideline/read")
def mark_read(slug: str) -> BaseResponse:
    """Remember that somebody has read the guideline."""
    read_guideline(db.session(), permissions.here(slug, "judge"), web.submitted(VersionIn).version)
    db.session().commit()
    return web.see_other("annotation.judge", slug=slug)


# The lead's side


@bp.get("/p/<slug>/learning")
def overview(slug: str) -> Response:
    """Who is how far, and which gold comparisons are for what."""
    access, _account = permissions.manage(slug)
    return _overview(access)


@bp.post("/p/<slug>/learning/gold")
def use_gold(slug: str) -> Response | BaseResponse:
    """Say of the gold comparisons on the page what each is for and why its verdict is right."""
    access, account = permissions.manage(slug)
    try:
        changed = lessons.use(db.session(), access.project, _wanted(), by=account)
    except Invalid as problem:
        return _overview(access, problem)
    said = ngettext("%(num)s gold comparison changed.", "%(num)s gold comparisons changed.", changed)
    if not changed:
        said = _("Nothing was changed.")
    return web.saved(said, "learning.overview", slug=slug, after=request.form.get("after") or None)


def _wanted() -> dict[str, GoldIn]:
    keys = request.form.getlist("pair")
    return {
        key: checked(GoldIn, {name: request.form.get(f"{name}:{key}", "") for name in GoldIn.model_fields})
        for key in keys
    }


_DECIDED = {
    Stage.LIVE: lazy_gettext("They judge live now."),
    Stage.TRAINING: lazy_gettext("They begin again with the training."),
    Stage.TEST: lazy_gettext("They begin again with the test."),
}


@bp.post("/p/<slug>/learning/people/<uid>")
def decide(slug: str, uid: str) -> BaseResponse:
    """Let somebody in, or let them start over."""
    access, account = permissions.manage(slug)
    stage = people.decide(db.session(), access.project, uid, web.submitted(DecisionIn).decision, by=account)
    return web.saved(str(_DECIDED[stage]), "learning.overview", slug=slug)


def _overview(access: Access, problem: Problem | None = None) -> Response:
    session, project = db.session(), access.project
    after = request.values.get("after", type=web.row_number)
    return web.page(
        "learning/overview.html",
        problem,
        access=access,
        project=project,
        people=people.of(session, project),
        gold=lessons.page(session, project, after),
        after=after,
        cared=care_counts.lately(session, project),
        declines=care.declines(session, project),
        days=care_counts.DAYS,
        sizes=trials.pool_sizes(session, project),
    )
