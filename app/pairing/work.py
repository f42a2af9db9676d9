"""The job that queues comparisons."""

from typing import Any

from sqlmodel import Session

from app import db, jobs
from app.models import Account, Job, Project
from app.pairing import pairs
from app.pairing.forms import PairingIn


def start(session: Session, project: Project, asked: PairingIn, *, by: Account) -> Job:
    """Write the job down; ``jobs.send`` it once this is committed.

    Raises Invalid for unknown models, so that the asker hears of them at once.
    """
    pairs.chosen_models(session, project, asked)
    return jobs.add(session, "pairing", by=by, project=project, params=asked.model_dump(mode="json"))


@jobs.work("pairing")
def queue(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Queue a job's pairs; progress counts prompts passed."""
    with db.new_session(db.engine(), write=False) as session:
        project = session.get_one(Project, job.project_id)
        account = session.get(Account, job.account_id)
    asked = PairingIn.model_validate(job.params)
    return pairs.queue_pairs(db.engine(), project, asked, by=account, progress=progress).as_dict()
