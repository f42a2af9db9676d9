"""The page on which a reviewer settles what annotators are divided on."""

from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from sqlmodel import col
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.errors import Invalid, Problem, checked
from app.models import Comparison, Outcome, row_id
from app.permissions import Access
from app.review import disputes, verdicts
from app.review.forms import ReviewIn, VerdictIn

bp = Blueprint("review", __name__)

# Each is a prompt and two responses to read.
A_PAGE = 5

# In the order of the buttons.
OUTCOMES = (Outcome.A, Outcome.TIE, Outcome.BOTH_BAD, Outcome.B)


@bp.get("/p/<slug>/review")
def page(slug: str) -> Response:
    """What annotators are divided on, or what was settled."""
    access, _account = permissions.enter_signed_in(slug, "review")
    return _page(access)


@bp.post("/p/<slug>/review/<pair_id>")
def settle(slug: str, pair_id: str) -> Response | BaseResponse:
    """Give the final verdict on a comparison."""
    access, account = permissions.enter_signed_in(slug, "review")
    try:
        verdicts.settle(db.session(), access.project, pair_id, web.submitted(VerdictIn), by=account)
    except Invalid as problem:
        return _page(access, problem, verdicts.comparison(db.session(), access.project, pair_id))
    return web.saved(_("Settled. Exports follow this verdict."), "review.page", slug=slug)


@bp.post("/p/<slug>/review/<pair_id>/withdraw")
def withdraw(slug: str, pair_id: str) -> BaseResponse:
    """Leave a comparison to its annotators again."""
    access, account = permissions.enter_signed_in(slug, "review")
    verdicts.withdraw(db.session(), access.project, pair_id, by=account)
    return web.saved(_("The verdict is taken back."), "review.page", slug=slug)


def _page(access: Access, problem: Problem | None = None, refused: Comparison | None = None) -> Response:
    """Some comparisons; after a refused form the one it was about comes first."""
    settled = checked(ReviewIn, {"settled": request.args.get("settled", "false")}).settled
    after = web.number_asked("after") or 0
    if refused is not None:
        settled = verdicts.live(db.session(), refused) is not None
        after = row_id(refused) - 1
    query = verdicts.waiting(access.project, settled=settled)
    number: Any = col(Comparison.id)
    rows = db.session().execute(query.where(number > after).order_by(number).limit(A_PAGE + 1)).all()
    return web.page(
        "review/page.html",
        problem,
        access=access,
        project=access.project,
        settled=settled,
        refused=refused.pair_id if refused else None,
        outcomes=OUTCOMES,
        found=disputes.read(db.session(), [row.Comparison for row in rows[:A_PAGE]]),
        more=rows[A_PAGE - 1][-1] if len(rows) > A_PAGE else None,
    )
