"""What no request notices by itself: a batch that is done, something a lead should look at."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app import db, jobs
from app.models import Assignment, Batch, Comparison, Event, Project, Slot, Webhook, now
from app.webhooks import alerts, outbox


@jobs.every_minute
def watch() -> None:
    """Look after the projects whose webhooks are told of batches or alerts; others cost nothing."""
    engine = db.engine()
    with db.new_session(engine, write=False) as session:
        batches, alerted = (
            set(session.exec(_listening(column))) for column in (Webhook.on_batch, Webhook.on_alert)
        )
    for project_id in sorted(batches | alerted):
        with db.transaction(engine) as session:
            project = session.get_one(Project, project_id)
            if project_id in batches:
                tell_done(session, project)
            if project_id in alerted:
                alerts.look(session, project)


def _listening(event: Any) -> Any:
    return select(Webhook.project_id).where(col(event).is_(True), col(Webhook.disabled_at).is_(None))


def tell_done(session: Session, project: Project) -> None:
    """Tell whoever listens now of the batches that are done since this was last asked."""
    for batch in newly_done(session, project):
        outbox.put(session, project, Event.BATCH, "batch.done", {"batch": batch.name})


def newly_done(session: Session, project: Project) -> list[Batch]:
    """Batches whose last wanted judgment came since this was last asked; one with more to do begins anew."""
    batches = select(Batch).where(Batch.project_id == project.id)
    for batch in session.exec(batches.where(col(Batch.done_at).is_not(None), _has_free_place())):
        batch.done_at = None
    found = session.exec(
        batches.where(col(Batch.done_at).is_(None), _has_any(), ~_has_free_place(), ~_has_open())
    ).all()
    for batch in found:
        batch.done_at = now()
    return list(found)


def _of_batch() -> "sa.ColumnElement[bool]":
    return sa.and_(col(Comparison.id) == col(Slot.comparison_id), col(Comparison.batch_id) == col(Batch.id))


def _has_any() -> "sa.ColumnElement[bool]":
    slots = sa.select(1).select_from(Slot).join(Comparison, _of_batch())
    return slots.where(col(Slot.project_id) == col(Batch.project_id)).exists()


def _has_free_place() -> "sa.ColumnElement[bool]":
    free = sa.select(1).select_from(Slot).join(Comparison, _of_batch())
    # Written out, so that the partial index over free places serves it.
    return free.where(
        col(Slot.project_id) == col(Batch.project_id), sa.text("slots.taken < slots.wanted")
    ).exists()


def _has_open() -> "sa.ColumnElement[bool]":
    mine = sa.and_(
        col(Comparison.id) == col(Assignment.comparison_id), col(Comparison.batch_id) == col(Batch.id)
    )
    return (
        sa.select(1)
        .select_from(Assignment)
        .join(Comparison, mine)
        .where(sa.text("assignments.state = 'open'"))
        .exists()
    )
