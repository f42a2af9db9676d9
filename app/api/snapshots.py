"""Snapshots over the API."""

from typing import Any

from flask import Response, url_for
from pydantic import BaseModel, Field

from app import db, web
from app.api import auth
from app.api.answers import JobOut
from app.api.auth import enter
from app.api.jobs import started
from app.api.operations import get, patch, post, saved
from app.api.paging import Page, PageIn, page
from app.api.reading import asked, changed, received
from app.api.results import ChangesOut, SnapshotOut
from app.models import Scope, Snapshot
from app.snapshots import making, media, reading, serving, withdrawing, work
from app.snapshots.forms import NoteIn, SnapshotIn, WithdrawIn
from app.snapshots.store import Store

TOLD_IF_WITHDRAWN = {serving.WITHDRAWN: "Only of a withdrawn snapshot: when that was"}


@post(
    "/projects/<slug>/snapshots",
    scope=Scope.READ,
    takes=SnapshotIn,
    gives=JobOut,
    status=202,
    repeatable=True,
)
def make_snapshot(slug: str) -> JobOut:
    """Make a snapshot, as a job to watch."""
    access, session = enter(slug, "export"), db.session()
    wanted = making.fitting(session, access.project, received(SnapshotIn))
    job = work.start(session, access.project, wanted, by=auth.account())
    return started(job, access.project)


@get("/projects/<slug>/snapshots", scope=Scope.READ, query=PageIn, gives=Page[SnapshotOut])
def snapshots(slug: str) -> Page[SnapshotOut]:
    """A project's snapshots, newest first."""
    access = enter(slug, "export")

    def make(row: Any) -> SnapshotOut:
        return _told(row.Snapshot, slug)

    return page(
        db.session(), reading.of(access.project), asked(PageIn), make, by=Snapshot.id, newest_first=True
    )


@get("/projects/<slug>/snapshots/<label>", scope=Scope.READ, gives=SnapshotOut)
def snapshot(slug: str, label: str) -> SnapshotOut:
    """One snapshot and its files."""
    return _told(_find(slug, label), slug)


@patch("/projects/<slug>/snapshots/<label>", scope=Scope.MANAGE, takes=NoteIn, gives=SnapshotOut)
def change_snapshot(slug: str, label: str) -> SnapshotOut:
    """Write a note beside a snapshot, not into its files."""
    access, session = enter(slug, "export"), db.session()
    found = reading.find(session, access.project, label)
    note = changed(NoteIn, found).note
    withdrawing.write_note(session, access.project, found, note, by=auth.account())
    return saved(_told(found, slug))


@post("/projects/<slug>/snapshots/<label>/withdraw", scope=Scope.MANAGE, takes=WithdrawIn, gives=SnapshotOut)
def withdraw_snapshot(slug: str, label: str) -> SnapshotOut:
    """Mark a snapshot as wrong, with a reason; its files stay as they are."""
    access, session, reason = enter(slug, "export"), db.session(), received(WithdrawIn).reason
    found = reading.find(session, access.project, label)
    withdrawing.withdraw(session, access.project, found, reason, by=auth.account())
    return saved(_told(found, slug))


@post("/projects/<slug>/snapshots/<label>/put-back", scope=Scope.MANAGE, gives=SnapshotOut)
def put_snapshot_back(slug: str, label: str) -> SnapshotOut:
    """Take back that a snapshot was withdrawn."""
    access, session = enter(slug, "export"), db.session()
    found = reading.find(session, access.project, label)
    withdrawing.put_back(session, access.project, found, by=auth.account())
    return saved(_told(found, slug))


class SinceIn(BaseModel):
    """What a snapshot is compared with."""

    since: str = Field(max_length=80, description="The label of an earlier snapshot.")


@get("/projects/<slug>/snapshots/<label>/changes", scope=Scope.READ, query=SinceIn, gives=ChangesOut)
def snapshot_changes(slug: str, label: str) -> ChangesOut:
    """Pairs that came, went or changed since an earlier snapshot, and the rules that did."""
    after, before = _find(slug, label), _find(slug, asked(SinceIn).since)
    return ChangesOut.model_validate(reading.changes(Store(web.settings()), before, after).as_dict())


@get(
    "/projects/<slug>/snapshots/<label>/<path:path>",
    scope=Scope.READ,
    gives_media=(*media.MEDIA_TYPES.values(), media.TEXT),
    headers={"ETag": "Its SHA-256, in quotes"},
    headers_of_some=TOLD_IF_WITHDRAWN,
    by_ranges=True,
)
def snapshot_file(slug: str, label: str, path: str) -> Response:
    """One of its files (`manifest.json`, `SHA256SUMS`, `README.md`, …), with a strong ETag and by ranges."""
    return serving.respond(Store(web.settings()), _find(slug, label), path)


@get(
    "/projects/<slug>/snapshots/<label>.tar",
    scope=Scope.READ,
    gives_media=(serving.WHOLE,),
    headers={"ETag": "Of its bytes, which never change"},
    headers_of_some=TOLD_IF_WITHDRAWN,
    by_ranges=True,
)
def whole_snapshot(slug: str, label: str) -> Response:
    """All its files as one tar, the same bytes each time, with a strong ETag and by ranges."""
    return serving.respond_whole(Store(web.settings()), _find(slug, label))


def _find(slug: str, label: str) -> Snapshot:
    return reading.find(db.session(), enter(slug, "export").project, label)


def _told(found: Snapshot, slug: str) -> SnapshotOut:
    return SnapshotOut(
        url=url_for("api.snapshot", slug=slug, label=found.label),
        page=url_for("snapshots.one", slug=slug, label=found.label),
        label=found.label,
        **found.model_dump(),
    )
