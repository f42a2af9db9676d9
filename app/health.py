"""For whoever keeps the service running: is it alive, is it ready, how much is there."""

import hmac
from collections.abc import Iterator

import sqlalchemy as sa
from flask import Blueprint, Response, request
from flask_babel import gettext as _
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlmodel import Session, col

from app import db, web
from app.errors import NotFound
from app.models import Account, Annotator, Assignment, AssignmentState, Job, JobState, Project, Slot

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> dict[str, str]:
    """The database answers too."""
    db.session().execute(sa.text("SELECT 1"))
    return {"status": "ready"}


@bp.get("/metrics")
def metrics() -> Response:
    """What the database holds now, for Prometheus: the same from every replica.

    Whoever scrapes it sends ``TIEBREAK_METRICS_TOKEN``. Raises NotFound in production without one: how much
    a site holds is its operator's to know.
    """
    token = web.settings().metrics_token.get_secret_value()
    given = request.authorization
    if not token and web.settings().env == "production":
        raise NotFound(_("There is nothing at this address."))
    if token and not (given and hmac.compare_digest((given.token or "").encode(), token.encode())):
        return Response(
            "Send TIEBREAK_METRICS_TOKEN as a bearer token.\n", 401, {"WWW-Authenticate": "Bearer"}
        )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Database(db.session()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Database(Collector):
    """Counts at the time of the scrape; nothing is kept in the process."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def collect(self) -> Iterator[Metric]:
        """One gauge after another."""
        waiting = col(Slot.wanted) - col(Slot.taken)
        yield self._gauge("judgments", "Live judgments", sa.select(sa.func.sum(Annotator.judged)))
        yield self._gauge(
            "queue_judgments",
            "Judgments asked for and not handed out yet",
            sa.select(sa.func.sum(waiting)).where(col(Slot.taken) < col(Slot.wanted)),
        )
        yield self._gauge(
            "assignments_open",
            "Comparisons in an annotator's hands",
            _count(Assignment).where(col(Assignment.state) == AssignmentState.OPEN),
        )
        yield self._gauge("accounts", "Accounts that can sign in", _active_accounts())
        yield self._gauge("projects", "Projects, archived ones included", _count(Project))
        yield self._jobs()

    def _gauge(self, name: str, help_: str, query: "sa.Select[int]") -> GaugeMetricFamily:
        return GaugeMetricFamily(f"tiebreak_{name}", help_, value=self.session.execute(query).scalar() or 0)

    def _jobs(self) -> GaugeMetricFamily:
        query = sa.select(col(Job.state), sa.func.count()).group_by(col(Job.state))
        found = dict(self.session.execute(query).all())
        family = GaugeMetricFamily("tiebreak_jobs", "Jobs by state", labels=["state"])
        for state in JobState:
            family.add_metric([state.value], found.get(state, 0))
        return family


def _count(table: type) -> "sa.Select[int]":
    return sa.select(sa.func.count()).select_from(table)


def _active_accounts() -> "sa.Select[int]":
    return _count(Account).where(col(Account.disabled_at).is_(None))
