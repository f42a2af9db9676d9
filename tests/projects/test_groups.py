"""Groups of annotators: set by the lead, ranked by the leaderboard, kept in step with the judgments."""

from typing import Any

from sqlmodel import Session, select

from app import tallies
from app.leaderboard import slicing
from app.models import Annotator, AuditEvent
from tests.conftest import Cast
from tests.leaderboard.arrange import judge_birds

URL = "/p/birds/groups"


def test_a_lead_puts_annotators_in_groups_and_the_leaderboard_follows(
    cast: Cast, client_of: Any, session: Session
) -> None:
    judge_birds(session, cast.project, annotators=4)
    people = session.exec(select(Annotator).order_by(Annotator.id)).all()  # type: ignore[arg-type]
    lena, project_id = client_of(cast.lena), cast.project.id or 0
    assert "group" not in slicing.known(session, cast.project)
    for names, group, found in (
        ((0, 1), " experts ", {"experts"}),
        ((1, 2), "crew", {"experts", "crew"}),
        ((0,), "", {"crew"}),
    ):
        form = {"annotator": [people[name].uid for name in names], "group": group}
        for _ in range(2):
            assert lena.post(URL, data=form).status_code == 303
            session.expire_all()
            session.commit()
            assert tallies.differences(session, project_id) == []
        session.refresh(cast.project)
        assert set(slicing.known(session, cast.project)["group"]) == found
    assert [one.group_name for one in people] == [None, "crew", "crew", None]
    events = session.exec(select(AuditEvent).where(AuditEvent.verb == "annotator.group")).all()
    assert len(events) == 5, "the second time changes nothing"
    assert events[2].detail == {"group": {"from": "experts", "to": "crew"}}
    page = lena.get(URL).text
    assert '<option value="crew">' in page


def test_what_does_not_fit_is_refused(cast: Cast, client_of: Any, session: Session) -> None:
    judge_birds(session, cast.project, annotators=1)
    one = session.exec(select(Annotator)).one()
    lena = client_of(cast.lena)
    assert "Choose somebody first" in lena.post(URL, data={"group": "experts"}).text
    long = lena.post(URL, data={"annotator": one.uid, "group": "x" * 101})
    assert (long.status_code, "checked" in long.text) == (422, True)
    assert lena.post(URL, data={"annotator": ["nobody", one.uid], "group": "x"}).status_code == 404
    session.refresh(one)
    assert one.group_name is None
