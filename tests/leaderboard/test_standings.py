"""Standings from kept tallies are what the raw judgments give, and are remembered until one changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session, select

from app import tallies
from app.leaderboard import memory, standings
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.ranked import Parameters, Standings
from app.leaderboard.ranked_votes import rank_votes
from app.leaderboard.votes_file import Votes
from app.models import Annotator, Comparison, Judgment, Model, Project
from ranking import encode_outcomes
from tests.conftest import Cast
from tests.leaderboard.arrange import A, B, change, judge_birds, live, withdraw

WHOLE = StandingsQuery()


def from_judgments(session: Session, project: Project, **options: str) -> Standings:
    """Ranked straight from the judgments, as a file of them would be."""
    models = session.exec(select(Model).where(Model.project_id == project.id).order_by(Model.id)).all()
    code = {model.id: i for i, model in enumerate(models)}
    judgments = sorted(live(session, project), key=lambda one: one.id)
    pairs = [session.get_one(Comparison, one.comparison_id) for one in judgments]
    people = [session.get_one(Annotator, one.annotator_id) for one in judgments]
    votes = Votes(
        tuple(model.name for model in models),
        np.array([code[pair.model_a_id] for pair in pairs]),
        np.array([code[pair.model_b_id] for pair in pairs]),
        encode_outcomes([one.outcome.value for one in judgments]),
        np.array([person.cluster for person in people]),
        prompt=np.array([pair.prompt_id for pair in pairs]),
    )
    return rank_votes(votes, Parameters(**options))


@pytest.mark.parametrize(
    "options",
    [{}, {"ties": "drop"}, {"ties": "davidson"}, {"method": "elo"}, {"method": "elo", "ties": "drop"}],
)
def test_tallies_give_what_the_judgments_give_after_edits(
    options: dict[str, str], session: Session, cast: Cast
) -> None:
    made = judge_birds(session, cast.project)
    for judgment in made[:5]:
        change(session, judgment, B if judgment.outcome == A else A)
    for judgment in made[5:9]:
        withdraw(session, judgment)
    session.commit()
    found = standings.load(session, cast.project, StandingsQuery(**options))
    expected = from_judgments(session, cast.project, **options)
    assert found.votes == len(live(session, cast.project)) == len(made) - 4
    assert found.notes == expected.notes
    for one, other in zip(found.rows, expected.rows, strict=True):
        assert (one.model, one.rank, one.wins, one.ties, one.judgments) == (
            other.model,
            other.rank,
            other.wins,
            other.ties,
            other.judgments,
        )
        assert one.rating == pytest.approx(other.rating, abs=1e-6)
        assert one.lower == (None if other.lower is None else pytest.approx(other.lower, abs=1e-4))


def test_a_slice_is_the_whole_of_its_judgments(session: Session, cast: Cast) -> None:
    judge_birds(session, cast.project, categories=("coding",))
    whole = standings.load(session, cast.project, WHOLE)
    part = standings.load(session, cast.project, StandingsQuery(by="category", value="coding"))
    assert part.rows == whole.rows


def test_slices_add_up_to_the_whole(session: Session, cast: Cast) -> None:
    judge_birds(session, cast.project, categories=("coding", "safety"))
    parts = standings.load_parts(session, cast.project, StandingsQuery(by="category"))
    whole = parts.pop(("", ""))
    assert set(parts) == {("category", "coding"), ("category", "safety")}
    assert sum(part.votes for part in parts.values()) == whole.votes


def test_elo_of_a_slice_takes_only_its_judgments(session: Session, cast: Cast) -> None:
    judge_birds(session, cast.project, categories=("coding", "safety"))
    query = StandingsQuery(method="elo", by="category", value="coding")
    by_tally = standings.load(session, cast.project, query.model_copy(update={"method": "bt"}))
    assert standings.load(session, cast.project, query).votes == by_tally.votes
    people = standings.load(session, cast.project, StandingsQuery(method="elo", by="kind", value="human"))
    assert people.votes == standings.load(session, cast.project, WHOLE).votes


def test_standings_are_remembered_until_a_judgment_changes(app: Flask, session: Session, cast: Cast) -> None:
    made = judge_birds(session, cast.project)
    first = standings.load(session, cast.project, WHOLE)
    statements: list[str] = []
    engine = app.extensions["engine"]
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert standings.load(session, cast.project, WHOLE) is first
    assert len(statements) == 1
    withdraw(session, made[0])
    session.commit()
    assert standings.load(session, cast.project, WHOLE).votes == first.votes - 1


@pytest.mark.parametrize("query", [WHOLE, StandingsQuery(by="category", value="coding")])
def test_only_the_counts_of_those_who_judged_since_are_read_again(
    query: StandingsQuery, session: Session, cast: Cast, count_queries: Any
) -> None:
    made = judge_birds(session, cast.project, categories=("coding", "safety"), rounds=24)
    mine = [one for one in made if one.annotator_id == made[0].annotator_id]
    standings.load(session, cast.project, query)
    withdraw(session, mine[0])
    for judgment in mine[1:12]:
        change(session, judgment, B if judgment.outcome == A else A)
    session.commit()
    with count_queries() as statements:
        found = standings.load(session, cast.project, query)
    (read,) = (one for one in statements if "FROM models" in one and "tallies" in one)
    assert "tallies.cluster IN" in read
    memory.forget()
    anew = standings.load(session, cast.project, query)
    assert [replace(row, lower=None, upper=None, rating=None) for row in found.rows] == [
        replace(row, lower=None, upper=None, rating=None) for row in anew.rows
    ]
    for one, other in zip(found.rows, anew.rows, strict=True):
        assert (one.rating, one.lower, one.upper) == pytest.approx(
            (other.rating, other.lower, other.upper), abs=1e-6
        )


def test_all_counts_are_read_again_where_many_changed_or_the_project_did(
    session: Session, cast: Cast, count_queries: Any
) -> None:
    made = judge_birds(session, cast.project)
    standings.load(session, cast.project, WHOLE)
    for judgment in made:
        change(session, judgment, B)
    session.commit()
    with count_queries() as statements:
        assert all(row.ties == 0 for row in standings.load(session, cast.project, WHOLE).rows)
    assert not [one for one in statements if "tallies.cluster IN" in one]
    tallies.rebuild(session, cast.project.id)
    cast.project.revision += 1
    session.add(cast.project)
    session.commit()
    with count_queries() as statements:
        standings.load(session, cast.project, WHOLE)
    assert not [one for one in statements if "tallies.cluster IN" in one]


def test_another_projects_judgments_are_not_counted(session: Session, cast: Cast) -> None:
    other = Project(slug="fish", name="Fish")
    session.add(other)
    session.flush()
    judge_birds(session, cast.project)
    judge_birds(session, other, rounds=2)
    assert standings.load(session, other, WHOLE).votes == 12
    assert standings.headline(session, other).people == 2


def test_the_object_promised_to_scripts(session: Session, cast: Cast) -> None:
    judge_birds(session, cast.project)
    found = standings.as_object(session, cast.project, WHOLE)
    assert list(found) == ["method", "parameters", "votes", "models", "notes"]
    assert [list(row) for row in found["models"]] == [
        [
            "model",
            "rating",
            "lower",
            "upper",
            "rank",
            "rank_lower",
            "rank_upper",
            "wins",
            "losses",
            "ties",
            "both_bad",
            "judgments",
            "component",
        ]
    ] * 4
    best = found["models"][0]
    assert best["lower"] < best["rating"] < best["upper"]
    assert best["rank_lower"] <= best["rank"] <= best["rank_upper"]
    assert best["wins"] + best["losses"] + best["ties"] + best["both_bad"] == best["judgments"]
    assert found["votes"] == len(session.exec(select(Judgment)).all())
