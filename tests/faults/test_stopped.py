"""A server that is asked to stop does so soon and quietly, whoever is still connected."""

import http.client
import signal

from app.settings import Settings
from tests.conftest import Cast
from tests.faults.servers import started


def test_it_ends_without_a_word(settings: Settings, cast: Cast) -> None:
    with started(settings) as (port, process):
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        kept.request("GET", "/sign-in")
        assert kept.getresponse().read()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, b"")
