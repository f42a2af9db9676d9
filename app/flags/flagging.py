"""Flags: an annotator's words about a pair, the lead's answer, and what becomes of the pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app import audit
from app.annotation.claim import Assigned, assigned_to, own_id
from app.annotation.history import excerpt
from app.annotation.sensitive import is_sensitive
from app.errors import Conflict, Invalid, NotFound
from app.flags.forms import FlagIn, SettleIn
from app.models import (
    Account,
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    Flag,
    FlagState,
    Prompt,
    Slot,
    now,
    row_id,
)
from app.pairing.names import position
from app.permissions import Access

A_PAGE = 20


@dataclass(frozen=True)
class Flagged:
    """A flag as the lead sees it, with the pair that its annotator was handed."""

    flag: Flag
    annotator: str
    pair_id: str
    excerpt: str
    assigned: Assigned
    queued: bool
    retired: bool

    @property
    def id(self) -> int:
        """Where it stands in the list."""
        return row_id(self.flag)


def raise_flag(session: Session, access: Access, assignment_uid: str, given: FlagIn) -> Flag:
    """Tell the lead about a pair one was handed.

    The same words about it again, while they are open, are the same flag. Raises NotFound for an
    assignment that is not theirs.
    """
    assigned = assigned_to(session, access, assignment_uid)
    said = {"assignment_id": assigned.id, **given.model_dump()}
    known = session.exec(select(Flag).filter_by(**said, state=FlagState.OPEN)).first()
    if known is not None:
        return known
    flag = Flag(project_id=row_id(access.project), **said)
    session.add(flag)
    session.flush()
    detail = {"assignment": assignment_uid, "kind": given.kind}
    audit.record(
        session, "flag.add", f"flag:{flag.uid}", by=access.account, project=access.project, detail=detail
    )
    return flag


def mine(session: Session, access: Access, before: int | None = None, limit: int = A_PAGE) -> Sequence[Flag]:
    """One's own flags, newest first, one more than a page where there is one."""
    query = _mine(session, access).order_by(col(Flag.id).desc()).limit(limit + 1)
    return session.exec(query if before is None else query.where(col(Flag.id) < before)).all()


def about(session: Session, access: Access, flags: Sequence[Flag]) -> dict[int, str | None]:
    """What was asked where each flag was raised, by the flag's own number; None where it may be harmful."""
    query = (
        sa.select(col(Flag.id), col(Prompt.messages), col(Prompt.category), col(Prompt.tags))
        .select_from(Flag)
        .join(Assignment, col(Flag.assignment_id) == col(Assignment.id))
        .join(Comparison, col(Assignment.comparison_id) == col(Comparison.id))
        .join(Prompt, col(Comparison.prompt_id) == col(Prompt.id))
        .where(col(Flag.id).in_([flag.id for flag in flags]))
    )
    return {
        number: None if is_sensitive(access.project, category, tags) else excerpt(messages or [])
        for number, messages, category, tags in session.execute(query)
    }


def _mine(session: Session, access: Access) -> SelectOfScalar[Flag]:
    own = select(Assignment.id).where(Assignment.annotator_id == own_id(session, access))
    return select(Flag).where(Flag.project_id == access.project.id, col(Flag.assignment_id).in_(own))


def unseen(session: Session, access: Access) -> int:
    """How many answers one has not seen yet."""
    waiting = _mine(session, access).where(col(Flag.answer).is_not(None), col(Flag.seen_at).is_(None))
    return session.exec(select(sa.func.count()).select_from(waiting.subquery())).one()


def see(session: Session, flags: Sequence[Flag]) -> None:
    """Remember that their annotator has seen the answers."""
    for flag in flags:
        if flag.answer is not None and flag.seen_at is None:
            flag.seen_at = now()


def of_project(
    session: Session, access: Access, state: FlagState, before: int | None = None, limit: int = A_PAGE
) -> list[Flagged]:
    """The project's open or closed flags with their pairs, newest first, one more than a page."""
    query = (
        sa.select(
            Flag, Assignment, Comparison, col(Prompt.messages), col(Account.name), col(Slot.comparison_id)
        )
        .select_from(Flag)
        .join(Assignment, col(Flag.assignment_id) == col(Assignment.id))
        .join(Comparison, col(Assignment.comparison_id) == col(Comparison.id))
        .join(Prompt, col(Comparison.prompt_id) == col(Prompt.id))
        .join(Annotator, col(Assignment.annotator_id) == col(Annotator.id))
        .outerjoin(Account, col(Annotator.account_id) == col(Account.id))
        .outerjoin(Slot, col(Slot.comparison_id) == col(Comparison.id))
        .where(col(Flag.project_id) == access.project.id, col(Flag.state) == state)
    )
    if before is not None:
        query = query.where(col(Flag.id) < before)
    found = session.execute(query.order_by(col(Flag.id).desc()).limit(limit + 1)).all()
    return [
        Flagged(
            flag=flag,
            annotator=name or "",
            pair_id=comparison.pair_id,
            excerpt=excerpt(messages or []),
            assigned=Assigned.of(assignment),
            queued=slot is not None and comparison.gold is None,
            retired=comparison.retired_at is not None and comparison.gold is None,
        )
        for flag, assignment, comparison, messages, name, slot in found
    ]


