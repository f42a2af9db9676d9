"""Webhooks over the API."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app import db
from app.api.answers import Answer
from app.api.auth import account, enter
from app.api.operations import delete, get, post, put, saved
from app.api.paging import Page, PageIn, page
from app.api.reading import asked, received
from app.models import Delivery, DeliveryState, Event, Scope, Webhook
from app.permissions import Access
from app.webhooks import alerts, registry
from app.webhooks.forms import WebhookIn


class WebhookOut(Answer):
    """An address that is told of events; its secret is told once, when it is added."""

    uid: str
    url: str
    events: list[Event]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    secret: str | None = Field(None, validation_alias="told_once")


class DeliveryOut(Answer):
    """One event for one webhook, and what came of the last attempt."""

    uid: str = Field(description="The webhook-id header.")
    payload: dict[str, Any]
    state: DeliveryState
    attempts: int
    next_at: datetime
    status: int | None
    answer: str | None
    created_at: datetime
    tried_at: datetime | None


class AlertOut(Answer):
    """Something that a lead should look at."""

    kind: str
    subject: str
    detail: dict[str, Any]
    created_at: datetime


ONE = "/projects/<slug>/webhooks/<uid>"


def _one(slug: str, uid: str) -> tuple[Access, Webhook]:
    access = enter(slug, "manage")
    return access, registry.find(db.session(), access.project, uid)


@get("/projects/<slug>/webhooks", scope=Scope.MANAGE, gives=Page[WebhookOut])
def webhooks(slug: str) -> Page[WebhookOut]:
    """The webhooks of a project."""
    found = registry.of(db.session(), enter(slug, "manage").project)
    return Page(items=[WebhookOut.model_validate(one) for one in found])


@post(
    "/projects/<slug>/webhooks",
    scope=Scope.MANAGE,
    takes=WebhookIn,
    gives=WebhookOut,
    status=201,
    repeatable=True,
)
def add_webhook(slug: str) -> WebhookOut:
    """Tell an address of what happens from now on; the secret is told once."""
    access, given = enter(slug, "manage"), received(WebhookIn)
    made = registry.add(db.session(), access.project, given, by=account())
    answer = WebhookOut.model_validate(made)
    answer.secret = made.secret
    return saved(answer)


@put(ONE, scope=Scope.MANAGE, takes=WebhookIn, gives=WebhookOut)
def change_webhook(slug: str, uid: str) -> WebhookOut:
    """Send elsewhere, or other events."""
    access, webhook = _one(slug, uid)
    registry.change(db.session(), access.project, webhook, received(WebhookIn), by=account())
    return saved(WebhookOut.model_validate(webhook))


@post(f"{ONE}/enable", scope=Scope.MANAGE, gives=WebhookOut)
def enable_webhook(slug: str, uid: str) -> WebhookOut:
    """Switch a webhook on again; what waited is sent."""
    access, webhook = _one(slug, uid)
    registry.enable(db.session(), access.project, webhook, by=account())
    return saved(WebhookOut.model_validate(webhook))


@post(f"{ONE}/disable", scope=Scope.MANAGE, gives=WebhookOut)
def disable_webhook(slug: str, uid: str) -> WebhookOut:
    """Switch a webhook off; what waits goes on waiting."""
    access, webhook = _one(slug, uid)
    registry.disable(db.session(), access.project, webhook, by=account())
    return saved(WebhookOut.model_validate(webhook))


@post(f"{ONE}/test", scope=Scope.MANAGE)
def test_webhook(slug: str, uid: str) -> None:
    """Send a message that says nothing."""
    access, webhook = _one(slug, uid)
    registry.test(db.session(), access.project, webhook)
    db.session().commit()


@delete(ONE, scope=Scope.MANAGE)
def remove_webhook(slug: str, uid: str) -> None:
    """Forget a webhook and what was sent to it."""
    access, webhook = _one(slug, uid)
    registry.remove(db.session(), access.project, webhook, by=account())
    db.session().commit()


@get(f"{ONE}/deliveries", scope=Scope.MANAGE, query=PageIn, gives=Page[DeliveryOut])
def webhook_deliveries(slug: str, uid: str) -> Page[DeliveryOut]:
    """What was sent to a webhook, and what came back, newest first."""
    found = registry.deliveries(_one(slug, uid)[1])
    return page(
        db.session(),
        found,
        asked(PageIn),
        lambda row: DeliveryOut.model_validate(row.Delivery),
        by=Delivery.id,
        newest_first=True,
    )


@post(f"{ONE}/deliveries/<delivery>/resend", scope=Scope.MANAGE, gives=DeliveryOut)
def resend_delivery(slug: str, uid: str, delivery: str) -> DeliveryOut:
    """Send a delivery once more."""
    access, webhook = _one(slug, uid)
    found = registry.resend(db.session(), access.project, webhook, delivery, by=account())
    return saved(DeliveryOut.model_validate(found))


@get("/projects/<slug>/alerts", scope=Scope.MANAGE, gives=Page[AlertOut])
def project_alerts(slug: str) -> Page[AlertOut]:
    """What a lead should look at; looked for each minute where a webhook is told of alerts."""
    found = alerts.live(db.session(), enter(slug, "manage").project)
    return Page(items=[AlertOut.model_validate(one) for one in found])
