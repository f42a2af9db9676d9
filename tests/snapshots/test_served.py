"""A snapshot's file in parts, from the production server: it takes files from the app in a way of its own."""

import http.client
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account
from app.settings import Settings
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.faults.servers import served

ADDRESS = "/api/v1/projects/birds/snapshots/birds-v1/data/train.parquet"

PACKED = "/api/v1/projects/birds/snapshots/birds-v1.tar"


def test_every_part_of_a_file_can_be_had(
    settings: Settings,
    session: Session,
    cast: Cast,
    client_of: Callable[[Account | None], FlaskClient],
    bearer: Callable[[Account], dict[str, str]],
) -> None:
    for comparison in queue(session, cast.project, 5):
        judge(session, cast.project, cast.ann, comparison, "a")
    assert client_of(cast.rosa).post("/p/birds/snapshots", data={"name": "birds"}).status_code == 303
    token = bearer(cast.rosa)
    session.close()
    with served(settings) as (port, _):

        def ask(address: str = ADDRESS, **headers: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", address, headers={**token, **named})
            answer = connection.getresponse()
            return answer.status, answer.read()

        status, whole = ask()
        assert status == 200
        assert ask(Range="bytes=0-99") == (206, whole[:100])
        assert ask(Range="bytes=100-") == (206, whole[100:])
        assert ask(Range="bytes=-50") == (206, whole[-50:])
        assert ask(Range=f"bytes={len(whole)}-")[0] == 416
        for ignored in ("lines=1-2", "bytes=5-2"):
            assert ask(Range=ignored)[0] in (200, 416), ignored
        assert ask(Range="bytes=100-", If_Range='"another"') == (200, whole)
        status, packed = ask(PACKED)
        assert (status, whole in packed) == (200, True)
        assert ask(PACKED, Range="bytes=1000-") == (206, packed[1000:])
