"""An assignment, whoever judges it: found, passed on, taken up again, its models named."""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlmodel import Session

from app import audit
from app.annotation import statements
from app.annotation.claim import NOT_YOURS, annotator_of
from app.errors import Conflict, NotFound
from app.models import AssignmentState, SkipReason, now
from app.permissions import Access


class ClosedError(Conflict):
    """The assignment was judged, changed or skipped already, in another tab perhaps."""


CLOSED = {
    AssignmentState.JUDGED: lazy_gettext(
        "You have judged this comparison already. You can change it in your history."
    ),
    AssignmentState.SKIPPED: lazy_gettext(
        "You skipped this comparison. Undo brings it back while it is still free."
    ),
}


def find(session: Session, annotator: Any, uid: str, submission_id: str = "") -> Any:
    """The annotator's assignment, with all that a verdict on it asks for. Raises NotFound.

    Its ``known_id`` is the judgment that has this ``submission_id`` already.
    """
    found = statements.ASSIGNED.first(
        session, uid=uid, annotator_id=annotator.id, submission_id=submission_id
    )
    if found is None:
        raise NotFound(str(NOT_YOURS))
    return found


def skip(session: Session, access: Access, assignment_uid: str, reason: SkipReason | None = None) -> None:
    """Pass on an assignment: its place goes back to the queue, and it is not shown to them again.

    Skipping it a second time changes nothing. Raises NotFound for an assignment that is not
    theirs, Conflict for one that is judged.
    """
    assigned = find(session, annotator_of(session, access), assignment_uid)
    if assigned.state == AssignmentState.SKIPPED:
        return
    if assigned.state == AssignmentState.JUDGED:
        raise ClosedError(str(CLOSED[AssignmentState.JUDGED]))
    if not move(session, assigned, to=AssignmentState.SKIPPED, at=now(), reason=reason):
        # Its lease ran out since it was found, and its place was given back with it.
        skip(session, access, assignment_uid, reason)
        return
    if assigned.gold is None and assigned.state == AssignmentState.OPEN:
        statements.FREE_SLOT.run(session, comparison_id=assigned.comparison_id)
    record_move(
        session, access, assignment_uid, assigned.state, AssignmentState.SKIPPED, "assignment.skip", reason
    )


def reveal(session: Session, access: Access, assignment_uid: str) -> None:
    """Let an annotator see which models they judged; from then on the verdict cannot change.

    Doing it a second time changes nothing. Raises NotFound for an assignment that is not theirs,
    Conflict where the project keeps its models secret or the pair is not judged.
    """
    if not access.project.reveals_models:
        raise Conflict(_("This project does not name its models to annotators."))
    assigned = find(session, annotator_of(session, access), assignment_uid)
    if assigned.state != AssignmentState.JUDGED:
        raise Conflict(_("Judge this comparison first."))
    if statements.REVEAL.run(session, assignment_id=assigned.id, at=now()):
        subject = f"assignment:{assignment_uid}"
        audit.record(session, "assignment.reveal", subject, by=access.account, project=access.project)


def check_blind(assigned: Any) -> None:
    """Raises Conflict where they know the models, or the right verdict: to change theirs is worth nothing."""
    if assigned.told_at is not None:
        raise Conflict(_("You were told the right verdict here, so yours stays as it is."))
    if assigned.revealed_at is not None:
        raise Conflict(_("You have seen which models these are, so this verdict stays as it is."))


def retake(session: Session, assigned: Any) -> None:
    """Take a place again that was given up, or lost with the lease. Raises Conflict once others have it."""
    if assigned.gold is None and not statements.TAKE_SLOT.run(session, comparison_id=assigned.comparison_id):
        raise Conflict(_("Others have judged this comparison in the meantime, so it is not needed any more."))


def move(
    session: Session,
    assigned: Any,
    *,
    to: AssignmentState,
    at: datetime | None,
    reason: SkipReason | None = None,
) -> int:
    """Change its state, unless somebody was quicker; returns how many changed: one, or none."""
    return statements.CLOSE_ASSIGNMENT.run(
        session, assignment_id=assigned.id, was=assigned.state, to=to, at=at, reason=reason
    )


def record_move(
    session: Session,
    access: Access,
    uid: str,
    before: AssignmentState,
    after: AssignmentState,
    verb: str,
    reason: SkipReason | None = None,
) -> None:
    """What the audit says of it."""
    detail: dict[str, Any] = {"state": {"from": before, "to": after}}
    audit.record(
        session,
        verb,
        f"assignment:{uid}",
        by=access.account,
        project=access.project,
        detail=detail | ({"reason": reason} if reason else {}),
    )
