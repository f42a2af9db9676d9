"""Sends what waits for webhooks, again and again with longer pauses, and gives up in the end."""

import time
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app import db, jobs, locks, web
from app.models import Delivery, DeliveryState, Project, Webhook, now
from app.webhooks import alerts, registry, signing
from app.webhooks.posting import PrivateError, UnreachableError, post

# Pauses after each attempt, about a day and a half in all.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 300, 600, 600, 600))
# Nothing arrived there for so long: it is switched off.
PATIENCE = timedelta(hours=24)
# What was sent, or given up, is kept for so long.
KEPT = timedelta(days=30)
# One pass of the worker, which has other work.
PASS_SECONDS = 20.0


@jobs.every_minute_last
def send_deliveries() -> None:
    """Send what is due, webhook by webhook; one that does not answer holds up no other.

    Whatever else waits for a worker waits for one attempt at most, and the rest is sent after it.
    """
    engine, end = db.engine(), time.monotonic() + PASS_SECONDS
    for webhook_id in _with_work(engine):
        with locks.held(engine, "webhook", webhook_id) as mine:
            more = mine
            while more and time.monotonic() < end:
                more = _send_next(engine, webhook_id)
                if jobs.others_wait():
                    jobs.soon("send_deliveries")
                    return


@jobs.every_minute
def forget_deliveries() -> None:
    """Remove what was sent, or given up, so long ago that nobody looks for it."""
    with db.transaction(db.engine()) as session:
        old = sa.and_(sa.not_(_waits(Delivery)), col(Delivery.created_at) < now() - KEPT)
        session.execute(sa.delete(Delivery).where(old))


def _waits(delivery: type[Delivery]) -> sa.ColumnElement[bool]:
    # Written out, so that the partial index over what waits serves it.
    return col(delivery.state) == sa.literal_column("'waiting'")


def _with_work(engine: sa.Engine) -> list[int]:
    """Webhooks with something to send: where a lead asked for it first, then what is due longest."""
    by_hand_first = sa.func.min(sa.case((col(Delivery.by_hand), 0), else_=1))
    due = _due(select(Delivery.webhook_id)).group_by(col(Delivery.webhook_id))
    with db.new_session(engine, write=False) as session:
        return list(session.exec(due.order_by(by_hand_first, sa.func.min(Delivery.next_at))))


def _due(query: Any) -> Any:
    """What is to be sent now: to where nobody was there, only what a lead asked for.

    The rest waits there until what found that out is sent again.
    """
    enabled = sa.and_(col(Webhook.id) == col(Delivery.webhook_id), col(Webhook.disabled_at).is_(None))
    moment, found_out = now(), aliased(Delivery)
    absent = sa.select(col(found_out.webhook_id)).where(
        _waits(found_out),
        col(found_out.next_at) > moment,
        registry.found_nobody(found_out),
    )
    expected = sa.or_(col(Delivery.by_hand), col(Webhook.id).not_in(absent))
    return query.join(Webhook, enabled).where(_waits(Delivery), col(Delivery.next_at) <= moment, expected)


def _send_next(engine: sa.Engine, webhook_id: int) -> bool:
    """Send the webhook's next delivery; whether it arrived, so that the one after it may be tried."""
    with db.new_session(engine, write=False) as session:
        due = _due(select(Delivery, Webhook)).where(col(Delivery.webhook_id) == webhook_id)
        mine = due.order_by(col(Delivery.id)).limit(1)
        # Two questions, each answered by an index: one order of both would sort all that waits.
        found = session.exec(mine.where(col(Delivery.by_hand))).first() or session.exec(mine).first()
    if found is None:
        return False
    delivery, webhook = found
    tried = _try(delivery, webhook)
    with db.transaction(engine) as session:
        return _keep(session, delivery, tried)


class _Tried(NamedTuple):
    """What came of an attempt; where it is ``hopeless``, another would come to the same."""

    status: int | None
    answer: str
    hopeless: bool = False


def _try(delivery: Delivery, webhook: Webhook) -> _Tried:
    body = orjson.dumps(delivery.payload)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tiebreak-Webhooks/1",
        **signing.signed(webhook.secret, delivery.uid, int(time.time()), body),
    }
    try:
        answer = post(webhook.url, headers, body, private=web.settings().webhook_private_addresses)
    except UnreachableError as error:
        return _Tried(None, str(error), hopeless=isinstance(error, PrivateError))
    return _Tried(answer.status, answer.text)


def _keep(session: Session, delivery: Delivery, tried: _Tried) -> bool:
    """What became of an attempt. Nothing where the webhook was removed in the meantime."""
    row = session.get(Delivery, delivery.id)
    if row is None:
        return False
    arrived = tried.status is not None and 200 <= tried.status < 300
    row.status, row.answer, row.tried_at, row.attempts = tried.status, tried.answer, now(), row.attempts + 1
    by_hand, row.by_hand = row.by_hand, False
    webhook = session.get_one(Webhook, row.webhook_id)
    if arrived:
        row.state, webhook.failing_since = DeliveryState.DELIVERED, None
        if by_hand:
            registry.expect_somebody(session, webhook)
        return True
    if tried.hopeless or row.attempts > len(PAUSES):
        row.state = DeliveryState.FAILED
    else:
        row.next_at = now() + PAUSES[row.attempts - 1]
    webhook.failing_since = webhook.failing_since or now()
    if now() - webhook.failing_since > PATIENCE:
        _switch_off(session, webhook)
    return False


def _switch_off(session: Session, webhook: Webhook) -> None:
    project = session.get_one(Project, webhook.project_id)
    registry.disable(session, project, webhook, by=None)
    session.flush()
    alerts.raised(session, project, "webhook.disabled", webhook.uid, {"url": webhook.url})
