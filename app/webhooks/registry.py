"""A project's webhooks: added, changed, switched off and on, removed, and what was sent to them."""

from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, web
from app.errors import Conflict, Invalid, NotFound
from app.models import (
    Account,
    Delivery,
    DeliveryState,
    Event,
    Project,
    Webhook,
    now,
    row_id,
)
from app.webhooks import alerts, outbox, signing
from app.webhooks.forms import WebhookIn
from app.webhooks.posting import is_plainly_private
from app.webhooks.watching import tell_done

# A list that a lead can look over, and a judgment that is told to few.
MOST = 10

NEWEST_FIRST = col(Delivery.id).desc()

# What gateways say for one who is not there, and receivers who want to be left alone for a while.
ABSENT = (429, 502, 503, 504)


def of(session: Session, project: Project) -> list[Webhook]:
    """The webhooks, in the order they were added."""
    found = select(Webhook).where(Webhook.project_id == project.id)
    return list(session.exec(found.order_by(col(Webhook.id))))


def find(session: Session, project: Project, uid: str) -> Webhook:
    """One of the project's. Raises NotFound."""
    found = session.exec(
        select(Webhook).where(Webhook.project_id == project.id, Webhook.uid == uid)
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such webhook in this project."))
    return found


def add(session: Session, project: Project, given: WebhookIn, *, by: Account | None) -> Webhook:
    """Tell an address of what happens from now on. Raises Conflict where there are many, Invalid."""
    if len(of(session, project)) >= MOST:
        raise Conflict(_("A project has %(most)s webhooks at most. Remove one first.", most=MOST))
    _check_public(given)
    _settle(session, project)
    webhook = Webhook(project_id=row_id(project), url=given.url, secret=signing.new_secret())
    _tell(webhook, given)
    session.add(webhook)
    _record(session, "webhook.add", project, webhook, by, {"url": given.url, "events": given.events})
    _flag(session, project)
    return webhook


def change(
    session: Session, project: Project, webhook: Webhook, given: WebhookIn, *, by: Account | None
) -> None:
    """Send elsewhere, or other events."""
    _check_public(given)
    _settle(session, project)
    before = {"url": webhook.url, "events": webhook.events}
    webhook.url = given.url
    _tell(webhook, given)
    if given.url != before["url"]:
        expect_somebody(session, webhook)
        outbox.send_once_committed(session)
    after = {"url": given.url, "events": given.events}
    _record(session, "webhook.change", project, webhook, by, audit.changed(before, after))
    _flag(session, project)


def _settle(session: Session, project: Project) -> None:
    """Tell what is done and what stands already to whoever wanted it so far: to others it is no news."""
    tell_done(session, project)
    alerts.look(session, project)


def enable(session: Session, project: Project, webhook: Webhook, *, by: Account | None) -> None:
    """Switch it on again: what waited is sent now."""
    if webhook.disabled_at is None:
        return
    _settle(session, project)
    webhook.disabled_at = webhook.failing_since = None
    waiting = sa.update(Delivery).where(
        col(Delivery.webhook_id) == webhook.id, col(Delivery.state) == DeliveryState.WAITING
    )
    session.execute(waiting.values(next_at=now()))
    alerts.resolved(session, project, "webhook.disabled", webhook.uid)
    _record(session, "webhook.enable", project, webhook, by)
    _flag(session, project)
    outbox.send_once_committed(session)


def disable(session: Session, project: Project, webhook: Webhook, *, by: Account | None) -> None:
    """Switch it off: nothing more is written down for it, and what waits goes on waiting."""
    if webhook.disabled_at is not None:
        return
    webhook.disabled_at = now()
    _record(session, "webhook.disable", project, webhook, by)
    _flag(session, project)


def remove(session: Session, project: Project, webhook: Webhook, *, by: Account | None) -> None:
    """Forget it and what was sent to it."""
    alerts.resolved(session, project, "webhook.disabled", webhook.uid)
    _record(session, "webhook.remove", project, webhook, by, {"url": webhook.url})
    session.execute(sa.delete(Delivery).where(col(Delivery.webhook_id) == webhook.id))
    session.delete(webhook)
    _flag(session, project)


def test(session: Session, project: Project, webhook: Webhook) -> None:
    """Send it something, so that a lead sees that it arrives."""
    if webhook.disabled_at is not None:
        raise Conflict(_("This webhook is switched off. Switch it on first."))
    told = {"webhook": webhook.uid}
    outbox.deliver(session, project, webhook.id, "webhook.test", told, by_hand=True)


def deliveries(webhook: Webhook) -> Any:
    """What was written down for it, with a number that later ones have a greater one of."""
    return sa.select(Delivery, col(Delivery.id)).where(col(Delivery.webhook_id) == webhook.id)


def resend(session: Session, project: Project, webhook: Webhook, uid: str, *, by: Account | None) -> Delivery:
    """Send a delivery once more, whatever became of it. Raises NotFound, Conflict for one switched off."""
    found = session.exec(
        select(Delivery).where(Delivery.webhook_id == webhook.id, Delivery.uid == uid)
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such delivery. Those older than 30 days are not kept."))
    if webhook.disabled_at is not None:
        raise Conflict(_("This webhook is switched off. Switch it on first."))
    found.state, found.attempts, found.next_at, found.by_hand = DeliveryState.WAITING, 0, now(), True
    _record(session, "webhook.resend", project, webhook, by, {"delivery": uid})
    outbox.send_once_committed(session)
    return found


def found_nobody(delivery: type[Delivery]) -> "sa.ColumnElement[bool]":
    """Whether the last attempt, of those that wait, met nobody at the webhook's address.

    Any other answer may be about this one delivery, and the next may well arrive.
    """
    status = col(delivery.status)
    return sa.and_(col(delivery.attempts) > 0, sa.or_(status.is_(None), status.in_(ABSENT)))


def expect_somebody(session: Session, webhook: Webhook) -> None:
    """Let what found nobody try again now, and not only at its time."""
    session.execute(
        sa.update(Delivery)
        .where(
            col(Delivery.webhook_id) == webhook.id,
            col(Delivery.state) == DeliveryState.WAITING,
            found_nobody(Delivery),
        )
        .values(next_at=now())
    )


def _check_public(given: WebhookIn) -> None:
    """Raise Invalid at once for what would be refused with every delivery."""
    host = urlsplit(given.url).hostname or ""
    if not web.settings().webhook_private_addresses and is_plainly_private(host):
        raise Invalid.at("url", _("This address is private, and webhooks go to public ones only."))


def _tell(webhook: Webhook, given: WebhookIn) -> None:
    for event in Event:
        setattr(webhook, f"on_{event}", event in given.events)


def _record(
    session: Session,
    verb: str,
    project: Project,
    webhook: Webhook,
    by: Account | None,
    detail: dict[str, Any] | None = None,
) -> None:
    audit.record(session, verb, f"webhook:{webhook.uid}", by=by, project=project, detail=detail)


def _flag(session: Session, project: Project) -> None:
    """Let the project's row say whether judging has anybody to tell."""
    session.flush()
    listening = (
        sa.select(1)
        .select_from(Webhook)
        .where(
            col(Webhook.project_id) == col(Project.id),
            col(Webhook.on_judgment).is_(True),
            col(Webhook.disabled_at).is_(None),
        )
        .exists()
    )
    flagged = sa.update(Project).where(col(Project.id) == project.id).values(tells_judgments=listening)
    session.execute(flagged)
