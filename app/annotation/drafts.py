"""What was entered for a pair and not sent yet: kept with its assignment until it is judged.

It says again what the form held, in the order of the screen, which an assignment never changes. It
is no record of anything: nobody but its annotator sees it, and no audit event tells of it.
"""

from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from app.annotation import statements
from app.annotation.claim import NOT_YOURS, annotator_of
from app.annotation.forms import ANSWER, CRITERION, RATING, TAGS
from app.errors import Conflict, Invalid, NotFound
from app.models import AssignmentState, Draft, now
from app.permissions import Access

# Characters; more than the longest better answer and the longest reasons together.
LONGEST = 300_000
_NAMES = ("outcome", "spans", "rationale", "better_answer", "confidence")
_KINDS = (CRITERION, RATING, TAGS, ANSWER)

Entered = MultiDict[str, str]


class NewerDraftError(Conflict):
    """Another tab or device has saved a draft since; ``version`` is its number."""

    def __init__(self, version: int) -> None:
        super().__init__(_("Something else was entered for this pair in another tab or on another device."))
        self.version = version


def read(session: Session, assignment_id: int) -> Entered:
    """What was entered, as the form's fields."""
    row = statements.DRAFT.first(session, assignment_id=assignment_id)
    return MultiDict(row.entered if row else {})


def save(session: Session, access: Access, uid: str, version: int, form: Entered) -> int | None:
    """Keep what a page holds, if nothing newer is kept; returns its number.

    None where the pair was dealt with already: the draft was still on its way then, and is not
    wanted. Raises NotFound for an assignment that is not theirs, NewerDraftError, Invalid where it
    is too long.
    """
    assigned = _assigned(session, access, uid)
    if assigned.state not in (AssignmentState.OPEN, AssignmentState.RELEASED):
        return None
    counted = statements.COUNT_DRAFT.first(session, assignment_id=assigned.id, version=version)
    if counted is None:
        # A page that was left before the answer came sends it again: that is no other draft.
        if dict(read(session, assigned.id).lists()) == said_in(form):
            return int(assigned.draft)
        raise NewerDraftError(assigned.draft)
    _write(session, assigned.id, form)
    return int(counted.draft)


def set_aside(session: Session, access: Access, uid: str, form: Entered) -> str | None:
    """Keep what was entered for a pair that was dealt with in another tab meanwhile.

    Returns the submission_id of their judgment of it, which it would change; None where there is
    none. Raises NotFound for an assignment that is not theirs.
    """
    assigned = _assigned(session, access, uid)
    live = statements.LIVE_JUDGMENT.first(
        session, comparison_id=assigned.comparison_id, annotator_id=assigned.annotator_id
    )
    put(session, assigned, form)
    return None if live is None else str(live.submission_id)


def _assigned(session: Session, access: Access, uid: str) -> Any:
    annotator = annotator_of(session, access)
    found = statements.ASSIGNED.first(session, uid=uid, annotator_id=annotator.id, submission_id="")
    if found is None:
        raise NotFound(str(NOT_YOURS))
    return found


def put(session: Session, assigned: Any, form: Entered) -> None:
    """Keep this for an assignment whatever was kept before."""
    statements.COUNT_DRAFT.run(session, assignment_id=assigned.id, version=assigned.draft)
    _write(session, assigned.id, form)


def forget(session: Session, access: Access, uid: str) -> None:
    """Forget what the asker entered for one of their assignments, while no other page of theirs saves it."""
    drop(session, _assigned(session, access, uid).id)


def drop(session: Session, assignment_id: int) -> None:
    """Forget what was entered: it was sent, or is not wanted."""
    statements.DROP_DRAFT.run(session, assignment_id=assignment_id)


def _write(session: Session, assignment_id: int, form: Entered) -> None:
    entered = said_in(form)
    if sum(len(value) for values in entered.values() for value in values) > LONGEST:
        raise Invalid(_("This is too long to be kept as a draft."))
    if entered:
        session.merge(Draft(assignment_id=assignment_id, entered=entered, saved_at=now()))
        session.flush()
    else:
        drop(session, assignment_id)


def said_in(form: Entered) -> dict[str, list[str]]:
    """The fields of a pair's form in which something is said of it, where anything is."""
    return {
        name: filled
        for name, values in form.lists()
        if (name in _NAMES or name.startswith(_KINDS)) and (filled := [one for one in values if one.strip()])
    }
