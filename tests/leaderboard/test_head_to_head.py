"""Models two at a time, one model, over time, bias: what each page says, to whom."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.leaderboard import bias, pairs, replay, standings
from app.leaderboard.charts import axis
from app.leaderboard.forms import StandingsQuery
from app.models import Account, Judgment, Model, Project, Response
from tests.conftest import Cast, plain
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
)

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/leaderboard"
WHOLE = StandingsQuery()


@pytest.fixture
def uids(session: Session, cast: Cast) -> dict[str, str]:
    """The birds, judged, by name."""
    judge_birds(session, cast.project, rounds=30, categories=("coding", "safety"))
    return {model.name: model.uid for model in session.exec(select(Model))}


def load(session: Session, project: Project) -> standings.Standings:
    return standings.load(session, project, WHOLE)


def test_two_models_add_up(session: Session, cast: Cast, uids: dict[str, str]) -> None:
    found = load(session, cast.project)
    one, back = (pairs.head_to_head(found, *names) for names in (("Heron", "Lark"), ("Lark", "Heron")))
    assert (one.wins, one.ties, one.losses) == (back.losses, back.ties, back.wins)
    assert one.judgments == 30
    assert one.observed + back.observed == pytest.approx(1)
    assert one.expected + back.expected == pytest.approx(1)
    assert one.lower == pytest.approx(1 - back.upper)
    assert 0 < one.lower < one.expected < one.upper < 1


def test_the_expected_share_is_that_of_the_ratings(
    session: Session, cast: Cast, uids: dict[str, str]
) -> None:
    found = load(session, cast.project)
    ratings = {row.model: row.rating for row in found.rows}
    share = 1 / (1 + 10 ** ((ratings["Lark"] - ratings["Heron"]) / 400))
    assert pairs.head_to_head(found, "Heron", "Lark").expected == pytest.approx(share)


def test_models_that_never_met_are_expected_through_others_or_not_at_all(
    session: Session, cast: Cast
) -> None:
    people = add_annotators(session, cast.project, 6)
    heron, lark, wren, owl = add_models(session, cast.project, ("Heron", "Lark", "Wren", "Owl"))
    judge_pair(session, heron, lark, [A, B, A, A, TIE, A], people)
    judge_pair(session, lark, wren, [A, B, A, B, A, A], people)
    found = load(session, cast.project)
    through = pairs.head_to_head(found, "Heron", "Wren")
    assert through.observed is None
    assert through.expected > 0.5
    assert pairs.head_to_head(found, "Heron", owl.name).expected is None


def test_the_matrix_opens_on_pairs(cast: Cast, client_of: Clients, uids: dict[str, str]) -> None:
    client = client_of(cast.vic)
    for shown in ("observed", "expected"):
        page = client.get(f"{URL}/matrix?show={shown}").text
        assert f"{URL}/models/{uids['Heron']}/{uids['Lark']}" in page
        assert page.count('<td class="heat-') == 12
    pair = client.get(f"{URL}/models/{uids['Heron']}/{uids['Lark']}")
    assert "Heron is preferred" in plain(pair.text)
    assert "95% interval" in plain(pair.text)
    assert "coding" in pair.text
    for page in (pair, client.get(f"{URL}/models/{uids['Heron']}")):
        assert "takes the judgments of the two as independent (Wilson’s)" in plain(page.text)


def test_texts_are_for_those_who_review_or_export(
    cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    for url in (f"{URL}/models/{uids['Moth']}", f"{URL}/models/{uids['Heron']}/{uids['Moth']}"):
        for reader in (cast.lena, cast.rui, cast.rosa, cast.ada):
            page = client_of(reader).get(url).text
            assert "Which bird?" in page
            assert "would say" in page
        page = client_of(cast.vic).get(url)
        assert page.status_code == 200
        assert "Which bird?" not in page.text
        assert "would say" not in page.text


def test_every_view_is_closed_to_annotators_and_outsiders(
    cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    heron, lark = uids["Heron"], uids["Lark"]
    views = ("matrix", "over-time", "bias", f"models/{heron}", f"models/{heron}/{lark}", "matrix.csv")
    for view in (*views, "over-time.svg", "over-time.json"):
        refused = client_of(cast.ann).get(f"{URL}/{view}")
        assert refused.status_code == 403
        assert "Heron" not in refused.text
        assert client_of(cast.otto).get(f"{URL}/{view}").status_code == 404
        assert client_of(cast.vic).get(f"{URL}/{view}").status_code == 200


def test_a_model_of_another_project_is_not_found_here(
    session: Session, cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    other = Project(slug="fish", name="Fish")
    session.add(other)
    session.flush()
    carp = add_models(session, other, ("Carp",))[0]
    session.commit()
    client, heron = client_of(cast.lena), uids["Heron"]
    assert client.get(f"{URL}/models/{carp.uid}").status_code == 404
    assert client.get(f"{URL}/models/{heron}/{carp.uid}").status_code == 404
    assert client.get(f"{URL}/models/{heron}/{heron}").status_code == 404


def test_verdicts_are_told_in_the_models_names_whatever_the_stored_order(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    people = add_annotators(session, cast.project, 3)
    comparison = add_comparison(session, lark, heron, "coding")
    for person, outcome in zip(people, (B, B, BOTH_BAD), strict=True):
        judge(session, comparison, person, outcome)
    session.commit()
    page = client_of(cast.lena).get(f"{URL}/models/{heron.uid}/{lark.uid}").text
    assert "Heron better (2), both bad" in page
    section = page[page.index("Comparisons of the two") :]
    assert section.index("<h3><bdi>Heron") < section.index("<h3><bdi>Lark")


def test_a_models_page_lists_what_it_lost_now(session: Session, cast: Cast, client_of: Clients) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    made = judge_pair(session, heron, lark, [A, A, A], add_annotators(session, cast.project, 3))
    url = f"{URL}/models/{heron.uid}"
    assert "It lost none here." in client_of(cast.lena).get(url).text
    change(session, made[0], B)
    session.commit()
    page = client_of(cast.lena).get(url).text
    assert "Lark better" in page
    assert page.count('<details class="card">') == 1


def test_long_lists_of_comparisons_are_turned_page_by_page(
    session: Session, cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    url = f"{URL}/models/{uids['Heron']}/{uids['Lark']}"
    seen = []
    for offset in (0, 10, 20):
        page = client_of(cast.lena).get(f"{url}?offset={offset}").text
        seen += re.findall(r"pair <code>(.*?)</code>", page)
        assert ("Next" in page) == (offset < 20)
    assert len(seen) == len(set(seen)) == 30
    coding = client_of(cast.lena).get(f"{url}?by=category&value=coding").text
    assert 'badge ">safety' not in coding


def test_long_texts_are_cut_in_a_list_and_whole_on_a_page_of_their_own(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    heron, lark, owl = add_models(session, cast.project, ("Heron", "Lark", "Owl"))
    people = add_annotators(session, cast.project, 3)
    long = add_comparison(session, heron, lark)
    response = session.exec(select(Response).where(Response.model_id == lark.id)).one()
    response.messages = [{"role": "assistant", "content": f"**Begins** {'and goes on ' * 2_000} ends"}]
    judge(session, long, people[0], A)
    judge_pair(session, heron, lark, [A], people)
    url, client = f"{URL}/models/{heron.uid}/{lark.uid}", client_of(cast.rui)
    page = client.get(url).text
    assert "<strong>Begins</strong> and goes on" in page
    assert "on  ends" not in page
    assert len(page) < 30_000
    whole = f"{URL}/models/{heron.uid}/comparisons/{long.pair_id}"
    assert page.count(f'href="{whole}"') == page.count("Show the whole texts") == 1
    own = client.get(whole).text
    assert "<strong>Begins</strong> and goes on" in own
    assert "on  ends" in own
    part = client.get(whole, headers={"HX-Request": "true"}).text
    assert "on  ends" in part
    assert "<html" not in part
    assert client.get(f"{URL}/models/{owl.uid}/comparisons/{long.pair_id}").status_code == 404
    refused = client_of(cast.vic).get(whole)
    assert refused.status_code == 403
    assert "Begins" not in refused.text


def test_a_cell_says_how_many_judgments_its_share_is_of(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    outcomes = [A, A, A, TIE, B, BOTH_BAD]
    judge_pair(session, heron, lark, outcomes, add_annotators(session, cast.project, 3))
    page = client_of(cast.vic).get(f"{URL}/matrix").text
    assert 'title="Heron against Lark: 3 won, 1 tied, 1 lost, 1 both bad"' in page
    assert 'title="Lark against Heron: 1 won, 1 tied, 3 lost, 1 both bad"' in page
    assert "70% 30% to 93% 5 judgments that count" in plain(page)
    dropped = plain(client_of(cast.vic).get(f"{URL}/matrix?ties=drop").text)
    assert "ties left out" in dropped
    assert "75% 30% to 95% 4 judgments that count" in dropped
    (met, _) = client_of(cast.vic).get(f"{URL}/matrix.json?ties=drop").json["pairs"]
    assert met["observed"] == met["wins"] / met["counted"]
    for ties, rule in (("half", "a tie counting half"), ("drop", "ties left out")):
        picture = client_of(cast.vic).get(f"{URL}/matrix.svg?ties={ties}").text
        assert f"row against column, {rule}" in picture
    # Wilson's of 5 votes, 3.5 of them won.
    one = client_of(cast.vic).get(f"{URL}/matrix.json").json["pairs"][0]
    assert (one["observed_lower"], one["observed_upper"]) == pytest.approx((0.298, 0.927), abs=1e-3)
    drawn = client_of(cast.vic).get(f"{URL}/matrix.svg").text
    assert "30% to 93%" in drawn
    assert "observed_lower" in client_of(cast.vic).get(f"{URL}/matrix.csv").text
    expected = client_of(cast.vic).get(f"{URL}/matrix?show=expected").text
    assert re.search(r"\d+% \d+% to \d+% 5 judgments that count", plain(expected))


def test_a_page_below_another_says_which(cast: Cast, client_of: Clients, uids: dict[str, str]) -> None:
    client = client_of(cast.vic)
    for view, tab in (
        (f"models/{uids['Heron']}", "Standings"),
        (f"models/{uids['Heron']}/{uids['Lark']}", "Win matrix"),
    ):
        assert re.search(f'aria-current="true">{tab}<', client.get(f"{URL}/{view}").text)
    assert 'aria-current="page">Win matrix<' in client.get(f"{URL}/matrix").text


def test_intervals_are_drawn_beside_the_numbers(cast: Cast, client_of: Clients, uids: dict[str, str]) -> None:
    client = client_of(cast.vic)
    model = client.get(f"{URL}/models/{uids['Heron']}").text
    assert len(re.findall(r'aria-label="Heron against \w+: \d+%, 95% interval \d+% to \d+%"', model)) == 3
    assert len(re.findall(r'aria-label="Heron: \d+, 95% interval \d+ to \d+"', model)) == 2
    pair = client.get(f"{URL}/models/{uids['Heron']}/{uids['Lark']}").text
    assert len(re.findall(r'aria-label="Heron against Lark: \d+%, 95% interval', pair)) == 2


def test_one_model_is_seen_in_one_slice_or_in_some_days(
    cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    client = client_of(cast.vic)
    for view in (f"models/{uids['Heron']}", f"models/{uids['Heron']}/{uids['Lark']}"):
        page = client.get(f"{URL}/{view}").text
        assert '<option value="category">Category</option>' in page
        assert "Last 7 days" in page
    nothing = client.get(f"{URL}/models/{uids['Heron']}?since=2999-01-01").text
    assert "No judgments here" in nothing
    assert "Last 7 days" in nothing


def test_a_model_without_judgments_has_a_page(
    session: Session, cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    owl = add_models(session, cast.project, ("Owl",))[0]
    cast.project.revision += 1
    session.add(cast.project)
    session.commit()
    page = client_of(cast.lena).get(f"{URL}/models/{owl.uid}").text
    assert "No judgments yet" in page
    assert "Not ranked" in page


def test_the_trajectory_ends_at_todays_elo(session: Session, cast: Cast, uids: dict[str, str]) -> None:
    found = replay.trajectory(session, cast.project, WHOLE)
    elo = standings.load(session, cast.project, StandingsQuery(method="elo"))
    assert {line.model: line.last for line in found.lines} == pytest.approx(
        {row.model: row.rating for row in elo.rows}
    )
    assert found.positions[-1] == len(session.exec(select(Judgment)).all())
    assert found.milestones()[-1][0] == found.positions[-1]


def test_the_chart_is_drawn_with_a_table_behind_it(
    cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    page = client_of(cast.vic).get(f"{URL}/over-time").text
    assert page.count('<path class="series"') == 3 * 4, "one for each width of a screen"
    assert "Elo after so many judgments" in page
    assert "4 points times how surprising the result was." in page
    drawn = client_of(cast.vic).get(f"{URL}/over-time.svg")
    assert drawn.mimetype == "image/svg+xml"
    ET.fromstring(drawn.text)  # noqa: S314 -- our own output
    assert ">Birds</text>" in drawn.text
    assert "judgments so far" in drawn.text


def test_an_axis_has_enough_round_ticks_to_read_by() -> None:
    assert axis((328, 1295))[2] == [500, 750, 1000, 1250]
    assert axis((0, 7), 3)[2] == [0, 5]


def test_pairs_and_trajectory_can_be_taken_away(
    session: Session, cast: Cast, client_of: Clients, uids: dict[str, str]
) -> None:
    client = client_of(cast.vic)
    rows = list(csv.DictReader(io.StringIO(client.get(f"{URL}/matrix.csv").text)))
    assert len(rows) == len(client.get(f"{URL}/matrix.json").json["pairs"]) == 12
    assert sum(int(row["wins"]) for row in rows) == sum(int(row["losses"]) for row in rows)
    lines = list(csv.DictReader(io.StringIO(client.get(f"{URL}/over-time.csv").text)))
    assert set(lines[0]) == {"judgments", *uids}
    assert lines[-1]["judgments"] == "180"


def test_no_judgments_no_pairs_no_chart(cast: Cast, client_of: Clients) -> None:
    client = client_of(cast.vic)
    assert "No pairs yet" in client.get(f"{URL}/matrix").text
    assert "Nothing to follow yet" in client.get(f"{URL}/over-time").text
    assert "nothing can be said of it" in client.get(f"{URL}/bias").text
    assert client.get(f"{URL}/over-time.svg").status_code == 200


def test_both_bad_alone_moves_no_rating_and_is_told(session: Session, cast: Cast, client_of: Clients) -> None:
    models = add_models(session, cast.project, ("Heron", "Lark"))
    judge_pair(session, *models, [BOTH_BAD, BOTH_BAD], add_annotators(session, cast.project, 2))
    client = client_of(cast.vic)
    for view in ("over-time", "matrix"):
        assert "All 2 judgments here called both responses bad" in client.get(f"{URL}/{view}").text
        assert (
            "No judgment counts here: since 2999-01-01" in client.get(f"{URL}/{view}?since=2999-01-01").text
        )
    assert "No judgment here moves a rating" in client.get(f"{URL}/over-time.svg").text
    judge_pair(session, *models, [TIE], add_annotators(session, cast.project, 1))
    assert "or are ties that are left out" in client.get(f"{URL}/over-time?ties=drop").text
    one = client.get(f"{URL}/over-time").text
    assert re.search(r'<path class="series"[^>]*d="M[\d.]+ [\d.]+ h0"', one), "one judgment is a dot"


def test_a_preference_for_the_left_is_found_and_named(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    rng = np.random.default_rng(2)
    models = add_models(session, cast.project, ("Heron", "Lark", "Wren"))
    people = add_annotators(session, cast.project, 8)
    asked, said = [], []
    for number in range(240):
        first, second = rng.choice(3, 2, replace=False)
        swapped, left_wins = bool(rng.random() < 0.5), rng.random() < 0.75
        asked.append(Asked(models[first], models[second]))
        said.append(Said(people[number % 8], A if left_wins != swapped else B, swapped))
    judge_all(session, add_comparisons(session, asked), said)
    session.commit()
    found = bias.position(session, cast.project)
    assert found.share == pytest.approx(0.75, abs=0.08)
    assert found.biased
    assert found.left > 2 * found.right
    assert "The side matters: the response on the left" in client_of(cast.vic).get(f"{URL}/bias").text


def test_verdicts_all_for_one_side_are_told(session: Session, cast: Cast, client_of: Clients) -> None:
    models = add_models(session, cast.project, ("Heron", "Lark"))
    people = add_annotators(session, cast.project, 5)
    said = [Said(people[number % 5], B if number % 2 else A, bool(number % 2)) for number in range(20)]
    judge_all(session, add_comparisons(session, [Asked(*models)] * 20), said)
    session.commit()
    page = plain(client_of(cast.vic).get(f"{URL}/bias").text)
    assert "100%" in page
    assert "Each verdict for one of the two is for the same side." in page


def test_the_bias_page_names_nobody_and_leads_on(session: Session, cast: Cast, client_of: Clients) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    people = add_annotators(session, cast.project, 5)
    judge_pair(session, heron, lark, [A] * 60 + [B] * 40, people)
    page = plain(client_of(cast.rui).get(f"{URL}/bias").text)
    assert people[0].name not in page
    assert "how firm the order is" in page
    assert "How each annotator judges" in page
    assert "How each annotator judges" not in client_of(cast.vic).get(f"{URL}/bias").text
    # Heron was always on the left here.
    assert "do not let the side be told from the models" in page
