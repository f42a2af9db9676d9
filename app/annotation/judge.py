"""Judging: a verdict on an assignment, a change of mind, a step back."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session, select

from app import audit, counting, tallies
from app.annotation import asked, assignments, drafts, marks, statements
from app.annotation.assignments import CLOSED, ClosedError
from app.annotation.claim import annotator_of
from app.annotation.forms import JudgmentIn, as_form
from app.errors import Conflict, Problem
from app.models import AssignmentState, Judgment, Outcome, Source, now, row_id
from app.permissions import Access, Archived
from app.rubric import PLAIN, Rubric, parsed
from app.tallies import Counted, Key
from app.webhooks import outbox


@dataclass(frozen=True)
class Told:
    """A verdict on a gold comparison and the right one, in its stored order, and why that is right."""

    outcome: Outcome
    gold: Outcome
    reason: str | None
    swapped: bool

    @property
    def yours(self) -> Outcome:
        """The verdict given, as it was on the screen."""
        return self._shown(self.outcome)

    @property
    def right(self) -> Outcome:
        """The right one, as it would have been on the screen."""
        return self._shown(self.gold)

    def _shown(self, outcome: Outcome) -> Outcome:
        return tallies.TURNED.get(outcome, outcome) if self.swapped else outcome


@dataclass(frozen=True)
class Submitted:
    """A judgment as it is stored: its outcome is in the comparison's order, never the screen's.

    ``annotator`` is the row of whoever judged, as it is afterwards; ``asks`` what the project asks
    now, and which version that is; ``hands_free`` that they hold no other comparison; ``missed`` what
    they are told of a gold comparison they missed, where the project explains it.
    """

    submission_id: str
    assignment_id: str
    outcome: Outcome
    created_at: datetime
    created: bool
    annotator: Any
    asks: tuple[int | None, Rubric]
    hands_free: bool
    missed: Told | None = None


def submit_judgment(
    session: Session, access: Access, given: JudgmentIn, source: Source = Source.API
) -> Submitted:
    """Record a verdict on an assignment that is open and the asker's own.

    A page's verdict names places on the screen and is stored by response; the API's names the
    responses. The same submission again returns the stored judgment with ``created=False``.
    Raises NotFound for an assignment that is not theirs, Conflict for one that is closed, or for a
    submission_id that stands for something else, Invalid for what the project does not ask.
    """
    annotator = annotator_of(session, access)
    assigned = assignments.find(session, annotator, given.assignment_id, given.submission_id)
    said = _said(session, assigned, given, source)
    if assigned.known_id is not None:
        return _repeated(session, annotator, assigned, given, said)
    if given.supersedes is None and assigned.state in CLOSED:
        raise ClosedError(str(CLOSED[assigned.state]))
    rubric_id, rubric = _rubric(session, assigned, given)
    asked.check(rubric, given)
    moment = now()
    replaced = _replaced(session, assigned, given, moment)
    _insert(session, access, assigned, given, said | {"rubric_id": rubric_id}, source, moment, replaced)
    votes = Counter({(assigned.comparison_id, said["outcome"]): 1})
    deltas = Counter(_keys(assigned, annotator, said["outcome"], said["criteria"]))
    if replaced is not None:
        votes[assigned.comparison_id, replaced.outcome] -= 1
        deltas.subtract(_keys(assigned, annotator, replaced.outcome, replaced.criteria))
    one = 0 if replaced else 1
    annotator = _count(session, annotator, moment, judged=one, today=one)
    _record(session, access, given, said["outcome"], replaced)
    if assigned.draft:
        drafts.drop(session, assigned.id)
    missed = None
    if assigned.gold is not None and access.project.explains_gold:
        missed = _tell(session, assigned, said["outcome"], moment)
    # Last: until the commit, whoever judges the same comparison waits for its counts.
    counting.add(session, row_id(access.project), deltas, votes)
    return _submitted(given, said["outcome"], moment, True, annotator, assigned, missed)


def resubmit_to_archived(
    session: Session, archived: Archived, read: Callable[[], JudgmentIn], source: Source
) -> Submitted:
    """Answer a judgment that was stored before the project was archived, and is sent again.

    ``read`` gives what was sent. Raises ``archived`` for anything else, whatever else is wrong with it.
    """
    with suppress(Problem):
        given = read()
        stored = select(Judgment.id).where(
            Judgment.project_id == archived.access.project.id, Judgment.submission_id == given.submission_id
        )
        if session.exec(stored).first() is not None:
            return submit_judgment(session, archived.access, given, source)
    raise archived


def _submitted(
    given: JudgmentIn,
    outcome: Outcome,
    at: datetime,
    created: bool,
    annotator: Any,
    assigned: Any,
    missed: Told | None = None,
) -> Submitted:
    return Submitted(
        given.submission_id,
        given.assignment_id,
        outcome,
        at,
        created,
        annotator,
        asks=_asks(assigned),
        hands_free=bool(assigned.only_one),
        missed=missed,
    )


def _tell(session: Session, assigned: Any, outcome: Outcome, moment: datetime) -> Told | None:
    """What a miss of a gold comparison is answered with; from then on the verdict stays."""
    if outcome == assigned.gold:
        return None
    statements.TELL.run(session, assignment_id=assigned.id, at=moment)
    reason = statements.GOLD_REASON.one(session, comparison_id=assigned.comparison_id).gold_reason
    return Told(outcome, assigned.gold, reason, bool(assigned.swapped))


def _asks(assigned: Any) -> tuple[int | None, Rubric]:
    return assigned.rubric_version, PLAIN if assigned.rubric is None else parsed(assigned.rubric)


def _said(session: Session, assigned: Any, given: JudgmentIn, source: Source) -> dict[str, Any]:
    said = asked.stored(given)
    if source == Source.PAGE and assigned.swapped:
        said = asked.turned(said)
    if said["spans"]:
        place = marks.of_screen if source == Source.PAGE else marks.of_sources
        said["spans"] = place(session, assigned.comparison_id, said["spans"])
    return said


def _repeated(
    session: Session, annotator: Any, assigned: Any, given: JudgmentIn, said: dict[str, Any]
) -> Submitted:
    known = statements.JUDGMENT.one(session, judgment_id=assigned.known_id)
    if known.assignment_id != assigned.id or {name: getattr(known, name) for name in said} != said:
        # On a page that never heard of the first one, somebody changed their mind.
        raise ClosedError(_("This submission_id was used for another judgment. Send a new one."))
    return _submitted(given, said["outcome"], known.created_at, False, annotator, assigned)


def _rubric(session: Session, assigned: Any, given: JudgmentIn) -> tuple[int | None, Rubric]:
    """The live rubric, or the one a judgment was begun by and that was live when it was handed out."""
    if given.rubric_version in (None, assigned.rubric_version):
        return assigned.rubric_id, _asks(assigned)[1]
    if given.rubric_version == 0 and _to_replace(session, assigned, given).rubric_id is None:
        return None, PLAIN
    older = statements.RUBRIC_VERSION.first(session, assignment_id=assigned.id, version=given.rubric_version)
    if older is None:
        raise Conflict(_("The lead has changed what is asked here. Load the page again to see it."))
    return older.id, parsed(older.content)


def _to_replace(session: Session, assigned: Any, given: JudgmentIn) -> Any:
    live = _live(session, assigned)
    if live is None or live.submission_id != given.supersedes:
        raise ClosedError(_("The judgment to replace is not your latest one of this comparison. Look again."))
    return live


def _replaced(session: Session, assigned: Any, given: JudgmentIn, moment: datetime) -> Any:
    """Close the assignment; where a judgment is to be replaced, retire it and return it."""
    if given.supersedes is None:
        _close(session, assigned, moment)
        return None
    live = _to_replace(session, assigned, given)
    assignments.check_blind(assigned)
    statements.RETIRE_JUDGMENT.run(session, judgment_id=live.id, at=moment)
    return live


def _live(session: Session, assigned: Any) -> Any:
    return statements.LIVE_JUDGMENT.first(
        session, comparison_id=assigned.comparison_id, annotator_id=assigned.annotator_id
    )


def _close(session: Session, assigned: Any, moment: datetime) -> None:
    if assigned.state == AssignmentState.RELEASED:
        assignments.retake(session, assigned)
    closed = assignments.move(session, assigned, to=AssignmentState.JUDGED, at=moment)
    if not closed or assigned.state not in (AssignmentState.OPEN, AssignmentState.RELEASED):
        raise ClosedError(str(CLOSED.get(assigned.state) or _("This comparison is no longer open.")))


def _insert(
    session: Session,
    access: Access,
    assigned: Any,
    given: JudgmentIn,
    said: dict[str, Any],
    source: Source,
    moment: datetime,
    replaced: Any,
) -> None:
    statements.ADD_JUDGMENT.run(
        session,
        **said,
        submission_id=given.submission_id,
        project_id=access.project.id,
        comparison_id=assigned.comparison_id,
        annotator_id=assigned.annotator_id,
        assignment_id=assigned.id,
        swapped=bool(assigned.swapped),
        duration_ms=given.duration_ms,
        guideline_id=assigned.guideline_id,
        source=source,
        created_at=moment,
        supersedes_id=replaced.id if replaced else None,
    )


def _keys(assigned: Any, annotator: Any, outcome: Outcome, criteria: dict[str, str] | None) -> list[Key]:
    """The counts of a verdict, sent or stored."""
    if assigned.gold is not None:
        return []
    return tallies.keys(
        Counted(
            assigned.model_a_id,
            assigned.model_b_id,
            outcome,
            annotator.cluster,
            annotator.kind,
            assigned.category,
            assigned.language,
            bool(assigned.swapped),
            annotator.group_name,
            _by_criterion(criteria) if criteria else (),
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


def _record(session: Session, access: Access, given: JudgmentIn, outcome: Outcome, replaced: Any) -> None:
    detail: dict[str, Any] = {"assignment": given.assignment_id, "outcome": outcome}
    if replaced is not None:
        detail["outcome"] = {"from": replaced.outcome, "to": outcome}
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
    if access.project.tells_judgments:
        outbox.judgment(session, access.project, verb, given.submission_id)


def undo(session: Session, access: Access, assignment_uid: str | None = None) -> str | None:
    """Take back the verdict or the skip of an assignment (by default, of the last one judged).

    The judgment is withdrawn and the assignment open again, so that it is served next. Returns the
    assignment's uid; None where there is nothing to undo. One that is open already stays so.
    Raises Conflict where a skipped comparison has no place left, or its models were named to them.
    """
    annotator = annotator_of(session, access)
    if assignment_uid is None:
        last = statements.LAST_JUDGED.first(session, annotator_id=annotator.id)
        if last is None:
            return None
        assignment_uid = str(last.uid)
    assigned = assignments.find(session, annotator, assignment_uid)
    if assigned.state == AssignmentState.OPEN:
        return assignment_uid
    assignments.check_blind(assigned)
    if assigned.state == AssignmentState.JUDGED:
        _withdraw(session, access, assigned, annotator)
    else:
        assignments.retake(session, assigned)
        assignments.record_move(
            session, access, assignment_uid, assigned.state, AssignmentState.OPEN, "assignment.reopen"
        )
    assignments.move(session, assigned, to=AssignmentState.OPEN, at=None)
    return assignment_uid


def _withdraw(session: Session, access: Access, assigned: Any, annotator: Any) -> None:
    live, moment = _live(session, assigned), now()
    if live is None:
        return
    statements.RETIRE_JUDGMENT.run(session, judgment_id=live.id, at=moment)
    counted = _keys(assigned, annotator, live.outcome, live.criteria)
    votes = {(assigned.comparison_id, live.outcome): -1}
    counting.add(session, row_id(access.project), dict.fromkeys(counted, -1), votes)
    _keep_said(session, assigned, live)
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
    if access.project.tells_judgments:
        outbox.judgment(session, access.project, "judgment.withdraw", live.submission_id)


def _keep_said(session: Session, assigned: Any, live: Any) -> None:
    """What was said beside the verdict comes back with the pair."""
    said = {name: getattr(live, name) for name in asked.SAID}
    if any(said[name] for name in asked.SAID if name not in ("outcome", "strength")):
        if said["spans"]:
            said["spans"] = marks.on_screen(session, assigned.comparison_id, said["spans"])
        drafts.put(session, assigned, as_form(asked.turned(said) if assigned.swapped else said))
