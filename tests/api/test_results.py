"""Results as JSON: the same objects as the pages show and the files hold."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.leaderboard.arrange import judge_birds

Make = Callable[..., Program]
BIRDS = "/projects/birds"


def test_the_matrix_and_the_way_there_are_the_pages_files(
    session: Session, cast: Cast, program: Make, client_of: Callable[[Account | None], FlaskClient]
) -> None:
    judge_birds(session, cast.project)
    vic, page = program(cast.vic), client_of(cast.vic)
    for name in ("matrix", "over-time"):
        answer = vic.get(f"{BIRDS}/leaderboard/{name}")
        assert answer.json == page.get(f"/p/birds/leaderboard/{name}.json").json
        known = {"If-None-Match": answer.headers["ETag"]}
        assert vic.get(f"{BIRDS}/leaderboard/{name}", headers=known).status_code == 304
    assert vic.get(f"{BIRDS}/leaderboard/over-time?method=guess").status_code == 422


def test_quality_names_annotators_to_their_lead_only(session: Session, cast: Cast, program: Make) -> None:
    judge_birds(session, cast.project)
    lena, rui = (program(one).get(f"{BIRDS}/quality").json for one in (cast.lena, cast.rui))
    assert lena["agreement"][0]["name"] == "Raw agreement"
    people = [{one["name"] for one in found["annotators"] if one["kind"] == "human"} for found in (lena, rui)]
    assert len(people[0]) == len(people[1]) > 0
    assert people[0].isdisjoint(people[1])
    assert program(cast.rosa).get(f"{BIRDS}/quality").status_code == 403
