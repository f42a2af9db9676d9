"""Uploaded files on their way to the job that imports them."""

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from flask_babel import gettext as _
from sqlmodel import Session

from app import jobs
from app.errors import Invalid, NotFound
from app.imports.forms import ImportIn
from app.imports.sources import printable
from app.models import Account, Job, Project, opaque_id
from app.settings import Settings

Upload = tuple[str, IO[bytes]]


def keep(settings: Settings, uploads: Iterable[Upload]) -> list[dict[str, str]]:
    """Copy uploads to the data directory, under names of our own; theirs are only told to people.

    No database session may be open for writing meanwhile: a slow upload would hold up everybody.
    """
    folder = settings.data_dir / "uploads" / opaque_id()
    folder.mkdir(parents=True)
    try:
        kept = [_keep(settings, folder / str(number), *upload) for number, upload in enumerate(uploads)]
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not kept:
        folder.rmdir()
        raise Invalid.at("files", _("Choose at least one file."))
    return kept


def _keep(settings: Settings, path: Path, name: str, stream: IO[bytes]) -> dict[str, str]:
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    if not path.stat().st_size:
        raise Invalid.at("files", _("%(name)s is empty.", name=shown_name(name)))
    return {"name": shown_name(name), "path": str(path.relative_to(settings.data_dir))}


def shown_name(name: str) -> str:
    """A file's own name without its folders and without characters that do not print."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return printable(last)[:200].strip() or "upload"


def start(
    session: Session, project: Project, kept: list[dict[str, str]], asked: ImportIn, *, by: Account
) -> Job:
    """Write the job down; ``jobs.send`` it once this is committed."""
    params = {"files": kept, **asked.model_dump(mode="json", by_alias=True)}
    return jobs.add(session, "import", by=by, project=project, params=params)


def discard(settings: Settings, kept: list[dict[str, Any]]) -> None:
    """Remove what ``keep`` kept."""
    for folder in {(settings.data_dir / file["path"]).parent for file in kept}:
        shutil.rmtree(folder, ignore_errors=True)


def are_there(settings: Settings, kept: list[dict[str, Any]]) -> bool:
    """Whether none of what ``keep`` kept was removed since."""
    return all((settings.data_dir / file["path"]).exists() for file in kept)


def older_than(settings: Settings, moment: datetime) -> list[Path]:
    """The folders of uploads kept before a moment."""
    folders = (settings.data_dir / "uploads").glob("*")
    return [folder for folder in folders if folder.stat().st_mtime < moment.timestamp()]


def refused_path(settings: Settings, job_uid: str) -> Path:
    """Where a job leaves the rows it refused, as JSON Lines."""
    return settings.data_dir / "refused" / f"{job_uid}.jsonl"


def refused(settings: Settings, job_uid: str) -> Path:
    """That file. Raises NotFound where there is none."""
    path = refused_path(settings, job_uid).resolve()
    if not path.exists():
        raise NotFound(_("This job refused no rows, or its files have been removed."))
    return path
