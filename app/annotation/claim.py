"""Which comparison an annotator gets next, and in which order its responses are shown."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from flask_babel import lazy_gettext
from sqlmodel import Session

from app import annotators, audit
from app.annotation import care_counts, sensitive, statements
from app.annotation.sensitive import Spared
from app.annotation.statements import Takes
from app.errors import Conflict, NotFound
from app.models import (
    Account,
    Assignment,
    Care,
    Project,
    Stage,
    Trial,
    now,
    opaque_id,
    row_id,
)
from app.permissions import Access

NOT_YOURS = lazy_gettext("This comparison was not assigned to you.")
QUEUE_START = (-1, 0, 0)


class NotYetError(Conflict):
    """Something comes before live judging."""


@dataclass(frozen=True)
class Assigned:
    """A comparison in an annotator's hands; ``swapped`` shows response b first, as A on the screen.

    ``draft`` counts how often what they entered for it was saved.
    """

    id: int
    uid: str
    comparison_id: int
    swapped: bool
    new: bool = True
    draft: int = 0

    @classmethod
    def of(cls, row: Assignment | Trial) -> "Assigned":
        """What was handed out before: live, in the training round or in a test."""
        return cls(row_id(row), row.uid, row.comparison_id, row.swapped, new=False)


def annotator_of(session: Session, access: Access) -> Any:
    """The asker's row among the project's annotators, made when they first come to judge."""
    project, account = access.project, _asker(access)
    found = statements.ANNOTATOR.first(session, project_id=project.id, account_id=account.id)
    if found is not None:
        return found
    annotators.add(session, project, account, by=account)
    return statements.ANNOTATOR.first(session, project_id=project.id, account_id=account.id)


def own_id(session: Session, access: Access) -> int:
    """The number of the asker's row, for who only reads: 0, which nothing belongs to, where there is none."""
    asker = _asker(access)
    found = statements.ANNOTATOR_ID.first(session, project_id=access.project.id, account_id=asker.id)
    return found.id if found else 0


def _asker(access: Access) -> Account:
    if access.account is None:
        raise LookupError("only a signed-in account annotates")
    return access.account


def _hold(project: Project, annotator: Any) -> None:
    """Raise NotYetError for whoever has something to do first."""
    if annotator.stage != Stage.LIVE:
        raise NotYetError(str(_FIRST[annotator.stage]))
    if project.warning and not annotator.warned:
        raise NotYetError(str(_WARNING))
    if annotator.guideline_news and project.rereads:
        raise NotYetError(str(_REREAD if annotator.guideline_read else _READ))


_WARNING = lazy_gettext("Read what this project is about first; then you judge.")
_READ = lazy_gettext("Read the guideline and say so; then you judge.")
_REREAD = lazy_gettext("The guideline has changed. Read it and say so, then go on judging.")
_FIRST = {
    Stage.TRAINING: lazy_gettext("Do the training round first; then you judge live."),
    Stage.TEST: lazy_gettext("Pass the test first; then you judge live."),
    Stage.FAILED: lazy_gettext("The test was not passed. Your lead decides how you go on."),
}


def assigned_to(session: Session, access: Access, uid: str) -> Assigned:
    """One of the asker's assignments, open or closed.

    Raises NotFound where it is not theirs.
    """
    annotator = annotator_of(session, access)
    row = statements.ASSIGNED.first(session, uid=uid, annotator_id=annotator.id, submission_id="")
    if row is None:
        raise NotFound(str(NOT_YOURS))
    return Assigned(row.id, uid, row.comparison_id, bool(row.swapped), False, row.draft)


def claim_next(
    session: Session, access: Access, annotator: Any, *, hands_free: bool = False
) -> Assigned | None:
    """The comparison to judge now: one already in hand, a due gold one, or the least judged of the queue.

    Nobody gets a comparison twice, and the last place of a comparison goes to one of those who
    reach for it. ``annotator`` is a row of the annotators table; ``hands_free`` says that they are
    known to hold none. None where nothing is left. Raises NotYetError for who has something to do first.
    """
    _hold(access.project, annotator)
    in_hand = None if hands_free else statements.OPEN_ASSIGNMENT.first(session, annotator_id=annotator.id)
    if in_hand is not None:
        return Assigned(
            in_hand.id, in_hand.uid, in_hand.comparison_id, bool(in_hand.swapped), False, in_hand.draft
        )
    project = access.project
    takes = statements.ALL
    if annotator.declined or project.sensitive_daily is not None:
        takes = sensitive.takes(_spared(session, project, annotator))
    comparison_id = _due_gold(session, project, annotator, takes)
    comparison_id = comparison_id or _from_queue(session, project, annotator, takes)
    if comparison_id is None and release_expired(session, project):
        comparison_id = _from_queue(session, project, annotator, takes)
    if comparison_id is not None and project.sensitive_daily is not None:
        _expose(session, project, annotator, comparison_id)
    return None if comparison_id is None else _assign(session, access, annotator, comparison_id)


