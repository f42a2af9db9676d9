"""Queueing comparisons over the API."""

from typing import Any

from flask import request, url_for

from app import db, jobs, permissions
from app.api import bp
from app.api.auth import api_account
from app.api.body import json_object
from app.errors import checked
from app.pairing import pairs, work
from app.pairing.forms import PairingIn


@bp.post("/projects/<slug>/pairs")
def queue_pairs(slug: str) -> tuple[dict[str, Any], int]:
    """Queue comparisons of the project's responses by a job; ``?dry_run=true`` only counts them."""
    account, session = api_account(), db.session()
    access = permissions.enter(session, account, slug, "queue")
    given = json_object('Send a JSON object, as {"models": ["A", "B"], "per_prompt": 1}.', optional=True)
    asked = checked(PairingIn, given)
    if request.args.get("dry_run", "").lower() in ("1", "true"):
        session.rollback()
        return pairs.preview(db.engine(), access.project, asked).as_dict(), 200
    job = work.start(session, access.project, asked, by=account)
    session.commit()
    jobs.send(job)
    return {"job": job.uid, "state": job.state.value, "url": url_for("api.job", uid=job.uid)}, 202
