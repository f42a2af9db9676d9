"""Groups of annotators: set by the lead, ranked by the leaderboard, kept in step with the judgments."""

import json
import re
from collections import Counter
from typing import Any

from sqlmodel import Session, select

from app import tallies
from app.leaderboard import slicing
from app.models import Annotator, AnnotatorKind, AuditEvent, Comparison
from app.quality import agreement
from tests.conftest import Cast
from tests.leaderboard.arrange import A, judge, judge_birds

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


def test_what_judge_models_have_judged_counts_as_theirs(cast: Cast, client_of: Any, session: Session) -> None:
    first = judge_birds(session, cast.project, annotators=4)[0]
    people = session.exec(select(Annotator).order_by(Annotator.id)).all()  # type: ignore[arg-type]
    people[0].account_id, people[0].name, people[1].simulated = cast.ann.id, None, True
    for person in people[2:]:
        judge(session, session.get_one(Comparison, first.comparison_id), person, A)
    session.commit()
    lena = client_of(cast.lena)
    simulated = people[1].name

    def told() -> dict[str, Any]:
        """By page, object and file: whose judgments, how many of each kind, whose agreement, and as whom."""
        session.rollback()
        assert tallies.differences(session, cast.project.id or 0) == []
        file = "/p/birds/export/download?format=judgments"
        rows = [json.loads(line) for line in lena.get(file).text.splitlines()]
        return {
            "who": re.findall(r"judgments by (.+?) ·", lena.get("/p/birds/leaderboard").text),
            "slices": {
                part["value"]: part["votes"]
                for part in lena.get("/p/birds/leaderboard.json?by=kind").json["slices"]
            },
            "agreeing": agreement.of_people(session, cast.project, "category").verdicts,
            "rows": Counter((row["annotator_kind"], row["judge_model"], row["simulated"]) for row in rows),
            "of people": len(lena.get(f"{file}&kind=human").text.splitlines()),
        }

    before = told()
    assert before == {
        "who": ["3 people and 1 simulated annotator"],
        "slices": {"human": 74},
        "agreeing": 3,
        "rows": {("human", None, False): 56, ("human", None, True): 18},
        "of people": 56,
    }
    form = {"annotator": [people[0].uid, people[1].uid], "kind": "model"}
    for _ in range(2):
        assert lena.post(f"{URL}/kind", data=form).status_code == 303
        assert told() == {
            "who": ["2 people and 1 judge model and 1 simulated annotator"],
            "slices": {"human": 38, "model": 36},
            "agreeing": 2,
            "rows": {("human", None, False): 38, ("model", "Ann", False): 18, ("model", simulated, True): 18},
            "of people": 38,
        }
    events = session.exec(select(AuditEvent).where(AuditEvent.verb == "annotator.kind")).all()
    assert [event.detail for event in events] == [{"kind": {"from": "human", "to": "model"}}] * 2
    assert lena.post(f"{URL}/kind", data=form | {"kind": "human"}).status_code == 303
    assert told() == before


def test_imported_annotators_of_one_name_stay_apart(cast: Cast, client_of: Any, session: Session) -> None:
    judge_birds(session, cast.project, annotators=2)
    one, other = session.exec(select(Annotator).order_by(Annotator.id)).all()  # type: ignore[arg-type]
    session.add(Annotator(project_id=cast.project.id, name=other.name, kind=AnnotatorKind.MODEL))
    session.commit()
    form = {"annotator": [one.uid, other.uid], "kind": "model"}
    refused = client_of(cast.lena).post(f"{URL}/kind", data=form)
    assert (refused.status_code, f"“{other.name}” stays" in refused.text) == (409, True)
    assert refused.text.count(" checked") == 2
    session.rollback()
    assert [one.kind, other.kind] == [AnnotatorKind.HUMAN] * 2
    assert tallies.differences(session, cast.project.id or 0) == []
