"""A reviewer's final verdicts: given, replaced, taken back, and the comparisons that want one."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, divided
from app.errors import NotFound
from app.models import Account, Adjudication, Comparison, Project, now, row_id
from app.review.forms import VerdictIn


def settle(
    session: Session, project: Project, pair_id: str, given: VerdictIn, *, by: Account
) -> Adjudication:
    """The final verdict on a comparison, in its stored order; an earlier one is retired, never changed.

    The same verdict again changes nothing. Raises NotFound for a comparison that is not the project's.
    """
    settled = comparison(session, project, pair_id)
    before = live(session, settled)
    if before is not None:
        if (before.outcome, before.rationale, before.account_id) == (given.outcome, given.reason, by.id):
            return before
        before.retired_at = now()
        session.flush()
    made = Adjudication(
        comparison_id=row_id(settled),
        account_id=row_id(by),
        outcome=given.outcome,
        rationale=given.reason,
    )
    session.add(made)
    change = {"from": before.outcome if before else None, "to": given.outcome}
    _record(session, "adjudication.add", project, pair_id, by, {"outcome": change, "reason": given.reason})
    return made


def withdraw(session: Session, project: Project, pair_id: str, *, by: Account) -> None:
    """Leave a comparison to its annotators again. Raises NotFound where nothing was settled."""
    before = live(session, comparison(session, project, pair_id))
    if before is None:
        raise NotFound(_("Nobody has settled this comparison."))
    before.retired_at = now()
    change = {"outcome": {"from": before.outcome, "to": None}}
    _record(session, "adjudication.withdraw", project, pair_id, by, change)


def live(session: Session, comparison: Comparison) -> Adjudication | None:
    """The verdict in force."""
    found = select(Adjudication).where(
        Adjudication.comparison_id == comparison.id, col(Adjudication.retired_at).is_(None)
    )
    return session.exec(found).one_or_none()


def waiting(project: Project, *, settled: bool) -> Any:
    """Comparisons that are settled, or not and whose annotators are divided, with their own number last."""
    verdict = sa.select(1).where(
        col(Adjudication.comparison_id) == col(Comparison.id), col(Adjudication.retired_at).is_(None)
    )
    found = sa.select(Comparison, col(Comparison.id))
    if settled:
        return found.where(col(Comparison.project_id) == project.id, verdict.exists())
    return divided.only(found, row_id(project)).where(col(Comparison.gold).is_(None), ~verdict.exists())


def comparison(session: Session, project: Project, pair_id: str) -> Comparison:
    """One of the project's, locked, so that two reviewers settle it one after the other."""
    wanted = select(Comparison).where(Comparison.project_id == project.id, Comparison.pair_id == pair_id)
    found = session.exec(wanted.with_for_update()).one_or_none()
    if found is None:
        raise NotFound(_("There is no such comparison in this project."))
    return found


def _record(
    session: Session, verb: str, project: Project, pair_id: str, by: Account, detail: dict[str, Any]
) -> None:
    audit.record(session, verb, f"comparison:{pair_id}", by=by, project=project, detail=detail)
