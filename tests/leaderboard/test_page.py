"""The leaderboard's page: who reads it, what it says, and what it says it cannot tell."""

import re
from collections.abc import Callable
from itertools import chain

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.errors import Problem
from app.leaderboard import caveats
from app.leaderboard.commands import leaderboard
from app.models import Account, AnnotatorKind, Prompt, Visibility
from tests.conftest import Cast
from tests.leaderboard.arrange import (
    BOTH_BAD,
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
    judge_birds,
    judge_pair,
    withdraw,
)

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/leaderboard"


@pytest.fixture
def shown(cast: Cast, client_of: Clients) -> Callable[[str], str]:
    """What Vic, a viewer, is shown."""

    def get(query: str = "") -> str:
        response = client_of(cast.vic).get(URL + query)
        assert response.status_code == 200, response.text
        return response.text

    return get


def order(text: str, *names: str) -> list[str]:
    """The names as the rows of the tables have them."""
    rows = re.findall(r'<th scope="row"><a [^>]*><bdi>(.*?)</bdi>', text)
    return [name for name in rows if name in names]


def row(text: str, name: str) -> str:
    found = re.search(rf"<tr>(?:(?!</tr>).)*<bdi>{re.escape(name)}</bdi>.*?</tr>", text, re.DOTALL)
    assert found, name
    return re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found[0], flags=re.DOTALL)).strip()


