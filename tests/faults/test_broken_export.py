"""An export that breaks off half-way must not look complete to whoever downloads it."""

import http.client
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from app.models import Account, Response
from app.settings import Settings
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.faults.servers import served


def test_the_connection_is_cut_and_there_is_no_receipt(
    settings: Settings, session: Session, cast: Cast, bearer: Callable[[Account], dict[str, str]]
) -> None:
    for comparison in queue(session, cast.project, 520):
        judge(session, cast.project, cast.ann, comparison, "a", commit=False)
    last = session.exec(select(Response.id).order_by(sa.desc("id"))).first()
    # What a careless hand might leave: no message any more.
    session.execute(sa.text("UPDATE responses SET messages = '[1]' WHERE id = :id"), {"id": last})
    session.commit()
    with served(settings) as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/api/v1/projects/birds/export", headers=bearer(cast.rosa))
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
        assert len(broken.value.partial) > 100_000
        uid = answer.headers["X-Tiebreak-Export"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", f"/api/v1/projects/birds/exports/{uid}", headers=bearer(cast.rosa))
        assert connection.getresponse().status == 404
