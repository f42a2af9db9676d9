"""Pages of flags: an annotator writes one and reads the answer, the lead answers."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, request
from flask import render_template as render
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.annotation.claim import assigned_to
from app.annotation.pair import show_all
from app.errors import Conflict, Invalid, Problem
from app.flags import flagging
from app.flags.flagging import Flagged
from app.flags.forms import FlagIn, SettleIn
from app.models import Flag, FlagKind, FlagState, row_id
from app.permissions import Access

bp = Blueprint("flags", __name__)


@bp.get("/p/<slug>/judge/flag")
@db.writes
def write(slug: str) -> Response:
    """A form to tell the lead about a pair."""
    access, uid = permissions.here(slug, "judge"), request.args.get("assignment", "")
    assigned_to(db.session(), access, uid)
    db.session().commit()
    return _form(access, uid)


@bp.post("/p/<slug>/judge/flag")
def send(slug: str) -> Response | BaseResponse:
    """Tell the lead about a pair, and go back to it."""
    access, uid = permissions.here(slug, "judge"), request.form.get("assignment", "")
    try:
        flagging.raise_flag(db.session(), access, uid, web.submitted(FlagIn))
    except Invalid as problem:
        return _form(access, uid, problem)
    db.session().commit()
    flash(
        _("Your lead has it now, and the answer will be shown to you. Judge or skip the pair as you see fit.")
    )
    return web.see_other("annotation.judge", slug=slug)


def _form(access: Access, uid: str, problem: Invalid | None = None) -> Response:
    return web.page(
        "flags/write.html", problem, access=access, project=access.project, assignment=uid, kinds=FlagKind
    )


@bp.get("/p/<slug>/judge/flags")
@db.writes
def mine(slug: str) -> Response:
    """One's own flags, with the lead's answers, which are seen from then on."""
    session, access = db.session(), permissions.here(slug, "read your judgments")
    found = flagging.mine(session, access, web.number_asked("before"))
    shown = found[: flagging.A_PAGE]
    about = flagging.about(session, access, shown)
    page = render("flags/mine.html", access=access, project=access.project, about=about, **_page(found))
    flagging.see(session, shown)
    session.commit()
    return Response(page)


@bp.get("/p/<slug>/flags")
def show(slug: str) -> Response:
    """What annotators tell the lead: what is open, or what was closed."""
    access = permissions.here(slug, "manage")
    state = FlagState.CLOSED if request.args.get("show") == "closed" else FlagState.OPEN
    return _list(access, state, web.number_asked("before"))


def _list(
    access: Access, state: FlagState, before: int | None, problem: Problem | None = None, refused: str = ""
) -> Response:
    session = db.session()
    page = _page(flagging.of_project(session, access, state, before))
    return web.page(
        "flags/show.html",
        problem,
        access=access,
        project=access.project,
        state=state,
        open=flagging.count_open(session, access),
        pairs=show_all(session, access, [one.assigned for one in page["rows"]]),
        refused=refused,
        **page,
    )


def _page(found: Sequence[Flag] | Sequence[Flagged]) -> dict[str, Any]:
    """A page's rows, and where the following ones begin."""
    rows = found[: flagging.A_PAGE]
    return {"rows": rows, "older": rows[-1].id if len(found) > flagging.A_PAGE else None}


@bp.post("/p/<slug>/flags/<uid>")
def settle(slug: str, uid: str) -> Response | BaseResponse:
    """Answer a flag, close it, take its pair out of the queue or put it back."""
    session, access = db.session(), permissions.here(slug, "manage")
    try:
        flagging.settle(session, access, uid, web.submitted(SettleIn))
    except (Invalid, Conflict) as problem:
        session.rollback()
        flag = flagging.find(session, access, uid)
        # From this flag on: it may have moved to another page, or among the closed ones.
        return _list(access, flag.state, row_id(flag) + 1, problem, uid)
    return web.saved(
        _("Done. Whoever flagged it sees your answer on their next page."), "flags.show", slug=slug
    )
