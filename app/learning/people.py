"""Who is how far on the way to live judging, and what the lead decides about it."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit
from app.annotators import first_stage
from app.errors import NotFound
from app.learning.forms import Decision
from app.learning.trials import Record, records
from app.models import Account, Annotator, Project, Stage, Trial, now, row_id


@dataclass(frozen=True)
class Learner:
    """Where one annotator is."""

    uid: str
    name: str
    stage: Stage
    judged: int
    record: Record


def of(session: Session, project: Project) -> list[Learner]:
    """Everybody with an account who has come to judge: those on their way first, then by name."""
    rows = session.exec(
        select(Annotator, Account.name)
        .join(Account, col(Account.id) == Annotator.account_id)
        .where(Annotator.project_id == project.id, col(Annotator.simulated).is_(False))
        .order_by(sa.case((col(Annotator.stage) == Stage.LIVE, 1), else_=0), Account.name, col(Annotator.id))
    )
    found = records(session, project)
    return [
        Learner(row.uid, name, row.stage, row.judged, found.get(row_id(row), Record())) for row, name in rows
    ]


def decide(session: Session, project: Project, uid: str, decision: Decision, *, by: Account | None) -> Stage:
    """Let somebody in, whatever they have done, or let them start over; returns where they are then.

    Starting over retires their trials. Raises NotFound where there is no such annotator with an account.
    """
    wanted = select(Annotator).where(Annotator.project_id == project.id, Annotator.uid == uid)
    annotator = session.exec(wanted.with_for_update()).one_or_none()
    if annotator is None or annotator.account_id is None:
        raise NotFound(_("This project has no such annotator."))
    stage = Stage.LIVE if decision == Decision.LET_IN else first_stage(project)
    if decision == Decision.START_OVER:
        mine = sa.update(Trial).where(
            col(Trial.annotator_id) == annotator.id, col(Trial.retired_at).is_(None)
        )
        session.execute(mine.values(retired_at=now()))
    detail = audit.changed({"stage": annotator.stage}, {"stage": stage}) | {"decision": decision}
    annotator.stage = stage
    subject = f"annotator:{annotator.uid}"
    audit.record(session, "annotator.stage", subject, by=by, project=project, detail=detail)
    return stage
