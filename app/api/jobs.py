"""Jobs over the API."""

from typing import Any

from flask import Response, send_file, url_for

from app import db, jobs, web
from app.api import auth
from app.api.answers import JobOut
from app.api.auth import enter
from app.api.operations import get, post, saved
from app.api.paging import Page, PageIn, page
from app.api.reading import asked
from app.imports import uploads
from app.joblist import listing
from app.joblist.listing import Listed
from app.models import Job, JobState, Project, Scope


@get("/projects/<slug>/jobs", scope=None, query=PageIn, gives=Page[JobOut])
def project_jobs(slug: str) -> Page[JobOut]:
    """A project's jobs, newest first: one's own, or everybody's for who manages it."""
    access, given = enter(slug, "see the project"), asked(PageIn)

    def make(row: Any) -> JobOut:
        return described(row.Job, access.project)

    return page(db.session(), listing.of(access), given, make, by=Job.id, newest_first=True)


@get("/jobs/<uid>", scope=None, gives=JobOut, for_one_project=True)
def job(uid: str) -> JobOut:
    """How far a job is, and its result once it is done."""
    return _told(_find(uid))


@get("/jobs/<uid>/refused", scope=None, for_one_project=True, gives_media=("application/x-ndjson",))
def refused_rows(uid: str) -> Response:
    """Every row that an import refused, with its place and the reason, as JSON Lines."""
    return send_file(uploads.refused(web.settings(), _find(uid).job.uid), "application/x-ndjson")


@post("/jobs/<uid>/cancel", scope=None, gives=JobOut, for_one_project=True)
def cancel_job(uid: str) -> JobOut:
    """End a job that the token might start, where nothing is half-done; what it did stays."""
    found = _find_to_change(uid)
    listing.cancel(db.session(), found, by=auth.account())
    return saved(_told(found))


@post("/jobs/<uid>/repeat", scope=None, gives=JobOut, status=202, for_one_project=True)
def repeat_job(uid: str) -> JobOut:
    """Start a job again that the token might start, and that came to no end; nothing is done twice."""
    found = _find_to_change(uid)
    listing.repeat(db.session(), found, by=auth.account())
    answer = saved(_told(found))
    jobs.send(found.job)
    return answer


def _find(uid: str) -> Listed:
    found = listing.find(db.session(), auth.account(), uid)
    auth.hold_to(found.access.project.slug if found.access else None)
    return found


def _find_to_change(uid: str) -> Listed:
    """Raises Forbidden where the token may not: one that may read may start snapshots, and end its own."""
    found = _find(uid)
    is_own = found.job.account_id == auth.account().id
    auth.hold_to_scope(Scope.READ if is_own and jobs.ability(found.job) == "export" else Scope.MANAGE)
    return found


def _told(found: Listed) -> JobOut:
    return described(found.job, found.access.project if found.access else None)


def started(made: Job, project: Project) -> JobOut:
    """A new job, committed and sent on its way."""
    answer = saved(described(made, project))
    jobs.send(made)
    return answer


def described(found: Job, project: Project | None) -> JobOut:
    """As the API tells it."""
    return JobOut(
        job=found.uid,
        project=project.slug if project else None,
        url=url_for("api.job", uid=found.uid),
        page=url_for("joblist.job", slug=project.slug, uid=found.uid) if project else None,
        stopping=found.state == JobState.RUNNING and found.stop_asked_at is not None,
        **found.model_dump(exclude={"params"}),
    )
