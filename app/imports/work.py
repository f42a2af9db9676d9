"""The job that imports uploaded files."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from app import db, jobs, web
from app.errors import Gone, Invalid
from app.imports import uploads
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.models import Account, Job, JobState, Project, now

# Files of an import that failed or was cancelled, for whoever starts it again, or that was only tried.
KEPT = timedelta(days=7)


def _discard(job: Job) -> None:
    # What was only tried may be imported yet.
    to_come = job.params.get("dry_run") and not (job.result or {}).get("all_refused")
    if job.state == JobState.DONE and not to_come:
        uploads.discard(web.settings(), job.params["files"])


@jobs.every_minute
def discard_old() -> None:
    """Remove files of imports that added not all their rows and that nobody went on with."""
    old = uploads.older_than(web.settings(), now() - KEPT)
    if not old:
        return
    with db.new_session(db.engine(), write=False) as session:
        waiting = session.exec(select(Job.params).where(Job.kind == "import", jobs.WAITING))
        needed = {Path(file["path"]).parent.name for params in waiting for file in params["files"]}
    for folder in old:
        if folder.name not in needed:
            shutil.rmtree(folder, ignore_errors=True)


@jobs.work("import", "import", after=_discard)
def import_uploads(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Import a job's files, which are removed once their rows are added; progress counts rows."""
    settings = web.settings()
    with db.new_session(db.engine(), write=False) as session:
        project = session.get_one(Project, job.project_id)
        account = session.get(Account, job.account_id)
    files = [File(settings.data_dir / file["path"], file["name"]) for file in job.params["files"]]
    if not uploads.are_there(settings, job.params["files"]):
        raise Gone("The uploaded files are no longer there. Import them again.")
    refused = uploads.refused_path(settings, job.uid)
    refused.parent.mkdir(parents=True, exist_ok=True)
    try:
        with refused.open("wb") as refused_file:
            report = import_files(
                db.engine(),
                project,
                files,
                ImportIn.model_validate(job.params),
                by=account,
                max_row_mb=settings.max_row_mb,
                progress=progress,
                refused_file=refused_file,
            )
    except Invalid:
        # Its files can only be refused again, so it is not offered to be started again.
        uploads.discard(settings, job.params["files"])
        raise
    finally:
        if refused.stat().st_size == 0:
            refused.unlink()
    return report.as_dict()
