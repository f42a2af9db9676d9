"""Judging: a verdict on an assignment, a change of mind, a step back, a pass."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app import audit, tallies
from app.annotation import statements
from app.annotation.claim import annotator_of
from app.annotation.forms import JudgmentIn
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.models import AssignmentState, Outcome, Source, now, row_id
from app.permissions import Access
from app.tallies import TURNED, Counted, Key


class ClosedError(Conflict):
    """The assignment was judged or skipped already, in another tab perhaps."""


@dataclass(frozen=True)
class Submitted:
    """A judgment as it is stored: its outcome is in the comparison's order, never the screen's.

    ``annotator`` is the row of whoever judged, as it is afterwards.
    """

    submission_id: str
    assignment_id: str
    outcome: Outcome
    created_at: datetime
    created: bool
    annotator: Any


def turned(outcome: Outcome, swapped: bool) -> Outcome:
    """A verdict's other name when the order of the responses is swapped: screen to stored, and back."""
    return TURNED.get(outcome, outcome) if swapped else outcome


def submit_judgment(
    session: Session, access: Access, given: JudgmentIn, source: Source = Source.API
) -> Submitted:
    """Record a verdict on an assignment that is open and the asker's own.

    A page's verdict names places on the screen and is stored by response; the API's names the
    responses. The same submission again returns the stored judgment with ``created=False``.
    Raises NotFound for an assignment that is not theirs, Conflict for one that is closed, or for a
    submission_id that stands for something else, Invalid for a criterion the project has not.
    """
    annotator = annotator_of(session, access)
    assigned = _assigned(session, annotator, given.assignment_id, given.submission_id)
    if source == Source.PAGE:
        given = _by_response(given, bool(assigned.swapped))
    if assigned.known_id is not None:
        return _repeated(session, annotator, assigned, given)
    _check_criteria(session, access, given)
    moment = now()
    replaced = _replaced(session, assigned, given, moment)
    _insert(session, access, assigned, given, source, moment, replaced)
    deltas = Counter(_keys(assigned, annotator, given))
    if replaced is not None:
        deltas.subtract(_keys(assigned, annotator, replaced))
    tallies.apply(session, row_id(access.project), deltas)
    one = 0 if replaced else 1
    annotator = _count(session, annotator, moment, judged=one, today=one)
    _record(session, access, given, replaced)
    return Submitted(given.submission_id, given.assignment_id, given.outcome, moment, True, annotator)


def _assigned(session: Session, annotator: Any, uid: str, submission_id: str = "") -> Any:
    found = statements.ASSIGNED.first(
        session, uid=uid, annotator_id=annotator.id, submission_id=submission_id
    )
    if found is None:
        raise NotFound("This comparison was not assigned to you.")
    return found


def _by_response(given: JudgmentIn, swapped: bool) -> JudgmentIn:
    criteria = {key: turned(verdict, swapped) for key, verdict in given.criteria.items()}
    return given.model_copy(update={"outcome": turned(given.outcome, swapped), "criteria": criteria})


def _repeated(session: Session, annotator: Any, assigned: Any, given: JudgmentIn) -> Submitted:
    known = statements.JUDGMENT.one(session, judgment_id=assigned.known_id)
    stored = (known.outcome, known.strength, known.criteria or {}, known.tags or [], known.rationale)
    sent = (given.outcome, given.strength, given.criteria, given.tags, given.rationale)
    if known.assignment_id != assigned.id or stored != sent:
        raise Conflict("This submission_id was used for another judgment. Send a new one.")
    return Submitted(
        known.submission_id, given.assignment_id, Outcome(known.outcome), known.created_at, False, annotator
    )


def _check_criteria(session: Session, access: Access, given: JudgmentIn) -> None:
    if not given.criteria:
        return
    known = {row.key for row in statements.CRITERIA.all(session, project_id=access.project.id)}
    unknown = [
        FieldError(f"/criteria/{key}", "This project has no such criterion.")
        for key in given.criteria
        if key not in known
    ]
    if unknown:
        raise Invalid("Some criteria are not known.", unknown)


def _replaced(session: Session, assigned: Any, given: JudgmentIn, moment: datetime) -> Any:
    """Close the assignment; where a judgment is to be replaced, retire it and return it."""
    if given.supersedes is None:
        _close(session, assigned, moment)
        return None
    live = _live(session, assigned)
    if live is None or live.submission_id != given.supersedes:
        raise Conflict("The judgment to replace is not your latest one of this comparison. Look again.")
    statements.RETIRE_JUDGMENT.run(session, judgment_id=live.id, at=moment)
    return live


def _live(session: Session, assigned: Any) -> Any:
    return statements.LIVE_JUDGMENT.first(
        session, comparison_id=assigned.comparison_id, annotator_id=assigned.annotator_id
    )


def _close(session: Session, assigned: Any, moment: datetime) -> None:
    if assigned.state == AssignmentState.RELEASED:
        _retake(session, assigned)
    closed = _move(session, assigned, to=AssignmentState.JUDGED, at=moment)
    if not closed or assigned.state not in (AssignmentState.OPEN, AssignmentState.RELEASED):
        raise ClosedError(_CLOSED.get(assigned.state, "This comparison is no longer open."))


_CLOSED = {
    AssignmentState.JUDGED: "You have judged this comparison already. You can change it in your history.",
    AssignmentState.SKIPPED: "You skipped this comparison. Undo brings it back while it is still free.",
}


def _retake(session: Session, assigned: Any) -> None:
    """A place given up, or lost when the lease ran out, is theirs again while nobody has it."""
    if assigned.gold is None and not statements.TAKE_SLOT.run(session, comparison_id=assigned.comparison_id):
        raise Conflict("Others have judged this comparison in the meantime, so it is not needed any more.")


