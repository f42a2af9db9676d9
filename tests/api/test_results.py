"""Results as JSON: the same objects as the pages show and the files hold."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account, Scope
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


def test_each_view_of_the_leaderboard_is_the_pages_file(
    session: Session, cast: Cast, program: Make, client_of: Callable[[Account | None], FlaskClient]
) -> None:
    judge_birds(session, cast.project)
    vic, page = program(cast.vic), client_of(cast.vic)
    heron, lark = (one["uid"] for one in vic.get(f"{BIRDS}/models?limit=2").json["items"])
    for view in ("bias", f"models/{heron}", f"models/{heron}/{lark}"):
        answer = vic.get(f"{BIRDS}/leaderboard/{view}")
        assert answer.json == page.get(f"/p/birds/leaderboard/{view}.json").json
        known = {"If-None-Match": answer.headers["ETag"]}
        assert vic.get(f"{BIRDS}/leaderboard/{view}", headers=known).status_code == 304
        assert vic.get(f"{BIRDS}/leaderboard/{view}?since=someday").status_code == 422
        for who, status in ((program(cast.otto), 404), (program(cast.vic, Scope.ANNOTATE), 403)):
            assert who.get(f"{BIRDS}/leaderboard/{view}").status_code == status
    for unknown in ("models/none", f"models/{heron}/{heron}"):
        assert vic.get(f"{BIRDS}/leaderboard/{unknown}").status_code == 404


def test_robustness_tells_what_holds_the_order_and_why_the_rest_is_not_known(
    session: Session, cast: Cast, program: Make
) -> None:
    judge_birds(session, cast.project)
    told = program(cast.vic).get(f"{BIRDS}/leaderboard/robustness").json
    assert told["top"]["leader"] == "Heron"
    assert 0 < told["top"]["needed"] < told["top"]["judgments"]
    assert [one["leader"] for one in told["neighbours"]][:1] == ["Heron"]
    assert "measured" not in told["style"]
    assert told["judges"]["missing"]


def test_quality_names_annotators_to_their_lead_only(session: Session, cast: Cast, program: Make) -> None:
    judge_birds(session, cast.project)
    lena, rui = (program(one).get(f"{BIRDS}/quality").json for one in (cast.lena, cast.rui))
    assert lena["agreement"][0]["name"] == "Raw agreement"
    people = [{one["name"] for one in found["annotators"] if one["kind"] == "human"} for found in (lena, rui)]
    assert len(people[0]) == len(people[1]) > 0
    assert people[0].isdisjoint(people[1])
    assert program(cast.rosa).get(f"{BIRDS}/quality").status_code == 403
