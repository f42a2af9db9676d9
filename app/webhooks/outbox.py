"""Events, written down for webhooks in the transaction of what happened, and sent once that is committed.

Annotators go by the pseudonym that exports carry, here as everywhere outside the lead's pages.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app import jobs
from app.models import (
    Annotator,
    Batch,
    Comparison,
    Delivery,
    Event,
    Judgment,
    Model,
    Project,
    Prompt,
    Webhook,
    now,
    outside_id,
)


def judgment(session: Session, project: Project, kind: str, submission_id: str) -> None:
    """Tell of a judgment: "judgment.add", "judgment.change" or "judgment.withdraw".

    Call it where ``project.tells_judgments``; elsewhere nobody listens.
    """
    found = dict(session.execute(_JUDGED, {"submission_id": submission_id}).mappings().one())
    for name in ("judgment_id", "supersedes"):
        found[name] = found[name] and outside_id(found[name])
    put(session, project, Event.JUDGMENT, kind, found)


def put(session: Session, project: Project, event: Event, kind: str, data: dict[str, Any]) -> None:
    """Write an event down for every webhook of the project that wants it."""
    listening = select(Webhook.id).where(
        Webhook.project_id == project.id,
        col(getattr(Webhook, f"on_{event}")).is_(True),
        col(Webhook.disabled_at).is_(None),
    )
    for webhook_id in session.exec(listening).all():
        deliver(session, project, webhook_id, kind, data)


def deliver(
    session: Session,
    project: Project,
    webhook_id: int | None,
    kind: str,
    data: dict[str, Any],
    *,
    by_hand: bool = False,
) -> None:
    """Write an event down for one webhook, to be sent when this is committed."""
    payload = {"type": kind, "timestamp": now().isoformat(), "data": {"project": project.slug, **data}}
    session.add(Delivery(webhook_id=webhook_id or 0, payload=payload, by_hand=by_hand))
    send_once_committed(session)


def send_once_committed(session: Session) -> None:
    """Have a worker send what waits, as soon as it can see it."""
    session.info["sends"] = True
    # Not with once=True: the same listener would never be taken again for a session that commits twice.
    if not sa.event.contains(session, "after_commit", _send):
        sa.event.listen(session, "after_commit", _send)


def _send(session: Session) -> None:
    if session.info.pop("sends", False):
        jobs.soon("send_deliveries")


def _judged() -> Any:
    a, b = aliased(Model), aliased(Model)
    earlier = aliased(Judgment)
    return (
        sa.select(
            col(Judgment.submission_id).label("judgment_id"),
            col(Judgment.outcome).label("outcome"),
            col(Judgment.strength).label("strength"),
            col(earlier.submission_id).label("supersedes"),
            col(Annotator.uid).label("annotator"),
            col(Comparison.pair_id).label("pair_id"),
            col(Prompt.key).label("prompt_id"),
            col(a.name).label("model_a"),
            col(b.name).label("model_b"),
            col(Prompt.category).label("category"),
            col(Prompt.language).label("language"),
            col(Batch.name).label("batch"),
            col(Comparison.gold).is_not(None).label("gold"),
        )
        .join(Comparison, col(Comparison.id) == col(Judgment.comparison_id))
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .join(a, col(a.id) == col(Comparison.model_a_id))
        .join(b, col(b.id) == col(Comparison.model_b_id))
        .join(Annotator, col(Annotator.id) == col(Judgment.annotator_id))
        .outerjoin(Batch, col(Batch.id) == col(Comparison.batch_id))
        .outerjoin(earlier, col(earlier.id) == col(Judgment.supersedes_id))
        .where(col(Judgment.submission_id) == sa.bindparam("submission_id"))
    )


_JUDGED = _judged()