def _move(session: Session, assigned: Any, *, to: AssignmentState, at: datetime | None) -> int:
    return statements.CLOSE_ASSIGNMENT.run(
        session, assignment_id=assigned.id, was=assigned.state, to=to, at=at
    )


def _insert(
    session: Session,
    access: Access,
    assigned: Any,
    given: JudgmentIn,
    source: Source,
    moment: datetime,
    replaced: Any,
) -> None:
    statements.ADD_JUDGMENT.run(
        session,
        submission_id=given.submission_id,
        project_id=access.project.id,
        comparison_id=assigned.comparison_id,
        annotator_id=assigned.annotator_id,
        assignment_id=assigned.id,
        outcome=given.outcome,
        swapped=bool(assigned.swapped),
        strength=given.strength,
        criteria=given.criteria or None,
        tags=given.tags or None,
        rationale=given.rationale,
        duration_ms=given.duration_ms,
        guideline_id=assigned.guideline_id,
        source=source,
        created_at=moment,
        supersedes_id=replaced.id if replaced else None,
    )


def _keys(assigned: Any, annotator: Any, judgment: Any) -> list[Key]:
    """The counts of a verdict, sent or stored."""
    if assigned.gold is not None:
        return []
    return tallies.keys(
        Counted(
            assigned.model_a_id,
            assigned.model_b_id,
            judgment.outcome,
            annotator.cluster,
            annotator.kind,
            assigned.category,
            assigned.language,
            bool(assigned.swapped),
            annotator.group_name,
            _by_criterion(judgment.criteria) if judgment.criteria else (),
        )
    )


def _by_criterion(criteria: dict[str, str]) -> tuple[tuple[str, Outcome], ...]:
    return tuple((key, Outcome(verdict)) for key, verdict in criteria.items())


def _count(session: Session, annotator: Any, moment: datetime, *, judged: int, today: int) -> Any:
    so_far = annotator.judged_today if annotator.today == moment.date() else 0
    return statements.COUNT_FOR_ANNOTATOR.one(
        session,
        annotator_id=annotator.id,
        judged=judged,
        day=moment.date(),
        judged_today=max(so_far + today, 0),
    )


def _record(session: Session, access: Access, given: JudgmentIn, replaced: Any) -> None:
    detail: dict[str, Any] = {"assignment": given.assignment_id, "outcome": given.outcome}
    if replaced is not None:
        detail["outcome"] = {"from": replaced.outcome, "to": given.outcome}
        detail["supersedes"] = replaced.submission_id
    verb = "judgment.change" if replaced is not None else "judgment.add"
    audit.record(
        session,
        verb,
        f"judgment:{given.submission_id}",
        by=access.account,
        project=access.project,
        detail=detail,
    )


def skip(session: Session, access: Access, assignment_uid: str) -> None:
    """Pass on an assignment: its place goes back to the queue, and it is not shown to them again.

    Skipping it a second time changes nothing. Raises NotFound for an assignment that is not
    theirs, Conflict for one that is judged.
    """
    assigned = _assigned(session, annotator_of(session, access), assignment_uid)
    if assigned.state == AssignmentState.SKIPPED:
        return
    if assigned.state == AssignmentState.JUDGED:
        raise ClosedError(_CLOSED[AssignmentState.JUDGED])
    _move(session, assigned, to=AssignmentState.SKIPPED, at=now())
    if assigned.gold is None and assigned.state == AssignmentState.OPEN:
        statements.FREE_SLOT.run(session, comparison_id=assigned.comparison_id)
    _record_move(session, access, assignment_uid, assigned.state, AssignmentState.SKIPPED, "assignment.skip")


def undo(session: Session, access: Access, assignment_uid: str | None = None) -> str | None:
    """Take back the verdict or the skip of an assignment (by default, of the last one judged).

    The judgment is withdrawn and the assignment open again, so that it is served next. Returns the
    assignment's uid; None where there is nothing to undo. One that is open already stays so.
    Raises Conflict where a skipped comparison has no place left.
    """
    annotator = annotator_of(session, access)
    if assignment_uid is None:
        last = statements.LAST_JUDGED.first(session, annotator_id=annotator.id)
        if last is None:
            return None
        assignment_uid = str(last.uid)
    assigned = _assigned(session, annotator, assignment_uid)
    if assigned.state == AssignmentState.OPEN:
        return assignment_uid
    if assigned.state == AssignmentState.JUDGED:
        _withdraw(session, access, assigned, annotator)
    else:
        _retake(session, assigned)
        _record_move(
            session, access, assignment_uid, assigned.state, AssignmentState.OPEN, "assignment.reopen"
        )
    _move(session, assigned, to=AssignmentState.OPEN, at=None)
    return assignment_uid


def _withdraw(session: Session, access: Access, assigned: Any, annotator: Any) -> None:
    live, moment = _live(session, assigned), now()
    if live is None:
        return
    statements.RETIRE_JUDGMENT.run(session, judgment_id=live.id, at=moment)
    tallies.apply(session, row_id(access.project), dict.fromkeys(_keys(assigned, annotator, live), -1))
    of_today = live.created_at.date() == moment.date()
    _count(session, annotator, moment, judged=-1, today=-1 if of_today else 0)
    audit.record(
        session,
        "judgment.withdraw",
        f"judgment:{live.submission_id}",
        by=access.account,
        project=access.project,
        detail={"outcome": {"from": live.outcome, "to": None}},
    )


def _record_move(
    session: Session,
    access: Access,
    uid: str,
    before: AssignmentState,
    after: AssignmentState,
    verb: str,
) -> None:
    audit.record(
        session,
        verb,
        f"assignment:{uid}",
        by=access.account,
        project=access.project,
        detail={"state": {"from": before, "to": after}},
    )
