"""One model's page: where it does well, what failed in its responses, and comparisons it won and lost."""

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.asking import rubrics
from app.leaderboard import failures
from app.leaderboard.forms import StandingsQuery
from app.models import Account, Model, Project
from app.rubric import FailureTag, Rubric, Severity
from tests.conftest import Cast, plain
from tests.imports.arrange import Importer, vote
from tests.leaderboard.arrange import (
    A,
    Asked,
    B,
    Said,
    add_annotators,
    add_comparison,
    add_comparisons,
    add_models,
    judge,
    judge_all,
    withdraw,
)

Clients = Callable[[Account | None], FlaskClient]
WHOLE = StandingsQuery()


def model_named(session: Session, name: str) -> Model:
    return session.exec(select(Model).where(Model.name == name)).one()


def address(session: Session, name: str) -> str:
    return f"/p/birds/leaderboard/models/{model_named(session, name).uid}"


def tag_some(session: Session, project: Project) -> None:
    """Heron and Lark met four times; Heron, the first of each pair, failed in two, Lark in one; committed."""
    tags = (
        FailureTag(key="made_up", name="Made up", severity=Severity.CRITICAL),
        FailureTag(key="too_long", name="Wordy", severity=Severity.MINOR),
    )
    rubrics.publish(session, project, Rubric(tags=tags), by=None)
    heron, lark = add_models(session, project, ("Heron", "Lark"))
    (person,) = add_annotators(session, project, 1)
    marked = [{"a": ["made_up", "too_long"]}, {"a": ["made_up"], "b": ["too_long"]}, {"b": []}, None]
    made = [
        judge(session, add_comparison(session, heron, lark, "code" if n else "prose"), person, A, tags=tags_)
        for n, tags_ in enumerate(marked)
    ]
    withdraw(
        session, judge(session, add_comparison(session, heron, lark), person, B, tags={"a": ["made_up"]})
    )
    assert len(made) == 4
    session.commit()


def test_failures_are_counted_by_model_beside_the_usual_share(session: Session, cast: Cast) -> None:
    tag_some(session, cast.project)
    heron = failures.of_model(session, cast.project, WHOLE, model_named(session, "Heron"))
    assert [(one.tag.name, one.times, one.share, one.usual) for one in heron.found] == [
        ("Made up", 2, 0.5, 0.25),
        ("Wordy", 1, 0.25, 0.25),
    ]
    assert (heron.judgments, heron.part) == (4, False)
    lark = failures.of_model(session, cast.project, WHOLE, model_named(session, "Lark"))
    assert [(one.tag.key, one.times) for one in lark.found] == [("too_long", 1)]


def test_failures_are_those_of_the_slice(session: Session, cast: Cast) -> None:
    tag_some(session, cast.project)
    code = StandingsQuery(by="category", value="code")
    found = failures.of_model(session, cast.project, code, model_named(session, "Heron"))
    assert [(one.tag.key, one.times) for one in found.found] == [("made_up", 1)]
    assert found.judgments == 3


def test_only_the_latest_judgments_are_read(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag_some(session, cast.project)
    monkeypatch.setattr(failures, "LATEST", 4)
    found = failures.of_model(session, cast.project, WHOLE, model_named(session, "Heron"))
    # The last of all is retired; of the three before it one was marked.
    assert (found.judgments, found.part, [one.times for one in found.found]) == (3, True, [1])


def test_the_page_names_what_failed(session: Session, cast: Cast, client_of: Clients) -> None:
    tag_some(session, cast.project)
    client = client_of(cast.vic)
    text = plain(client.get(address(session, "Heron")).text)
    assert "Made up critical 2 50.0% 25.0%" in text
    found = client.get(f"{address(session, 'Heron')}.json").get_json()
    assert found["failures"][0] == {
        "tag": "made_up",
        "severity": "critical",
        "times": 2,
        "share": 0.5,
        "usual": 0.25,
    }


def test_without_tags_asked_for_nothing_is_said_of_failures(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    (person,) = add_annotators(session, cast.project, 1)
    judge(session, add_comparison(session, heron, lark), person, A)
    session.commit()
    assert "What failed" not in client_of(cast.vic).get(address(session, "Heron")).text


def test_comparisons_it_won_and_lost_are_told_apart(session: Session, cast: Cast, client_of: Clients) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    (person,) = add_annotators(session, cast.project, 1)
    for outcome in (A, A, B):
        judge(session, add_comparison(session, heron, lark), person, outcome)
    session.commit()
    client, url = client_of(cast.rosa), address(session, "Heron")
    lost, won = client.get(url).text, client.get(f"{url}?examples=won").text
    assert (lost.count('<details class="card">'), won.count('<details class="card">')) == (1, 2)
    assert client.get(url).headers["ETag"] != client.get(f"{url}?examples=won").headers["ETag"]


def test_votes_without_texts_are_counted_apart_from_what_can_be_read(
    session: Session, cast: Cast, client_of: Clients, tmp_path: Path, app: Flask
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    (person,) = add_annotators(session, cast.project, 1)
    judge(session, add_comparison(session, heron, lark), person, B)
    session.commit()
    votes = [
        vote(winner, "Heron", "Lark", prompt_id=winner * n) for n in (1, 2) for winner in ("model_b", "tie")
    ]
    Importer(app, cast.project, tmp_path)([*votes, vote("model_a", "Heron", "Lark", prompt_id="w")])
    client, url = client_of(cast.rosa), address(session, "Heron")
    page = client.get(url).text
    assert page.count('<details class="card">') == 1
    assert "2 more are known from votes only" in page
    page = client.get(f"{url}?examples=won").text
    assert "1 comparison is known from votes only" in page
    assert "It won none here." not in page


def test_a_strength_is_marked_only_where_it_is_no_chance(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    rng = random.Random(3)
    models, people = (
        add_models(session, cast.project, ("Heron", "Lark", "Wren")),
        add_annotators(session, cast.project, 8),
    )
    asked, said = [], []
    for number in range(600):
        a, b = rng.sample(models, 2)
        category = ("code", "prose", "verse")[number % 3]
        chance = 0.5
        if category == "code" and "Heron" in (a.name, b.name):
            # So many that no interval of the slice's own would be narrow.
            chance = 1.0 if a.name == "Heron" else 0.0
        outcome = A if rng.random() < chance else B
        asked.append(Asked(a, b, category))
        said.append(Said(people[number % 8], outcome))
    judge_all(session, add_comparisons(session, asked), said)
    session.commit()
    client, heron = client_of(cast.vic), address(session, "Heron")
    marks = {
        name: {
            row["value"]: row["stands_out"]
            for row in client.get(f"{address(session, name)}.json").json["slices"]
        }
        for name in ("Heron", "Lark")
    }
    assert (marks["Heron"]["code"], marks["Heron"][""], marks["Lark"]["code"]) == ("stronger", "", "weaker")
    best = client.get(heron).text.split("Where it does best")[1]
    assert best.index("code") < best.index("stronger") < best.index("prose")
    # Where one looks changes nothing of what the others are compared with.
    narrowed = client.get(f"{heron}.csv?by=category&value=prose").text
    found = {row["value"]: row["stands_out"] for row in csv.DictReader(io.StringIO(narrowed))}
    assert found == {value: mark for value, mark in marks["Heron"].items() if value}
