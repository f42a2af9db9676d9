"""Queueing comparisons over the API."""

from flask import Response
from pydantic import BaseModel

from app import db
from app.api.answers import JobOut, PairingOut
from app.api.auth import account, enter
from app.api.jobs import started
from app.api.operations import answered, post
from app.api.reading import asked, received
from app.models import Scope
from app.pairing import pairs, work
from app.pairing.forms import PairingIn


class DryRunIn(BaseModel):
    """Whether only to tell what would be done."""

    dry_run: bool = False


@post(
    "/projects/<slug>/pairs",
    scope=Scope.MANAGE,
    takes=PairingIn,
    query=DryRunIn,
    gives=JobOut,
    status=202,
    also={200: ("What would be queued", PairingOut)},
    repeatable=True,
)
def queue_pairs(slug: str) -> JobOut | Response:
    """Queue comparisons of responses by a job; with `dry_run`, only count those of the first prompts."""
    access, given = enter(slug, "queue"), received(PairingIn)
    if asked(DryRunIn).dry_run:
        found = pairs.quick_preview(db.lent(), access.project, given)
        read = {"prompts_read": found.read, "prompts_in_all": found.prompts}
        return answered(PairingOut(**found.counted.as_dict(), **read), 200)
    return started(work.start(db.session(), access.project, given, by=account()), access.project)
