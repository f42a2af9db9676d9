"""Slices of the standings: by criterion, by annotator group, by time."""

import csv
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlmodel import Session, select

from app import tallies
from app.asking import rubrics
from app.leaderboard import slicing, standings
from app.leaderboard.forms import StandingsQuery
from app.models import Account, Annotator, AnnotatorKind, Comparison, Judgment, Model
from app.rubric import Rubric
from tests.conftest import Cast
from tests.leaderboard.arrange import (
    TIE,
    A,
    Asked,
    B,
    Said,
    add_annotators,
    add_comparison,
    add_comparisons,
    add_models,
    change,
    judge,
    judge_all,
    withdraw,
)

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/leaderboard"
START = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def judged(session: Session, cast: Cast) -> list[Judgment]:
    """A judgment an hour over ten days: the experts prefer Heron, the crew Lark; on tone all prefer Moth."""
    rng = random.Random(3)
    models = add_models(session, cast.project, ("Heron", "Lark", "Moth"))
    people = add_annotators(session, cast.project, 12)
    for number, person in enumerate(people):
        person.group_name = (None, "experts", "crew")[number % 3]
        person.kind = AnnotatorKind.MODEL if number == 11 else AnnotatorKind.HUMAN
    favourites = {None: "", "experts": "Heron", "crew": "Lark"}
    asked, said = [], []
    for hour in range(240):
        a, b = rng.choice(list(combinations(models, 2)))
        person = people[hour % 12]
        asked.append(Asked(a, b, rng.choice(["code", "safety"])))
        liked = {a.name: A, b.name: B}.get(favourites[person.group_name], rng.choice([A, B, TIE]))
        tone = {a.name: A, b.name: B}.get("Moth", TIE)
        more = {"criteria": {"tone": tone}} if hour % 2 else {}
        moment = START + timedelta(hours=hour)
        said.append(Said(person, liked, more={"created_at": moment, **more}))
    made = judge_all(session, add_comparisons(session, asked), said)
    session.commit()
    return made


def ask(session: Session, cast: Cast, **query: object) -> dict[str, object]:
    return standings.as_object(session, cast.project, StandingsQuery.model_validate(query))


def first(part: dict[str, object]) -> str:
    return part["models"][0]["model"]  # type: ignore[index,no-any-return]


def test_each_slice_is_ranked_by_its_own_verdicts(
    session: Session, cast: Cast, judged: list[Judgment]
) -> None:
    groups = {part["value"]: part for part in ask(session, cast, by="group")["slices"]}  # type: ignore[attr-defined]
    assert {value: first(part) for value, part in groups.items()} == {"experts": "Heron", "crew": "Lark"}
    assert [part["votes"] for part in groups.values()] == [80, 80]
    [tone] = ask(session, cast, by="criterion")["slices"]  # type: ignore[misc]
    assert (tone["value"], tone["votes"], first(tone)) == ("tone", 120, "Moth")
    assert first(ask(session, cast, by="criterion", value="tone", method="elo")) == "Moth"


@pytest.mark.parametrize("by", ["", *slicing.SLICES])
def test_all_days_together_are_the_kept_counts(
    session: Session, cast: Cast, judged: list[Judgment], by: str
) -> None:
    withdraw(session, judged[0])
    change(session, judged[3], TIE)
    session.commit()
    kept, counted = (ask(session, cast, by=by, since=since) for since in (None, date(2000, 1, 1)))
    assert counted["votes"] == 239
    for one, other in zip(
        [kept, *kept.get("slices", [])], [counted, *counted.get("slices", [])], strict=True
    ):  # type: ignore[has-type,misc]
        assert one.pop("models") == [pytest.approx(row) for row in other.pop("models")]
        for found in (one, other):
            found.pop("slices", None)
            found.pop("since", None)
        assert one == other


def test_days_are_whole_and_both_ends_count(session: Session, cast: Cast, judged: list[Judgment]) -> None:
    assert ask(session, cast, since="2025-06-02", until="2025-06-02")["votes"] == 24
    assert ask(session, cast, until="2025-06-01")["votes"] == 12
    assert ask(session, cast, since="2025-06-11")["votes"] == 12
    part = ask(session, cast, since="2025-06-02", until="2025-06-03", by="group", value="experts")
    assert (part["votes"], first(part), part["by"], part["value"]) == (16, "Heron", "group", "experts")
    assert ask(session, cast, since="2025-06-02", until="2025-06-02", method="elo")["votes"] == 24
    assert ask(session, cast, since="2030-01-01")["votes"] == 0
    wanted = [row for row in judged if "2025-06-02" <= str(row.created_at)[:10] <= "2025-06-04"]
    told = ask(session, cast, since="2025-06-02", until="2025-06-04")["models"]
    assert sum(row["ties"] for row in told) == 2 * sum(row.outcome == TIE for row in wanted)  # type: ignore[attr-defined]