def rests(project: Project, annotator: Any) -> bool:
    """Whether somebody was given as many sensitive pairs today as the project allows."""
    limit = project.sensitive_daily
    return limit is not None and annotator.exposed_on == now().date() and annotator.exposed >= limit


def _spared(session: Session, project: Project, annotator: Any) -> Spared:
    declined: tuple[str, ...] = ()
    if annotator.declined:
        declined = tuple(row.category for row in statements.DECLINED.all(session, annotator_id=annotator.id))
    if not rests(project, annotator):
        return Spared(declined)
    return Spared(declined, True, project.all_sensitive, project.sensitive)


def _expose(session: Session, project: Project, annotator: Any, comparison_id: int) -> None:
    """Count a sensitive pair as seen as soon as it is handed out."""
    kind = sensitive.KIND.one(session, comparison_id=comparison_id)
    if sensitive.is_sensitive(project, kind.category, kind.tags):
        today = now().date()
        so_far = annotator.exposed if annotator.exposed_on == today else 0
        statements.EXPOSE.run(session, annotator_id=annotator.id, day=today, so_many=so_far + 1)
        if so_far + 1 == project.sensitive_daily:
            care_counts.add(session, project, Care.LIMIT_REACHED)


def _due_gold(session: Session, project: Project, annotator: Any, takes: Takes) -> int | None:
    """Gold comparisons are everybody's: they take no place in the queue."""
    if not gold_is_due(project.gold_every, annotator.uid, annotator.judged):
        return None
    gold = takes.gold.first(session, project_id=project.id, annotator_id=annotator.id)
    return None if gold is None else int(gold.id)


def gold_is_due(every: int, uid: str, judged: int) -> bool:
    """Whether a gold comparison comes after so many judgments of this annotator, one to ``every`` others.

    It has a place of its own in each stretch, so that nobody expects it; asking again changes nothing.
    """
    stretch, place = divmod(judged, every + 1)
    return every > 0 and place == _gold_place(uid, stretch, every + 1)


@lru_cache(maxsize=4096)
def _gold_place(uid: str, stretch: int, places: int) -> int:
    drawn = blake2b(f"{uid}/{stretch}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn) % places


def _from_queue(session: Session, project: Project, annotator: Any, takes: Takes) -> int | None:
    """Take the first free place this annotator may have.

    Usually it is at the front of the queue. Whoever has judged all of the front goes on where the
    last search ended, and once around, so that no search passes the same places again and again.
    """
    ids = {"project_id": project.id, "annotator_id": annotator.id}
    place = takes.in_front.first(session, **ids)
    if place is None:
        cursor = (annotator.cursor_taken, annotator.cursor_position, annotator.cursor_comparison_id)
        place = _after(session, takes, ids, cursor) or _after(session, takes, ids, QUEUE_START)
        if place is None:
            return None
        statements.MOVE_CURSOR.run(session, annotator_id=annotator.id, **place._asdict())
    return int(place.comparison_id)


def _after(session: Session, takes: Takes, ids: dict[str, Any], cursor: tuple[int, int, int]) -> Any:
    taken, position, after = cursor
    return takes.after.first(session, **ids, taken=taken, position=position, after=after)


def _assign(session: Session, access: Access, annotator: Any, comparison_id: int) -> Assigned:
    row = statements.ASSIGN.first(
        session,
        uid=opaque_id(),
        comparison_id=comparison_id,
        annotator_id=annotator.id,
        swapped=bool(secrets.randbits(1)),
        opened_at=now(),
    )
    if row is None:
        raise LookupError(f"comparison {comparison_id} was already assigned to annotator {annotator.id}")
    audit.record(
        session,
        "assignment.open",
        f"assignment:{row.uid}",
        by=access.account,
        project=access.project,
        detail={"swapped": bool(row.swapped)},
    )
    return Assigned(row.id, row.uid, comparison_id, bool(row.swapped), draft=row.draft)


def release_expired(session: Session, project: Project) -> int:
    """Give back to the queue what was left open longer than the project's lease; returns how many."""
    moment = now()
    before = moment - timedelta(minutes=project.lease_minutes)
    released = statements.RELEASE_EXPIRED.all(session, project_id=project.id, before=before, at=moment)
    for row in released:
        statements.FREE_SLOT.run(session, comparison_id=row.comparison_id)
        detail = {"state": {"from": "open", "to": "released"}}
        audit.record(
            session, "assignment.release", f"assignment:{row.uid}", by=None, project=project, detail=detail
        )
    return len(released)


def give_back(session: Session, held: Any) -> None:
    """Take a pair that somebody declined out of their hands.

    No event says so: the one that opened it has their name.
    """
    closed = statements.CLOSE_ASSIGNMENT.run(
        session, assignment_id=held.id, was="open", to="released", at=now(), reason=None
    )
    # Where its lease ran out meanwhile, its place was given back with it.
    if closed and held.gold is None:
        statements.FREE_SLOT.run(session, comparison_id=held.comparison_id)
