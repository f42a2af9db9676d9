"""The leaderboard's page: who reads it, what it says, and what it says it cannot say."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account, Visibility
from tests.conftest import Cast
from tests.leaderboard.arrange import judge_birds

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/leaderboard"


def test_the_models_stand_best_first(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project)
    page = client_of(cast.vic).get(URL)
    assert page.status_code == 200, page.text
    assert page.text.index("Heron") < page.text.index("Moth")
