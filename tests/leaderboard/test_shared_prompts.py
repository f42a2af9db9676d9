"""Several people's judgments on one prompt are not worth as many on different ones."""

import random
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.leaderboard import memory, shared_prompts, standings
from app.leaderboard.forms import StandingsQuery
from app.models import Account, Project, Prompt
from tests.conftest import Cast
from tests.leaderboard.arrange import (
    A,
    Asked,
    B,
    Said,
    add_annotators,
    add_comparisons,
    add_models,
    judge_all,
)

Clients = Callable[[Account | None], FlaskClient]
WHOLE = StandingsQuery()


def judge_alike(session: Session, project: Project, *, prompts: int = 60, people: int = 3) -> None:
    """Each comparison is judged by several people, who mostly say the same; committed."""
    rng = random.Random(5)
    models, crowd = (
        add_models(session, project, ("Heron", "Lark", "Wren")),
        add_annotators(session, project, 9),
    )
    asked, said = [], []
    for number in range(prompts):
        asked.append(Asked(*rng.sample(models, 2), category="rare" if number < 3 else "common"))
        most = rng.choice((A, B))
        other = B if most == A else A
        said += [Said(one, most if rng.random() < 0.9 else other) for one in rng.sample(crowd, people)]
    judge_all(session, [one for one in add_comparisons(session, asked) for _ in range(people)], said)
    session.commit()


def width(found: standings.Standings) -> float:
    return sum((row.upper or 0.0) - (row.lower or 0.0) for row in found.rows)


def test_people_who_see_the_same_are_allowed_for(session: Session, cast: Cast) -> None:
    judge_alike(session, cast.project)
    found = standings.load(session, cast.project, WHOLE)
    assert found.parameters["cluster"] == "both"
    # Three who say the same in nine of ten are worth little more than one.
    assert found.crossed is not None
    assert 0.8 < found.crossed.excess < 2


def test_one_person_a_comparison_is_as_before(session: Session, cast: Cast) -> None:
    judge_alike(session, cast.project, prompts=120, people=1)
    found = standings.load(session, cast.project, WHOLE)
    assert found.crossed is not None
    assert (found.crossed.excess, found.crossed.items) == (0, 120)


def test_votes_without_prompts_tell_nothing_of_prompts(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_alike(session, cast.project)
    before = standings.load(session, cast.project, WHOLE).crossed
    one = session.exec(select(Prompt).where(Prompt.project_id == cast.project.id).limit(1)).one()
    one.key = f"vote-{one.id}"
    cast.project.revision += 1
    session.commit()
    after = standings.load(session, cast.project, WHOLE).crossed
    assert before is not None
    assert after is not None
    assert after.items == before.items - 1
    for prompt in session.exec(select(Prompt)):
        prompt.key, prompt.messages = f"vote-{prompt.id}", None
    cast.project.revision += 1
    session.commit()
    without = standings.load(session, cast.project, WHOLE)
    assert (without.crossed, without.parameters["cluster"]) == (None, "annotator")
    assert without.notes[-1].startswith("The judgments came without their prompts")
    assert "60 votes came without theirs" in client_of(cast.lena).get("/p/birds/").text


def test_a_small_slice_is_taken_to_be_like_the_whole(session: Session, cast: Cast) -> None:
    judge_alike(session, cast.project)
    whole = standings.load(session, cast.project, WHOLE)
    rare, common = (
        standings.load(session, cast.project, StandingsQuery(by="category", value=value))
        for value in ("rare", "common")
    )
    assert rare.crossed == whole.crossed
    assert common.crossed is not None
    assert common.crossed.items == 57


def test_however_many_prompts_only_some_are_read(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_alike(session, cast.project, prompts=200)
    exact = standings.load(session, cast.project, WHOLE)
    monkeypatch.setattr(shared_prompts, "MOST_JUDGMENTS", 240)
    monkeypatch.setattr(shared_prompts, "READINGS", (0, 20, 60, 150))
    memory.forget()
    part = standings.load(session, cast.project, WHOLE)
    assert exact.crossed is not None
    assert part.crossed is not None
    assert part.crossed.items <= 80 < exact.crossed.items
    assert width(part) == pytest.approx(width(exact), rel=0.25)


def test_too_many_judgments_a_prompt_are_not_read_and_this_is_told(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_alike(session, cast.project)
    monkeypatch.setattr(shared_prompts, "MOST_JUDGMENTS", 2)
    found = standings.load(session, cast.project, WHOLE)
    assert (found.crossed, found.parameters["cluster"]) == (None, "annotator")
    assert found.notes[-1].startswith("There are too many judgments on each prompt")


@pytest.mark.parametrize("most", [10_000, 60, 2])
def test_few_prompts_are_taken_as_they_are(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    judge_alike(session, cast.project, prompts=13, people=9)
    monkeypatch.setattr(shared_prompts, "MOST_JUDGMENTS", most)
    found = standings.load(session, cast.project, WHOLE)
    assert (found.crossed, found.parameters["cluster"]) == (None, "annotator")
    assert found.as_object()["notes"][-1].startswith("These 13 prompts are taken as they are")


def test_a_slice_of_few_prompts_is_one_of_them(session: Session, cast: Cast) -> None:
    judge_alike(session, cast.project, prompts=13, people=9)
    rare = standings.load(session, cast.project, StandingsQuery(by="category", value="rare"))
    assert rare.notes[-1].startswith("These 3 prompts are taken as they are")
