"""The pages of webhooks: which there are, and what was sent to each."""

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import db, permissions, web
from app.accounts import session as sign_in_session
from app.errors import Invalid, Problem, checked
from app.models import Account, Event, Webhook
from app.permissions import Access
from app.webhooks import (
    alerts,
    registry,
    sending,  # noqa: F401 -- what a worker looks after registers itself
)
from app.webhooks.forms import WebhookIn

bp = Blueprint("webhooks", __name__)

SHOWN = 100


def _one(slug: str, uid: str) -> tuple[Access, Account, Webhook]:
    access, account = permissions.manage(slug)
    return access, account, registry.find(db.session(), access.project, uid)


def _given() -> WebhookIn:
    return checked(WebhookIn, {"url": request.form.get("url", ""), "events": request.form.getlist("events")})


@bp.get("/p/<slug>/webhooks")
def page(slug: str) -> Response:
    """The webhooks, and what a lead should look at."""
    access, _account = permissions.manage(slug)
    return _page(access)


@bp.post("/p/<slug>/webhooks")
def add(slug: str) -> Response | BaseResponse:
    """Tell an address of what happens."""
    access, account = permissions.manage(slug)
    try:
        made = registry.add(db.session(), access.project, _given(), by=account)
    except Invalid as problem:
        return _page(access, problem)
    db.session().commit()
    sign_in_session.show_once("webhook", made.secret)
    return web.see_other("webhooks.show", slug=slug, uid=made.uid)


def _page(access: Access, problem: Problem | None = None) -> Response:
    return web.page(
        "webhooks/page.html",
        problem,
        access=access,
        project=access.project,
        webhooks=registry.of(db.session(), access.project),
        alerts=alerts.live(db.session(), access.project),
        chosen=request.form.getlist("events") if problem else list(Event),
    )


@bp.get("/p/<slug>/webhooks/<uid>")
def show(slug: str, uid: str) -> Response:
    """One webhook, and what was sent to it."""
    access, _account, webhook = _one(slug, uid)
    return _webhook_page(access, webhook)


@bp.post("/p/<slug>/webhooks/<uid>")
def change(slug: str, uid: str) -> Response | BaseResponse:
    """Send elsewhere, or other events."""
    access, account, webhook = _one(slug, uid)
    try:
        registry.change(db.session(), access.project, webhook, _given(), by=account)
    except Invalid as problem:
        return _webhook_page(access, webhook, problem)
    return web.saved(_("Saved."), "webhooks.show", slug=slug, uid=uid)


def _webhook_page(access: Access, webhook: Webhook, problem: Problem | None = None) -> Response:
    newest = registry.deliveries(webhook).order_by(registry.NEWEST_FIRST).limit(SHOWN)
    return web.page(
        "webhooks/show.html",
        problem,
        values={"url": webhook.url},
        access=access,
        project=access.project,
        webhook=webhook,
        chosen=request.form.getlist("events") if problem else webhook.events,
        deliveries=[delivery for delivery, _ in db.session().execute(newest)],
        shown=SHOWN,
        secret=sign_in_session.shown_once("webhook"),
    )


@bp.post("/p/<slug>/webhooks/<uid>/test")
def test(slug: str, uid: str) -> BaseResponse:
    """Send a message that says nothing."""
    access, _account, webhook = _one(slug, uid)
    registry.test(db.session(), access.project, webhook)
    return web.saved(_("A test is on its way."), "webhooks.show", slug=slug, uid=uid)


@bp.post("/p/<slug>/webhooks/<uid>/enable")
def enable(slug: str, uid: str) -> BaseResponse:
    """Switch it on again."""
    access, account, webhook = _one(slug, uid)
    registry.enable(db.session(), access.project, webhook, by=account)
    return web.saved(_("The webhook is on. What waited is being sent."), "webhooks.show", slug=slug, uid=uid)


@bp.post("/p/<slug>/webhooks/<uid>/disable")
def disable(slug: str, uid: str) -> BaseResponse:
    """Switch it off."""
    access, account, webhook = _one(slug, uid)
    registry.disable(db.session(), access.project, webhook, by=account)
    return web.saved(_("The webhook is off."), "webhooks.show", slug=slug, uid=uid)


@bp.post("/p/<slug>/webhooks/<uid>/remove")
def remove(slug: str, uid: str) -> BaseResponse:
    """Forget it and its deliveries."""
    access, account, webhook = _one(slug, uid)
    registry.remove(db.session(), access.project, webhook, by=account)
    return web.saved(_("The webhook is removed."), "webhooks.page", slug=slug)


@bp.post("/p/<slug>/webhooks/<uid>/deliveries/<delivery>/resend")
def resend(slug: str, uid: str, delivery: str) -> BaseResponse:
    """Send a delivery once more."""
    access, account, webhook = _one(slug, uid)
    registry.resend(db.session(), access.project, webhook, delivery, by=account)
    return web.saved(_("It is being sent again."), "webhooks.show", slug=slug, uid=uid)
