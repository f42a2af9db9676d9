"""Judgments as they stand in the database, so that exports can be tested without the pages."""

from itertools import count

from sqlmodel import Session

from app import counting
from app.models import Account, Comparison, Judgment, Outcome, Project, Source
from tests.annotation.arrange import annotator_of

_numbers = count()


def judge(
    session: Session,
    project: Project,
    account: Account,
    comparison: Comparison,
    outcome: str,
    *,
    commit: bool = True,
    **more: object,
) -> Judgment:
    """One live judgment."""
    judgment = Judgment(
        submission_id=f"submission-{next(_numbers)}",
        project_id=project.id,
        comparison_id=comparison.id,
        annotator_id=annotator_of(session, project, account).id,
        outcome=Outcome(outcome),
        source=Source.PAGE,
        **more,
    )
    session.add(judgment)
    session.flush()
    if judgment.retired_at is None:
        counting.add(session, judgment.project_id, {}, {(judgment.comparison_id, judgment.outcome): 1})
    if commit:
        session.commit()
    return judgment