def test_the_models_stand_best_first_with_their_record(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    judge_birds(session, cast.project, rounds=30)
    text = shown()
    assert order(text, "Heron", "Lark", "Wren", "Moth") == ["Heron", "Lark", "Wren", "Moth"]
    assert row(text, "Heron").startswith("1 Heron 1")
    assert row(text, "Moth").startswith("4 Moth ")
    assert "4 models · 180 judgments by 8 people" in text
    assert "95% interval" in text


def test_models_that_cannot_be_ordered_share_a_range_of_ranks_and_are_named(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    judge_birds(session, cast.project, rounds=30)
    text = shown()
    assert row(text, "Lark").startswith("2–3 ")
    assert row(text, "Wren").startswith("2–3 ")
    assert re.search(r"Lark and Wren are not separated yet; about [\d,]+ more judgments", text)


def test_a_members_only_leaderboard_is_for_those_who_may_read_it(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_birds(session, cast.project)
    for reader in (cast.ada, cast.lena, cast.rui, cast.rosa, cast.vic):
        assert client_of(reader).get(URL).status_code == 200
    refused = client_of(cast.ann).get(URL)
    assert refused.status_code == 403
    assert "Heron" not in refused.text
    assert client_of(cast.otto).get(URL).status_code == 404
    stranger = client_of(None).get(URL)
    assert stranger.status_code == 303
    assert "/sign-in" in stranger.location


def test_a_public_leaderboard_is_for_anybody(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project)
    cast.project.visibility = Visibility.PUBLIC
    session.add(cast.project)
    session.commit()
    for reader in (None, cast.otto):
        response = client_of(reader).get(URL)
        assert response.status_code == 200
        assert "Heron" in response.text


def test_an_edit_and_a_withdrawal_show_at_once(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    made = judge_pair(session, heron, lark, [A, A, B, TIE], add_annotators(session, cast.project, 2))
    assert row(shown(), "Heron") == "1–2 Heron 1035 50% 25% 25% 4"
    change(session, made[0], B)
    change(session, made[1], B)
    session.commit()
    assert order(shown(), "Heron", "Lark") == ["Lark", "Heron"]
    withdraw(session, made[2])
    session.commit()
    assert row(shown(), "Lark").endswith("67% 33% 0% 3")


def test_without_judgments_the_next_step_is_named(
    session: Session, cast: Cast, shown: Callable[..., str], client_of: Clients
) -> None:
    assert "No judgments yet" in shown()
    assert "Go to the project" not in shown()
    assert "Go to the project" in client_of(cast.lena).get(URL).text


def test_one_model_alone_has_no_rating(session: Session, cast: Cast, shown: Callable[..., str]) -> None:
    add_models(session, cast.project, ("Heron",))
    session.commit()
    text = shown()
    assert "No judgments yet" in text
    assert "1 model · 0 judgments" in text
    assert "1000" not in text


def test_a_model_without_judgments_is_not_given_a_rating(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    judge_birds(session, cast.project)
    add_models(session, cast.project, ("Owl",))
    cast.project.revision += 1
    session.add(cast.project)
    session.commit()
    text = shown()
    assert "Owl has no judgments that count, so it is not ranked." in text
    assert order(text, "Owl") == []


def test_few_annotators_are_said_to_be_few(session: Session, cast: Cast, shown: Callable[..., str]) -> None:
    judge_birds(session, cast.project, annotators=3)
    assert "All judgments come from 3 annotators." in shown()


def test_groups_that_never_met_are_kept_apart(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    people = add_annotators(session, cast.project, 6)
    heron, lark, wren, moth = add_models(session, cast.project, ("Heron", "Lark", "Wren", "Moth"))
    judge_pair(session, heron, lark, [A, A, B, TIE, A, B], people)
    judge_pair(session, wren, moth, [A, B, B], people)
    text = shown()
    assert "No judgments join these groups" in text
    assert "Heron and Lark; Wren and Moth" in text
    assert text.index("Group 1") < text.index("Heron") < text.index("Group 2")
    assert text.count("<table") == 2


def test_a_model_that_never_lost_is_named(session: Session, cast: Cast, shown: Callable[..., str]) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    judge_pair(session, heron, lark, [A] * 6, add_annotators(session, cast.project, 6))
    text = shown()
    assert "Heron never lost or tied" in text
    assert "Lark never won or tied" in text


def test_all_ties_leave_models_equal_but_unsure(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    judge_pair(session, heron, lark, [TIE] * 8, add_annotators(session, cast.project, 6))
    text = shown()
    assert row(text, "Heron").startswith("1–2 Heron 1000 0% 100% 0%")
    assert "Heron and Lark have the same rating so far." in text
    assert "Every judgment so far is a tie" in text


def test_both_bad_is_no_silent_tie(session: Session, cast: Cast, shown: Callable[..., str]) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    judge_pair(session, heron, lark, [A, B, BOTH_BAD, A], add_annotators(session, cast.project, 2))
    text = shown()
    assert "1 judgment (25%) called both responses bad and counted for neither model." in text
    assert row(text, "Heron").endswith("67% 0% 33% 3")
    assert ">Counted</a>" in text, "judgments are all of them, in the files"
    assert "best first; without judgments that called both bad" in text


def test_judge_models_and_simulated_annotators_are_not_counted_as_people(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    annotators = [
        *add_annotators(session, cast.project, 2),
        *add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL),
        *add_annotators(session, cast.project, 3, simulated=True),
    ]
    judge_pair(session, heron, lark, [A, B, A, B, A, B], annotators)
    assert "by 2 people and 1 judge model and 3 simulated annotators" in shown()


@pytest.mark.parametrize(
    ("people", "named"), [(2, "people and simulated annotators"), (0, "simulated annotators")]
)
def test_a_slice_by_kind_names_simulated_annotators(
    people: int, named: str, session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    annotators = [
        *add_annotators(session, cast.project, people),
        *add_annotators(session, cast.project, 3, simulated=True),
        *add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL),
    ]
    judge_pair(session, heron, lark, [A, B] * 6, annotators)
    beside = shown("?by=kind")
    assert f">{named}</a>" in beside
    assert ("some" if people else "all") + " simulated" in beside
    alone = shown("?by=kind&value=human")
    assert f"in kind of annotator “{named}”" in alone
    assert f"{'Some' if people else 'All'} of these judgments are by simulated annotators." in alone
    judges = shown("?by=kind&value=model")
    assert "by simulated annotators" not in judges
    assert "in kind of annotator “judge models”" in judges


def test_each_slice_has_its_caveats_under_its_column(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    birds = add_models(session, cast.project, ("Heron", "Lark"))
    people = add_annotators(session, cast.project, 6)
    comparisons = add_comparisons(session, [Asked(*birds, category=name) for name in ("many", "one")] * 36)
    said = ([Said(people[n % 6], (A, B)[n % 7 > 3]), Said(people[0], A)] for n in range(36))
    judge_all(session, comparisons, list(chain.from_iterable(said)))
    session.commit()
    caveats = shown("?by=category").split(">Caveats</th>")[1].split("</tr>")[0].split("<td")
    many, one = caveats[2:]
    assert "neighbours not separated" in many
    assert "only" not in many
    assert "only 1 annotator" in one
    assert "more</a>" in one, "that Heron never lost"


def test_slices_stand_side_by_side_and_alone(session: Session, cast: Cast, shown: Callable[..., str]) -> None:
    judge_birds(session, cast.project, rounds=30, categories=("coding", "safety"))
    assert '<option value="category">Category</option>' in shown()
    beside = shown("?by=category")
    assert "coding" in beside
    assert "safety" in beside
    alone = shown("?by=category&value=coding")
    assert "in category “coding”" in alone
    assert order(alone, "Heron", "Moth") == ["Heron", "Moth"]


def test_a_slice_that_the_project_does_not_have_is_refused_with_those_it_has(
    app: Flask, session: Session, cast: Cast, client_of: Clients, bearer: Callable[[Account], dict[str, str]]
) -> None:
    judge_birds(session, cast.project, rounds=3, categories=("coding", "safety"))
    session.add(Prompt(project_id=cast.project.id, key="p", category="not judged yet"))
    session.commit()
    told = "There is no category poetry in this project. Choose one of: coding, safety."
    page, token = client_of(cast.vic), bearer(cast.vic)
    for path in (URL, f"{URL}.csv", f"{URL}/matrix", f"/api/v1{URL.replace('/p/', '/projects/')}"):
        asked = f"{path}?by=category&value="
        refused = page.get(f"{asked}poetry", headers=token)
        assert (refused.status_code, told in refused.text) == (422, True), path
        assert page.get(f"{asked}not+judged+yet", headers=token).status_code == 200
    with app.app_context():
        typed = CliRunner().invoke(leaderboard, ["birds", "--by", "category", "--value", "poetry"])
    assert isinstance(typed.exception, Problem)
    assert typed.exception.errors[0].detail == told


def test_ties_method_sort_and_search_are_in_the_address(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    judge_birds(session, cast.project)
    assert "depends on their order" in shown("?method=elo")
    assert "Davidson" in shown("?ties=davidson")
    assert order(shown("?sort=model&order=ascending"), "Heron", "Lark", "Wren") == ["Heron", "Lark", "Wren"]
    assert order(shown("?order=ascending"), "Heron", "Moth") == ["Moth", "Heron"]
    assert order(shown("?q=HER"), "Heron", "Lark") == ["Heron"]
    assert "No model’s name holds “zz”" in shown("?q=zz")


@pytest.mark.parametrize(
    "query",
    ["?ties=maybe", "?method=magic", "?by=model", "?value=x", "?method=elo&ties=davidson", "?sort=luck"],
)
def test_an_address_that_asks_for_nothing_known_is_refused(
    query: str, cast: Cast, client_of: Clients
) -> None:
    assert client_of(cast.vic).get(URL + query).status_code == 422


def test_htmx_gets_the_part_it_swaps(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project)
    part = client_of(cast.vic).get(f"{URL}?ties=drop", headers={"HX-Request": "true"})
    assert part.text.strip().startswith('<div id="board"')
    assert "<html" not in part.text


def test_a_models_name_is_text_and_nothing_else(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    a, b = add_models(session, cast.project, (hostile, "Lark"))
    judge_pair(session, a, b, [A, B, A], add_annotators(session, cast.project, 2))
    assert hostile not in shown()
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown()


def test_the_page_is_sent_again_only_when_it_changed(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    made = judge_birds(session, cast.project)
    client = client_of(cast.vic)
    client.get(URL)
    first = client.get(URL)
    known = {"If-None-Match": first.headers["ETag"]}
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert client.get(URL, headers=known).status_code == 304
    assert client.get(f"{URL}?ties=drop", headers=known).status_code == 200
    assert client_of(cast.lena).get(URL, headers=known).status_code == 200
    withdraw(session, made[0])
    session.commit()
    assert client.get(URL, headers=known).status_code == 200


def test_a_reader_without_an_account_keeps_no_cookie_and_their_first_answer(
    app: Flask, session: Session, cast: Cast
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    cast.project.visibility = Visibility.PUBLIC
    judge_birds(session, cast.project)
    for address in (URL, f"{URL}/matrix", f"{URL}.csv"):
        first = app.test_client().get(address)
        assert (first.status_code, first.headers.getlist("Set-Cookie")) == (200, [])
        known = {"If-None-Match": first.headers["ETag"]}
        assert app.test_client().get(address, headers=known).status_code == 304
        spanish = app.test_client().get(address, headers={**known, "Accept-Language": "es"})
        assert spanish.status_code == 200


def test_a_gold_comparison_is_not_counted(session: Session, cast: Cast, shown: Callable[..., str]) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    judge_pair(session, heron, lark, [A, B], add_annotators(session, cast.project, 2, simulated=True))
    gold = add_comparison(session, heron, lark)
    gold.gold = A
    judge(session, gold, add_annotators(session, cast.project, 1)[0], A)
    session.commit()
    text = shown()
    assert "2 judgments by 2 simulated annotators" in text
    assert "All of these judgments are by simulated annotators." in text
    assert ">simulated annotators</a>" in shown("?by=kind")


def test_more_judgments_are_those_of_more_annotators() -> None:
    said = [
        caveats.pair_sentence("Lark", "Wren", 420.0, clustered=clustered, judged=30)
        for clustered in (True, False)
    ]
    assert ["further annotators" in one for one in said] == [True, False]


@pytest.mark.parametrize(
    ("needed", "words"),
    [(420.0, "about 420 more judgments"), (4.4e6, "nearly equal"), (float("inf"), "the same rating")],
)
def test_a_forecast_is_given_while_somebody_could_judge_so_many(needed: float, words: str) -> None:
    assert words in caveats.pair_sentence("Lark", "Wren", needed, clustered=False, judged=30)


def test_no_forecast_is_given_after_a_handful_of_judgments(
    session: Session, cast: Cast, shown: Callable[..., str]
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    people = add_annotators(session, cast.project, 1)
    judge_pair(session, heron, lark, [A], people)
    early = "how many more judgments it takes is said from 30 judgments of each on"
    assert early in shown()
    assert "more judgments, spread" not in shown()
    judge_pair(session, heron, lark, [A, B] * 13 + [A, A, A], people)
    assert early not in shown()
    assert re.search(r"about [\d,]+ more judgments, spread", shown())
