"""The page that queues comparisons: choose, see what would be queued, confirm."""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from app import db, jobs, permissions, web
from app.errors import Invalid, checked
from app.pairing import pairs, work
from app.pairing.forms import PairingIn
from app.pairing.pairs import Preview
from app.permissions import Access

bp = Blueprint("pairing", __name__)


@bp.get("/p/<slug>/pair")
def page(slug: str) -> Response:
    """The form and, once it is filled in, what it would queue."""
    access = permissions.here(slug, "queue")
    if not request.args:
        return _page(access, PairingIn())
    try:
        asked = checked(PairingIn, _given())
        return _page(access, asked, pairs.quick_preview(db.lent(), access.project, asked))
    except Invalid as problem:
        return _page(access, PairingIn(), problem=problem)


def _page(
    access: Access, asked: PairingIn, preview: Preview | None = None, problem: Invalid | None = None
) -> Response:
    models = pairs.models_with_text(db.session(), access.project)
    response = web.page_or_fragment(
        "pairing/page.html",
        "preview",
        access=access,
        project=access.project,
        models=models,
        model_choices=[(name, name) for name, _ in models],
        asked=asked,
        values=request.values if problem else asked.model_dump(),
        errors=problem.by_field() if problem else {},
        problem=problem,
        preview=preview,
    )
    response.status_code = problem.status if problem else 200
    return response


def _given() -> dict[str, Any]:
    return {**request.values.to_dict(), "models": request.values.getlist("models")}


@bp.post("/p/<slug>/pair")
def queue(slug: str) -> BaseResponse:
    """Start the job that queues them."""
    session, (access, account) = db.session(), permissions.enter_signed_in(slug, "queue")
    try:
        asked = checked(PairingIn, _given())
        job = work.start(session, access.project, asked, by=account)
    except Invalid as problem:
        return _page(access, PairingIn(), problem=problem)
    session.commit()
    jobs.send(job)
    return web.see_other("joblist.job", slug=slug, uid=job.uid)
