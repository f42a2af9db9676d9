"""Elo kept up: whatever changed, it is what a replay from the beginning gives, and little is read again."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations

import numpy as np
import pytest
from sqlmodel import Session

from app.leaderboard import memory, reading, replay
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.replay import MOST_MARKS, Replay
from app.models import Judgment
from tests.conftest import Cast
from tests.leaderboard.arrange import (
    BOTH_BAD,
    TIE,
    A,
    B,
    add_annotators,
    add_comparison,
    add_models,
    change,
    judge,
    withdraw,
)

ALL = StandingsQuery(method="elo")


@pytest.fixture
def vote(session: Session, cast: Cast) -> Callable[..., Judgment]:
    """Somebody judges something."""
    rng = random.Random(11)
    models = add_models(session, cast.project, ("Heron", "Lark", "Moth"))
    people = add_annotators(session, cast.project, 3)

    def cast_one(**more: object) -> Judgment:
        a, b = rng.choice(list(combinations(models, 2)))
        pair = add_comparison(session, a, b, rng.choice(["code", "safety"]))
        made = judge(session, pair, rng.choice(people), rng.choice([A, A, B, TIE, BOTH_BAD]), **more)
        session.commit()
        return made

    return cast_one


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many judgments each replay read."""
    found: list[int] = []
    honest = reading.in_time

    def counting(*arguments: object) -> object:
        parts = list(honest(*arguments))  # type: ignore[arg-type]
        found.append(sum(len(part.id) for part in parts))
        return parts

    monkeypatch.setattr(reading, "in_time", counting)
    return found


def check(session: Session, cast: Cast, query: StandingsQuery = ALL) -> Replay:
    """What is remembered is what a process that knows nothing finds."""
    found = replay.load(session, cast.project, query)
    memory.forget()
    fresh = replay.load(session, cast.project, query)
    assert found.votes == fresh.votes
    assert found.ratings()[-1] == pytest.approx(fresh.ratings()[-1], nan_ok=True)
    assert [mark.votes for mark in found.marks] == [mark.votes for mark in fresh.marks]
    return fresh


def test_one_more_judgment_is_one_more_to_read(
    session: Session, cast: Cast, vote: Callable[..., Judgment], rows_read: list[int]
) -> None:
    for _ in range(300):
        vote()
    assert len(check(session, cast).marks) <= MOST_MARKS + 1
    rows_read.clear()
    vote()
    replay.load(session, cast.project, ALL)
    assert rows_read == [1]
    check(session, cast)


def test_a_change_is_replayed_from_the_last_mark_before_it(
    session: Session, cast: Cast, vote: Callable[..., Judgment], rows_read: list[int]
) -> None:
    made = [vote() for _ in range(200)]
    for number, alter in ((190, withdraw), (60, lambda *one: change(*one, B)), (0, withdraw)):
        replay.load(session, cast.project, ALL)
        alter(session, made[number])
        session.commit()
        rows_read.clear()
        replay.load(session, cast.project, ALL)
        assert 200 - number <= rows_read[0] <= 210 - number
        check(session, cast)


def test_what_comes_in_late_finds_its_place(
    session: Session, cast: Cast, vote: Callable[..., Judgment], rows_read: list[int]
) -> None:
    made = [vote() for _ in range(150)]
    replay.load(session, cast.project, ALL)
    vote(created_at=made[100].created_at + timedelta(microseconds=1))
    rows_read.clear()
    replay.load(session, cast.project, ALL)
    assert 50 <= rows_read[0] <= 60
    check(session, cast)


def test_slices_and_new_models_are_kept_up_too(
    session: Session, cast: Cast, vote: Callable[..., Judgment]
) -> None:
    code = StandingsQuery(method="elo", by="category", value="code", ties="drop")
    for _ in range(30):
        vote()
    check(session, cast, code)
    owl, wren = add_models(session, cast.project, ("Owl", "Wren"))
    judge(session, add_comparison(session, owl, wren, "code"), add_annotators(session, cast.project, 1)[0], A)
    cast.project.revision += 1
    session.add(cast.project)
    session.commit()
    last = check(session, cast, code).ratings()[-1]
    assert last[3] > last[4]
    assert np.isfinite(check(session, cast).ratings()[-1]).all()
