"""What a lead should look at: a job that failed, an annotator who fails gold, a webhook switched off.

An alert is raised once, and again only after it was over.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.models import Alert, Annotator, Comparison, Event, Job, JobState, Judgment, Project, now, row_id
from app.quality.annotators import Share
from app.webhooks import outbox

# The whole of an annotator's 95 % interval on gold lies below this.
LEAST_GOLD = 0.7
# A job that failed is news for so long.
NEWS = timedelta(days=7)

Found = Mapping[str, dict[str, Any]]


def live(session: Session, project: Project) -> list[Alert]:
    """Alerts that are not over, newest first."""
    found = select(Alert).where(Alert.project_id == project.id, col(Alert.resolved_at).is_(None))
    return list(session.exec(found.order_by(col(Alert.id).desc())))


def raised(session: Session, project: Project, kind: str, subject: str, detail: dict[str, Any]) -> None:
    """Raise an alert, unless it stands already."""
    known = select(Alert.id).where(
        Alert.project_id == project.id,
        Alert.kind == kind,
        Alert.subject == subject,
        col(Alert.resolved_at).is_(None),
    )
    if session.exec(known).first() is None:
        session.add(Alert(project_id=row_id(project), kind=kind, subject=subject, detail=detail))
        outbox.put(session, project, Event.ALERT, f"alert.{kind}", {"subject": subject, **detail})


def resolved(session: Session, project: Project, kind: str, subject: str) -> None:
    """What was raised is over."""
    over = sa.update(Alert).where(
        col(Alert.project_id) == project.id,
        col(Alert.kind) == kind,
        col(Alert.subject) == subject,
        col(Alert.resolved_at).is_(None),
    )
    session.execute(over.values(resolved_at=now()))


def look(session: Session, project: Project) -> None:
    """Raise what is there now, and end what is over."""
    for kind, find in (("gold.accuracy", failing_gold), ("job.failed", failed_jobs)):
        found = find(session, project)
        for subject, detail in found.items():
            raised(session, project, kind, subject, detail)
        for alert in live(session, project):
            if alert.kind == kind and alert.subject not in found:
                alert.resolved_at = now()


def failing_gold(session: Session, project: Project) -> Found:
    """Annotators, by pseudonym, whose verdicts on gold comparisons are surely too often wrong."""
    right = sa.func.sum(sa.case((col(Judgment.outcome) == col(Comparison.gold), 1), else_=0))
    judged = (
        sa.select(col(Annotator.uid), right, sa.func.count())
        .select_from(Comparison)
        .join(Judgment, col(Judgment.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Annotator.id) == col(Judgment.annotator_id))
        .where(
            col(Comparison.project_id) == project.id,
            sa.text("comparisons.gold IS NOT NULL"),
            # Those of a lesson or a test are for whoever does not know it yet.
            col(Comparison.gold_use).is_(None),
            sa.text("judgments.retired_at IS NULL"),
        )
        .group_by(col(Annotator.uid))
    )
    shares = {uid: Share(int(some), many) for uid, some, many in session.execute(judged)}
    return {
        uid: {"annotator": uid, "right": share.some, "judged": share.many, "accuracy": share.value}
        for uid, share in shares.items()
        if share.upper < LEAST_GOLD
    }


def failed_jobs(session: Session, project: Project) -> Found:
    """Jobs that failed of late and were not started again."""
    failed = select(Job).where(
        Job.project_id == project.id, Job.state == JobState.FAILED, col(Job.finished_at) > now() - NEWS
    )
    return {
        job.uid: {"job": job.uid, "job_kind": job.kind, "error": job.error} for job in session.exec(failed)
    }