def test_the_counts_stay_those_of_the_judgments(session: Session, cast: Cast, judged: list[Judgment]) -> None:
    withdraw(session, judged[1])
    change(session, judged[5], TIE)
    session.commit()
    assert tallies.differences(session, cast.project.id or 0) == []


def test_a_criterion_is_called_what_its_lead_calls_it(
    session: Session, cast: Cast, client_of: Clients, judged: list[Judgment]
) -> None:
    client, name = client_of(cast.lena), "Accuracy, <b>facts</b>"
    assert ask(session, cast, by="criterion")["slices"][0]["label"] == "tone"  # type: ignore[index]
    rubric = Rubric.model_validate({"criteria": [{"key": "tone", "name": name}]})
    rubrics.publish(session, cast.project, rubric, by=cast.lena)
    session.commit()
    assert [part["label"] for part in client.get(f"{URL}.json?by=criterion").json["slices"]] == [name]
    assert name in {
        row["label"] for row in csv.DictReader(client.get(f"{URL}.csv?by=criterion").text.splitlines())
    }
    lark = f"{URL}/models/{standings.uids(session, cast.project)['Lark']}"
    assert name in {part["label"] for part in client.get(f"{lark}.json").json["slices"]}
    for address in (
        f"{URL}?by=criterion",
        f"{URL}?by=criterion&value=tone",
        lark,
        f"{URL}.svg?by=criterion&value=tone",
    ):
        assert str(escape(name)) in client.get(address).text, address


def test_slices_and_days_are_in_the_address(
    session: Session, cast: Cast, client_of: Clients, judged: list[Judgment]
) -> None:
    client = client_of(cast.lena)
    page = client.get(f"{URL}?by=group&value=experts&since=2025-06-02&until=2025-06-03").text
    assert "16 judgments" in page
    assert "annotator group “experts”" in page
    assert "2025-06-02" in page
    uid = standings.uids(session, cast.project)["Lark"]
    lost = client.get(f"{URL}/models/{uid}?by=criterion&value=tone&since=2025-06-02&until=2025-06-02").text
    assert "in criterion “tone”, 2025-06-02" in lost
    day = [row for row in judged if row.criteria and str(row.created_at)[:10] == "2025-06-02"]
    pairs = [session.get_one(Comparison, row.comparison_id) for row in day if row.criteria["tone"] == B]  # type: ignore[index]
    lark = session.exec(select(Model).where(Model.name == "Lark")).one()
    assert 0 < sum(pair.model_a_id == lark.id for pair in pairs) == lost.count('<details class="card">')


@pytest.mark.parametrize(
    "query",
    ["since=tomorrow", "since=2025-06-02&until=2025-06-01", "until=9999-12-31", "by=criterion&value=x%22y"],
)
def test_days_that_are_none_are_refused(cast: Cast, client_of: Clients, query: str) -> None:
    assert client_of(cast.vic).get(f"{URL}?{query}").status_code == 422


def test_of_many_judgments_only_what_slices_there_are_is_looked_up(
    session: Session, cast: Cast, judged: list[Judgment], count_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicing, "MANY_JUDGMENTS", 0)
    before = slicing.known(session, cast.project)
    heron, lark = session.exec(select(Model).order_by(Model.id)).all()[:2]
    person = session.get_one(Annotator, judged[0].annotator_id)
    first = judge(session, add_comparison(session, heron, lark, before["category"][0]), person, A)
    session.commit()
    with count_queries() as statements:
        assert slicing.known(session, cast.project) == before
    assert not [one for one in statements if "GROUP BY tallies.slice_by" in one]
    new = judge(session, add_comparison(session, heron, lark, "poems"), person, A)
    session.commit()
    assert slicing.known(session, cast.project)["category"] == [*before["category"], "poems"]
    withdraw(session, new)
    withdraw(session, first)
    session.commit()
    assert slicing.known(session, cast.project) == before