def count_open(session: Session, access: Access) -> int:
    """How many flags wait for the lead."""
    waiting = select(sa.func.count()).select_from(Flag)
    return session.exec(
        waiting.where(Flag.project_id == access.project.id, Flag.state == FlagState.OPEN)
    ).one()


def find(session: Session, access: Access, uid: str) -> Flag:
    """A flag of the project. Raises NotFound where there is none of this name."""
    flag = session.exec(select(Flag).where(Flag.uid == uid, Flag.project_id == access.project.id)).first()
    if flag is None:
        raise NotFound(_("This project has no such flag."))
    return flag


def settle(session: Session, access: Access, uid: str, given: SettleIn) -> Flag:
    """Answer a flag, close it, take its pair out of the queue or put it back: at least one of these.

    Raises NotFound for a flag of no such name here, Invalid where nothing is to be done, Conflict
    where a gold pair is to leave the queue or to come back.
    """
    flag = find(session, access, uid)
    if not (given.answer or given.close or given.retire or given.requeue):
        raise Invalid.at("answer", _("Write an answer, or say what else is to be done."))
    if given.retire:
        _retire(session, access, flag)
    if given.requeue:
        _requeue(session, access, flag)
    if given.answer:
        _answer(session, access, flag, given.answer)
    if given.close and flag.state == FlagState.OPEN:
        flag.state = FlagState.CLOSED
        _record(session, access, flag, "flag.close", state={"from": "open", "to": "closed"})
    return flag


def _answer(session: Session, access: Access, flag: Flag, answer: str) -> None:
    if flag.answer == answer or access.account is None:
        return
    _record(session, access, flag, "flag.answer", answer={"from": flag.answer, "to": answer})
    flag.answer, flag.answered_at, flag.seen_at = answer, now(), None
    flag.answered_by_id = access.account.id


def _retire(session: Session, access: Access, flag: Flag) -> None:
    """Those who hold the pair may still judge it; nobody else gets it, whatever is queued later."""
    comparison = _comparison(session, flag)
    if comparison.gold is not None:
        raise Conflict(_("A gold comparison is not in the queue, so it cannot be taken out of it."))
    if comparison.retired_at is not None:
        return
    slot = session.get(Slot, comparison.id)
    wanted = {"from": slot.wanted if slot else 0, "to": 0}
    _record_queue(session, access, flag, comparison, "comparison.retire", wanted)
    comparison.retired_at = now()
    if slot is not None:
        session.delete(slot)


def _requeue(session: Session, access: Access, flag: Flag) -> None:
    """Whoever holds the pair or has judged it has a place already."""
    comparison = _comparison(session, flag)
    if comparison.gold is not None:
        raise Conflict(_("A gold comparison has no place in the queue, so it cannot be put back into it."))
    if comparison.retired_at is None:
        return
    taken = _taken(session, comparison)
    wanted = max(access.project.wanted, taken)
    comparison.retired_at = None
    session.add(
        Slot(
            comparison_id=row_id(comparison),
            project_id=comparison.project_id,
            taken=taken,
            wanted=wanted,
            position=position(comparison.pair_id),
        )
    )
    _record_queue(session, access, flag, comparison, "comparison.requeue", {"from": 0, "to": wanted})


def _comparison(session: Session, flag: Flag) -> Comparison:
    """The flag's comparison, locked: two leads act on it one after the other."""
    assignment = session.get_one(Assignment, flag.assignment_id)
    return session.get_one(Comparison, assignment.comparison_id, with_for_update=True)


def _taken(session: Session, comparison: Comparison) -> int:
    """How many hold it or have judged it, locked: whoever skips it now would find no place to give back."""
    held = col(Assignment.state).in_((AssignmentState.OPEN, AssignmentState.JUDGED))
    query = select(Assignment.id).where(Assignment.comparison_id == comparison.id, held)
    return len(session.exec(query.with_for_update()).all())


def _record_queue(
    session: Session, access: Access, flag: Flag, comparison: Comparison, verb: str, wanted: dict[str, int]
) -> None:
    subject, detail = f"comparison:{comparison.pair_id}", {"flag": flag.uid, "wanted": wanted}
    audit.record(session, verb, subject, by=access.account, project=access.project, detail=detail)


def _record(session: Session, access: Access, flag: Flag, verb: str, **detail: object) -> None:
    audit.record(session, verb, f"flag:{flag.uid}", by=access.account, project=access.project, detail=detail)
