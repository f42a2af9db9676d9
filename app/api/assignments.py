"""Judging over the API: the same queue, the same blindness, the same rules as on the page.

Responses carry their names in the comparison's own order, ``a`` and ``b``; ``shown_first`` says
which of them to show first. An outcome names the response, wherever it was shown.
"""

from http import HTTPStatus

from flask import Response
from pydantic import BaseModel

from app import db
from app.annotation.assignments import reveal, skip
from app.annotation.claim import annotator_of, claim_next
from app.annotation.forms import JudgmentIn, PublicId, SkipIn
from app.annotation.history import Judged, history, one_of_mine
from app.annotation.judge import resubmit_to_archived, submit_judgment, undo
from app.api.answers import AssignmentOut, JudgmentOut, ReopenedOut, SubmittedOut
from app.api.auth import enter
from app.api.blind import blind
from app.api.operations import answered, get, post
from app.api.paging import Page, PageIn, address, position
from app.api.reading import asked, received
from app.errors import Conflict
from app.models import Scope, Source
from app.permissions import Archived

JUDGE = Scope.ANNOTATE


class UndoIn(BaseModel):
    """Which assignment to open again: the one judged last, where none is named."""

    assignment_id: PublicId | None = None


@post(
    "/projects/<slug>/assignments",
    scope=JUDGE,
    gives=AssignmentOut,
    status=201,
    also={200: ("The one in hand already", AssignmentOut), 204: ("Nothing is left to judge", None)},
)
def claim(slug: str) -> Response:
    """Claim the comparison to judge next, blind."""
    access, session = enter(slug, "judge"), db.session()
    assigned = claim_next(session, access, annotator_of(session, access))
    if assigned is None:
        session.commit()
        return Response(status=HTTPStatus.NO_CONTENT)
    given = blind(AssignmentOut, access, assigned, assignment_id=assigned.uid)
    answer = answered(given, HTTPStatus.CREATED if assigned.new else HTTPStatus.OK)
    session.commit()
    return answer


@post("/projects/<slug>/assignments/<uid>/skip", scope=JUDGE, takes=SkipIn)
def skip_assignment(slug: str, uid: str) -> None:
    """Pass on an assignment, with a reason or without."""
    access, given = enter(slug, "judge"), received(SkipIn)
    skip(db.session(), access, uid, given.reason)
    db.session().commit()


@post(
    "/projects/<slug>/judgments",
    scope=JUDGE,
    takes=JudgmentIn,
    gives=SubmittedOut,
    status=201,
    also={200: ("Known already: the same submission again", SubmittedOut)},
)
def judge(slug: str) -> Response:
    """Record a verdict, or with `supersedes` a change of mind."""
    try:
        access = enter(slug, "judge")
    except Archived as archived:
        stored = resubmit_to_archived(db.session(), archived, lambda: received(JudgmentIn), Source.API)
        return answered(SubmittedOut.model_validate(stored), HTTPStatus.OK)
    submitted = submit_judgment(db.session(), access, received(JudgmentIn))
    db.session().commit()
    status = HTTPStatus.CREATED if submitted.created else HTTPStatus.OK
    return answered(SubmittedOut.model_validate(submitted), status)


@get("/projects/<slug>/judgments", scope=JUDGE, query=PageIn, gives=Page[JudgmentOut])
def my_judgments(slug: str) -> Page[JudgmentOut]:
    """One's own judgments in force, newest first."""
    access, given = enter(slug, "read your judgments"), asked(PageIn)
    before = position(given.after) if given.after else None
    found = history(db.session(), access, before=before, limit=given.limit)
    return Page(items=[_own(one) for one in found.rows], next=address(found.older))


@get("/projects/<slug>/judgments/<submission_id>", scope=JUDGE, gives=JudgmentOut)
def my_judgment(slug: str, submission_id: str) -> JudgmentOut:
    """One of one's own judgments in force."""
    return _own(one_of_mine(db.session(), enter(slug, "read your judgments"), submission_id))


@post("/projects/<slug>/judgments/<submission_id>/reveal", scope=JUDGE, gives=JudgmentOut)
def reveal_models(slug: str, submission_id: str) -> JudgmentOut:
    """Name the models of a pair one has judged, where the project does; the verdict is final from then on."""
    access, session = enter(slug, "judge"), db.session()
    reveal(session, access, one_of_mine(session, access, submission_id).assigned.uid)
    session.commit()
    return _own(one_of_mine(session, access, submission_id))


def _own(judged: Judged) -> JudgmentOut:
    on_screen = judged.models or (None, None)
    model_a, model_b = reversed(on_screen) if judged.assigned.swapped else on_screen
    return JudgmentOut(
        model_a=model_a,
        model_b=model_b,
        submission_id=judged.submission_id,
        assignment_id=judged.assigned.uid,
        created_at=judged.at,
        changed=judged.changed,
        shown_first="b" if judged.assigned.swapped else "a",
        excerpt=judged.excerpt,
        category=judged.category,
        language=judged.language,
        **judged.stored,
    )


@post("/projects/<slug>/undo", scope=JUDGE, takes=UndoIn, gives=ReopenedOut)
def undo_judgment(slug: str) -> ReopenedOut:
    """Take back a verdict or a skip: the assignment is open again, and claimed next."""
    access, given = enter(slug, "judge"), received(UndoIn)
    reopened = undo(db.session(), access, given.assignment_id)
    if reopened is None:
        raise Conflict("There is nothing to undo here yet.")
    db.session().commit()
    return ReopenedOut(assignment_id=reopened)
