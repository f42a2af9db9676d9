"""How often a token may ask: so many requests in each minute, counted for all workers together.

The counters are the job queue's library's, in a file of their own beside its queue or in PostgreSQL.
They may be lost in a power cut, which costs nothing; waiting for the disk would.
"""

import logging
import sqlite3
import time
from dataclasses import dataclass

import psycopg
from flask import Flask, Response, current_app, g
from huey import Huey, PostgresHuey, SqliteHuey

from app import db, jobs, web
from app.api import bp
from app.errors import TooMany
from app.models import now
from app.settings import Settings

log = logging.getLogger(__name__)

WINDOW = 60


@dataclass(frozen=True)
class Allowance:
    """What is left of this minute's requests, and in how many seconds the next minute begins."""

    limit: int
    left: int
    reset: int


def init_app(app: Flask, settings: Settings) -> None:
    """Connect the counters."""
    app.extensions["limits"] = _counters(settings)


def _counters(settings: Settings) -> Huey:
    if settings.is_sqlite:
        path = settings.data_dir / "limits.db"
        with db.usable(f"sqlite:///{path}", "TIEBREAK_DATA_DIR"):
            return SqliteHuey("limits", filename=str(path), fsync=False, results=False)
    return PostgresHuey("limits", dsn=jobs.dsn(settings), options="-c synchronous_commit=off", results=False)


def count(who: str) -> None:
    """Count a request. Raises TooMany above the limit; a counter that fails stops nobody."""
    limit = web.settings().api_requests_per_minute
    if limit == 0:
        return
    window, into = divmod(int(time.time()), WINDOW)
    try:
        number = current_app.extensions["limits"].storage.incr(f"{who}:{window}")
    except (sqlite3.Error, psycopg.Error):
        log.exception("requests are not counted")
        return
    g.allowance = Allowance(limit, max(limit - number, 0), WINDOW - into)
    if number > limit:
        raise TooMany(
            f"More than {limit:,} requests in a minute. Wait {WINDOW - into} s, then go on.",
            retry_after=WINDOW - into,
        )


@bp.after_request
def _tell(response: Response) -> Response:
    allowance = g.get("allowance")
    if allowance is not None:
        response.headers["RateLimit-Limit"] = str(allowance.limit)
        response.headers["RateLimit-Remaining"] = str(allowance.left)
        response.headers["RateLimit-Reset"] = str(allowance.reset)
    return response


@jobs.every_minute
def forget() -> None:
    """Drop the counters of minutes gone by, once an hour; this minute's begin anew with them."""
    if now().minute == 0:
        current_app.extensions["limits"].storage.flush_counters()
