"""The job that imports uploaded files."""

from typing import Any

from app import db, jobs, web
from app.errors import Gone
from app.imports import uploads
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.models import Account, Job, Project

KB = 1024


@jobs.work("import")
def import_uploads(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Import a job's files and remove them; progress counts kilobytes read."""
    settings = web.settings()
    with db.new_session(db.engine(), write=False) as session:
        project = session.get_one(Project, job.project_id)
        account = session.get(Account, job.account_id)
    files = [File(settings.data_dir / file["path"], file["name"]) for file in job.params["files"]]
    if not all(file.path.exists() for file in files):
        raise Gone("The uploaded files are no longer there. Upload them again; nothing is added twice.")
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
                progress=lambda done, total: progress(done // KB, max(total // KB, 1)),
                refused_file=refused_file,
            )
    finally:
        uploads.discard(settings, job.params["files"])
        if refused.stat().st_size == 0:
            refused.unlink()
    return report.as_dict()
