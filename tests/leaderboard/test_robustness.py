"""How firm an order is: a few judgments less, the same style, people and judge models together."""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app.leaderboard import memory, robustness, standings, style, with_judges
from app.leaderboard.forms import StandingsQuery
from app.models import Account, Annotator, AnnotatorKind, Judgment, Model, Response
from tests.conftest import Cast, plain
from tests.growth import grows_with_the_square
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
    judge,
    judge_all,
    judge_birds,
    judge_pair,
)

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/leaderboard/robustness"


def judge_by_length(session: Session, cast: Cast, n: int = 300, people: int = 8) -> tuple[Model, Model]:
    """The longer response is preferred three times of four, whoever wrote it; Heron is long-winded."""
    rng = random.Random(3)
    crowd = add_annotators(session, cast.project, people)
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    asked, said = [], []
    for number in range(n):
        heron_is_longer = rng.random() < 0.8
        texts = ("word " * 80, "word " * 20)
        asked.append(Asked(heron, lark, texts=texts if heron_is_longer else texts[::-1]))
        wins = heron_is_longer == (rng.random() < 0.75)
        said.append(Said(crowd[number % people], A if wins else B))
    judge_all(session, add_comparisons(session, asked), said)
    session.commit()
    return heron, lark


def test_the_judgments_that_hold_a_place_are_few_where_the_race_is_close(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    people = add_annotators(session, cast.project, 6)
    heron, lark, moth = add_models(session, cast.project, ("Heron", "Lark", "Moth"))
    judge_pair(session, heron, lark, [A] * 22 + [B] * 20, people)
    judge_pair(session, lark, moth, [A] * 36 + [B] * 6, people)
    found = robustness.load(session, cast.project)
    assert [(one.leader, one.challenger) for one in found.neighbours] == [("Heron", "Lark"), ("Lark", "Moth")]
    close, wide = found.neighbours
    assert found.top == close
    assert close.needed is not None
    assert wide.needed is not None
    assert 1 <= close.needed <= 3 < wide.needed
    assert close.judgments == 84
    page = plain(client_of(cast.vic).get(URL).text)
    assert re.search(r"Without (one judgment|\d judgments) of 84", page)


def test_without_those_judgments_the_order_turns(session: Session, cast: Cast) -> None:
    people = add_annotators(session, cast.project, 6)
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    judge_pair(session, heron, lark, [A] * 12 + [B] * 10 + [TIE] * 3, people)
    found = robustness.load(session, cast.project).top
    assert found is not None
    # Three wins less leave nine against ten; two less, a dead heat.
    assert found.needed == 3
    assert found.share == pytest.approx(3 / 25)


def test_a_rating_that_was_only_length_falls_when_style_is_held_equal(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_by_length(session, cast)
    found = style.load(session, cast.project)
    assert not found.missing
    assert found.votes == 300
    (length,) = found.effects
    assert length.name == "length"
    # Four times as long is preferred 3:1, so twice as long is worth half of that.
    assert length.points == pytest.approx(400 * 0.4771 / 2, abs=30)
    assert length.matters
    raw, equal = ([getattr(row, name) for row in found.rows] for name in ("raw", "rating"))
    assert raw[0] - raw[1] > 80
    assert abs(equal[0] - equal[1]) < 60
    page = plain(client_of(cast.vic).get(URL).text)
    assert "What twice as much of it is worth" in page
    assert "Length" in page


def test_markdown_is_counted() -> None:
    text = "# One\n\n## Two\n- a\n* b\n  1. c\n\n**bold** and __more__ 2 * 3 * 4\n#hash -dash"
    said = [{"role": "assistant", "content": text}]
    assert style.features(said) == (len(text), 2, 3, 2)
    parts = [{"role": "assistant", "content": [{"type": "text", "text": "- a"}, {"type": "image_url"}, "b"]}]
    assert style.features(parts) == (5, 0, 1, 0)
    assert style.features([{"role": "assistant", "content": None, "tool_calls": [{}]}]) == (0, 0, 0, 0)


@pytest.mark.parametrize(("reach", "surely"), [(200, False), (20, True)])
def test_places_that_change_within_the_intervals_are_no_sure_change(reach: float, surely: bool) -> None:
    rows = [
        style.Restyled(name, 0, raw, rating, rating - reach, rating + reach, raw_rank, 3 - raw_rank)
        for name, raw, rating, raw_rank in (("Heron", 1050, 950, 1), ("Lark", 950, 1050, 2))
    ]
    found = style.StyleControl(100, rows=tuple(rows))
    assert len(found.moved) == 2
    assert found.surely_moved is surely


def test_few_prompts_are_a_sample_for_style_and_it_says_so(
    session: Session, cast: Cast, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_by_length(session, cast, n=60)
    assert style.load(session, cast.project).prompts == 60
    client, told = client_of(cast.vic), "so the 60 prompts are taken as a sample here"
    assert told not in plain(client.get(URL).text)
    monkeypatch.setattr(style, "FEW_PROMPTS", 61)
    assert told in plain(client.get(URL).text)


@pytest.mark.parametrize("unit", ["**", "\n", "__a", "#", " "])
def test_a_hostile_text_is_measured_in_no_time(unit: str) -> None:
    def measure(n: int) -> None:
        style.features([{"role": "assistant", "content": unit * n}])

    assert not grows_with_the_square(measure, 200_000)


def test_each_text_is_read_once(session: Session, cast: Cast, count_queries: Any) -> None:
    heron, lark = judge_by_length(session, cast, n=60)
    style.load(session, cast.project)
    people = session.exec(select(Annotator).where(Annotator.project_id == cast.project.id)).all()
    comparison = add_comparison(session, heron, lark)
    judge(session, comparison, people[0], A)
    session.commit()
    with count_queries() as statements:
        assert style.load(session, cast.project).votes == 61
    reads = [one for one in statements if "responses.messages" in one and "judgments" not in one]
    assert len(reads) == 1
    with count_queries() as statements:
        style.load(session, cast.project)
    assert not [one for one in statements if "responses" in one]


def test_style_without_enough_or_without_difference_says_so(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    assert "Not enough data: no two models have been compared" in client_of(cast.vic).get(URL).text
    heron, lark = judge_by_length(session, cast, n=10)
    assert "there are 10" in style.load(session, cast.project).missing
    for response in session.exec(select(Response).where(col(Response.messages).is_not(None))):
        response.messages = [{"role": "assistant", "content": "the same"}]
        session.add(response)
    person = add_annotators(session, cast.project, 1)[0]
    comparisons = add_comparisons(session, [Asked(heron, lark, texts=("the same", "the same"))] * 50)
    judge_all(session, comparisons, [Said(person, A if number % 3 else B) for number in range(50)])
    session.commit()
    memory.forget()
    assert style.load(session, cast.project).missing == "the responses do not differ in style"


def test_style_that_goes_with_the_model_cannot_be_told_from_it(session: Session, cast: Cast) -> None:
    people = add_annotators(session, cast.project, 6)
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    comparisons = add_comparisons(session, [Asked(heron, lark, texts=("long " * 8, "short"))] * 60)
    judge_all(session, comparisons, [Said(people[n % 6], A if n % 3 else B) for n in range(60)])
    session.commit()
    assert "cannot tell style from the models" in style.load(session, cast.project).missing


def test_votes_without_texts_do_not_enter(session: Session, cast: Cast) -> None:
    judge_by_length(session, cast, n=60)
    response = session.exec(select(Response)).first()
    assert response is not None
    response.messages = None
    session.add(response)
    session.commit()
    assert style.load(session, cast.project).votes == 59


def judged_by_both(session: Session, cast: Cast, shared: int, alone: int) -> None:
    """A judge model that agrees with people nine times of ten, on shared comparisons and on others."""
    rng = random.Random(5)
    people = add_annotators(session, cast.project, 6)
    robot = add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL)[0]
    models = add_models(session, cast.project, ("Heron", "Lark", "Moth"))
    pairs = [(models[i], models[j], chance) for i, j, chance in ((0, 1, 0.6), (0, 2, 0.8), (1, 2, 0.7))]
    comparisons = add_comparisons(session, [Asked(*pairs[n % 3][:2]) for n in range(shared + alone)])
    judged, said = [], []
    for number, comparison in enumerate(comparisons):
        right = A if rng.random() < pairs[number % 3][2] else B
        if number < shared:
            judged.append(comparison)
            said.append(Said(people[number % 6], right))
        other = B if right == A else A
        judged.append(comparison)
        said.append(Said(robot, right if rng.random() < 0.9 else other))
    judge_all(session, judged, said)
    session.commit()


def test_a_judge_model_that_agrees_stands_for_judgments_of_people(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judged_by_both(session, cast, shared=120, alone=480)
    found = with_judges.load(session, cast.project)
    assert not found.missing
    assert (found.people, found.judges, found.shared) == (120, 480, 120)
    assert found.power > 0.3
    assert found.gained > 40
    assert found.rows[0].model == "Heron"
    people = standings.load(session, cast.project, StandingsQuery(by="kind", value="human"))
    assert {row.model: row.people.rating for row in found.rows if row.people} == {
        row.model: row.rating for row in people.rows
    }
    page = plain(client_of(cast.vic).get(URL).text)
    assert re.search(r"add as much as [\d,]+ judgments of people would", page)


def test_a_graded_verdict_counts_by_its_grade(session: Session, cast: Cast, client_of: Clients) -> None:
    judged_by_both(session, cast, shared=60, alone=60)
    before = with_judges.load(session, cast.project).rows[0].rating
    robot = session.exec(select(Annotator).where(Annotator.kind == AnnotatorKind.MODEL)).one()
    for row in session.exec(select(Judgment).where(Judgment.annotator_id == robot.id)):
        row.preference = 0.5
        session.add(row)
    session.commit()
    memory.forget()
    found = with_judges.load(session, cast.project)
    assert found.power == 0
    assert found.gained == 0
    assert "A trust of zero means" in client_of(cast.vic).get(URL).text
    assert found.rows[0].rating != before


def test_judges_without_people_or_without_overlap_say_so(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_birds(session, cast.project, names=("Wren", "Owl"), rounds=3)
    assert "judgments of people and of a judge model" in client_of(cast.vic).get(URL).text
    judged_by_both(session, cast, shared=5, alone=5)
    assert "there are 5" in with_judges.load(session, cast.project).missing


def test_judges_who_only_repeat_add_nothing(session: Session, cast: Cast) -> None:
    judged_by_both(session, cast, shared=40, alone=0)
    assert "nothing that people have not judged" in with_judges.load(session, cast.project).missing


def test_the_page_is_closed_to_annotators_and_outsiders(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_birds(session, cast.project, names=("Heron", "<script>alert(1)</script>"), rounds=30)
    refused = client_of(cast.ann).get(URL)
    assert refused.status_code == 403
    assert "Heron" not in refused.text
    assert client_of(cast.otto).get(URL).status_code == 404
    page = client_of(cast.vic).get(URL)
    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    assert "How firm?" in client_of(cast.vic).get("/p/birds/leaderboard").text
    assert client_of(cast.vic).get(URL, headers={"If-None-Match": page.headers["ETag"]}).status_code == 304


def test_more_models_take_no_more_queries(
    session: Session, cast: Cast, client_of: Clients, count_queries: Any
) -> None:
    client, numbers = client_of(cast.vic), []
    for names in (("one", "two"), ("three", "four", "five", "six")):
        judge_birds(session, cast.project, names=names, rounds=60)
        with count_queries() as statements:
            assert client.get(URL).status_code == 200
        numbers.append(len(statements))
    # A text is read in blocks, so only their number follows the project's size.
    assert numbers[1] <= numbers[0] + 2
