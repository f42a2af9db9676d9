"""What must hold, held by the database itself whatever the code above it does."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from app.models import (
    Assignment,
    AssignmentState,
    Guideline,
    Invitation,
    Job,
    Snapshot,
    SnapshotState,
    now,
)
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

# What nobody may write, and the constraint that says no.
FORBIDDEN = {
    "UPDATE judgments SET strength = 2": "strength_of_a_winner",
    "UPDATE assignments SET closed_at = NULL": "open_until_closed",
    "UPDATE assignments SET state = 'open'": "open_until_closed",
    "UPDATE assignments SET skip_reason = 'broken'": "reason_of_a_skip",
    "UPDATE assignments SET revealed_at = closed_at, state = 'skipped'": "judged_once_revealed",
    "UPDATE judgments SET confidence = 4": "confidence_range",
    "UPDATE judgments SET better_answer = ''": "better_answer_not_empty",
    "UPDATE slots SET wanted = 0": "wanted_positive",
    "UPDATE comparisons SET gold_reason = 'because'": "reason_of_gold",
    "UPDATE projects SET daily_goal = 0": "daily_goal_positive",
    "UPDATE guidelines SET version = 0": "version_positive",
    "UPDATE annotators SET judged = -1": "counts_not_negative",
    "UPDATE invitations SET accepted_at = expires_at": "accepted_by_somebody",
    "UPDATE invitations SET kind = 'human'": "kind_with_role",
    "UPDATE invitations SET kind = 'model', project_id = 1, role = 'viewer'": "judge_model_may_judge",
    "UPDATE snapshots SET withdrawn_reason = 'wrong'": "reason_when_withdrawn",
    "UPDATE snapshots SET withdrawn_reason = '', withdrawn_at = created_at": "withdrawn_reason_not_empty",
    "UPDATE snapshots SET withdrawn_reason = 'wrong', withdrawn_at = created_at, state = 'making', "
    "digest = NULL, ready_at = NULL": "ready_before_withdrawn",
    "UPDATE jobs SET finished_at = created_at": "finished_when_ended",
    "UPDATE jobs SET state = 'done'": "finished_when_ended",
}


@pytest.fixture
def filled(session: Session, cast: Cast) -> Session:
    """A row of each of these tables."""
    comparison = queue(session, cast.project)[0]
    given = judge(session, cast.project, cast.ann, comparison, "tie")
    assignment = Assignment(
        comparison_id=comparison.id,
        annotator_id=given.annotator_id,
        swapped=False,
        state=AssignmentState.JUDGED,
        closed_at=now(),
    )
    frozen = Snapshot(project_id=cast.project.id or 0, name="birds", version=1, digest="d", ready_at=now())
    frozen.state = SnapshotState.READY
    session.add_all(
        [
            assignment,
            Guideline(project_id=cast.project.id, version=1, text="Read both."),
            Invitation(digest="d", expires_at=now()),
            Job(kind="import"),
            frozen,
        ]
    )
    session.commit()
    return session


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_says_no(filled: Session, statement: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=FORBIDDEN[statement]):
        filled.execute(sa.text(statement))


def test_one_supersedes_only_ones_own_judgment_of_the_same_pair(session: Session, cast: Cast) -> None:
    pair, other = queue(session, cast.project, 2)
    anns, bens = (judge(session, cast.project, who, pair, "a") for who in (cast.ann, cast.ben))
    for wrong in (
        {"account": cast.ann, "comparison": other, "supersedes_id": anns.id},
        {"account": cast.rui, "comparison": pair, "supersedes_id": bens.id},
        # Their own, of this pair, but not retired: two would be live.
        {"account": cast.ann, "comparison": pair, "supersedes_id": anns.id},
    ):
        with pytest.raises(sa.exc.IntegrityError):
            judge(session, cast.project, outcome="b", **wrong)  # type: ignore[arg-type]
        session.rollback()
    anns.retired_at = now()
    session.add(anns)
    session.commit()
    judge(session, cast.project, cast.ann, pair, "b", supersedes_id=anns.id)
