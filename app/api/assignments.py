"""Judging over the API: the same queue, the same blindness, the same rules as on the page.

Responses carry their names in the comparison's own order, ``a`` and ``b``; ``shown_first`` says
which of them to show first. An outcome names the response, wherever it was shown.
"""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify

from app import db, permissions
from app.annotation.asked import live_rubric
from app.annotation.claim import Assigned, annotator_of, claim_next
from app.annotation.forms import JudgmentIn
from app.annotation.judge import skip, submit_judgment
from app.annotation.pair import read
from app.api import bp
from app.api.auth import api_account
from app.api.body import json_object
from app.errors import checked
from app.permissions import Access


def _enter(slug: str) -> Access:
    account = api_account()
    return permissions.enter(db.session(), account, slug, "judge")


@bp.post("/projects/<slug>/assignments")
def claim(slug: str) -> Response:
    """The comparison to judge next: 201 where it is new, 200 where it was in hand, 204 for none."""
    access, session = _enter(slug), db.session()
    assigned = claim_next(session, access, annotator_of(session, access))
    if assigned is None:
        session.commit()
        return Response(status=HTTPStatus.NO_CONTENT)
    answer = jsonify(_blind(access, assigned))
    session.commit()
    answer.status_code = HTTPStatus.CREATED if assigned.new else HTTPStatus.OK
    return answer


def _blind(access: Access, assigned: Assigned) -> dict[str, Any]:
    pair = read(db.session(), assigned)
    version, rubric = live_rubric(db.session(), access.project)
    return {
        "assignment_id": assigned.uid,
        "prompt": {"messages": pair.prompt, "category": pair.category, "language": pair.language},
        "response_a": {"messages": pair.a},
        "response_b": {"messages": pair.b},
        "shown_first": "b" if assigned.swapped else "a",
        "content_warning": pair.sensitive,
        "rubric": {"version": version, **rubric.model_dump(mode="json")},
    }


@bp.post("/projects/<slug>/assignments/<uid>/skip")
def skip_assignment(slug: str, uid: str) -> Response:
    """Pass on an assignment."""
    access = _enter(slug)
    skip(db.session(), access, uid)
    db.session().commit()
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post("/projects/<slug>/judgments")
def judge(slug: str) -> Response:
    """Record a verdict: 201, and 200 when the same submission comes again."""
    access = _enter(slug)
    body = json_object("Send one JSON object: {assignment_id, submission_id, outcome, …}.")
    submitted = submit_judgment(db.session(), access, checked(JudgmentIn, body))
    db.session().commit()
    answer = jsonify(
        submission_id=submitted.submission_id,
        assignment_id=submitted.assignment_id,
        outcome=submitted.outcome,
        created_at=submitted.created_at.isoformat(),
    )
    answer.status_code = HTTPStatus.CREATED if submitted.created else HTTPStatus.OK
    return answer
