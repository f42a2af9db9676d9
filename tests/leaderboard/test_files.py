"""The standings to take away: CSV, JSON and a picture."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from app.leaderboard import standings
from app.models import Account, AnnotatorKind, now
from tests.conftest import Cast
from tests.leaderboard.arrange import A, B, add_annotators, add_models, judge_birds, judge_pair

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/leaderboard"


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_has_a_line_for_each_model(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project, rounds=30)
    response = client_of(cast.vic).get(f"{URL}.csv")
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == "attachment; filename=birds-leaderboard.csv"
    rows = lines(response.text)
    assert [row["model"] for row in rows] == ["Heron", "Lark", "Wren", "Moth"]
    assert float(rows[0]["lower"]) < float(rows[0]["rating"]) < float(rows[0]["upper"])


def test_the_csv_of_slices_says_which_line_is_of_which(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_birds(session, cast.project, categories=("coding", "safety"))
    rows = lines(client_of(cast.vic).get(f"{URL}.csv?by=category").text)
    assert {(row["by"], row["value"]) for row in rows} == {
        ("", ""),
        ("category", "coding"),
        ("category", "safety"),
    }
    alone = client_of(cast.vic).get(f"{URL}.csv?by=category&value=coding")
    assert {row["value"] for row in lines(alone.text)} == {"coding"}
    assert "birds-leaderboard-category-coding.csv" in alone.headers["Content-Disposition"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=HYPERLINK(0)"])
def test_no_spreadsheet_runs_a_models_name(
    name: str, session: Session, cast: Cast, client_of: Clients
) -> None:
    a, b = add_models(session, cast.project, (name, "Lark"))
    judge_pair(session, a, b, [A, B, A], add_annotators(session, cast.project, 2))
    assert lines(client_of(cast.vic).get(f"{URL}.csv").text)[0]["model"] == f"'{name}"
    assert client_of(cast.vic).get(f"{URL}.json").json["models"][0]["model"] == name


def test_simulated_annotators_are_called_so_in_every_file(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    heron, lark = add_models(session, cast.project, ("Heron", "Lark"))
    annotators = [
        *add_annotators(session, cast.project, 3, simulated=True),
        *add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL),
    ]
    judge_pair(session, heron, lark, [A, B] * 6, annotators)
    client = client_of(cast.vic)
    of_both = f"{URL}/models/{standings.uids(session, cast.project)['Heron']}"
    named = {"human": "simulated annotators", "model": "judge models"}
    for address in (URL, of_both):
        rows = lines(client.get(f"{address}.csv?by=kind").text)
        assert {row["value"]: row["label"] for row in rows if row["value"]} == named
        told = client.get(f"{address}.json?by=kind").json["slices"]
        assert {part["value"]: part["label"] for part in told if part["value"]} == named
    alone = "?by=kind&value=human"
    assert client.get(f"{URL}.json{alone}").json["label"] == "simulated annotators"
    assert "in kind of annotator “simulated annotators”" in client.get(f"{URL}.svg{alone}").text
    # Wherever judgments are counted some of which are nobody's, the page, the object and the picture say so.
    uid = standings.uids(session, cast.project)
    pair = f"/models/{uid['Heron']}/{uid['Lark']}"
    views = ("", "/matrix", "/over-time", "/bias", "/robustness", f"/models/{uid['Heron']}", pair)
    today = now().date()
    for narrowed, said in (
        ("", "Some"),
        ("?by=kind&value=human", "All"),
        (f"?since={today}", "Some"),
        (f"?since={today}&by=kind&value=human", "All"),
    ):
        told = f"{said} of these judgments are by simulated annotators."
        for view in views[:3] if narrowed else views:
            assert told in client.get(f"{URL}{view}{narrowed}").text, (view, narrowed)
            if view != "/robustness":
                assert told in client.get(f"{URL}{view}.json{narrowed}").json["notes"], (view, narrowed)
                assert told in client.get(f"{URL}{view}.svg{narrowed}").text, (view, narrowed)
    for narrowed in ("?by=kind&value=model", f"?by=kind&value=model&since={today}"):
        assert "by simulated annotators" not in client.get(f"{URL}/matrix{narrowed}").text


def test_the_json_is_the_apis(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project)
    found = client_of(cast.vic).get(f"{URL}.json?ties=drop").json
    assert found["parameters"]["ties"] == "drop"
    assert found["models"][0]["model"] == "Heron"


def test_the_picture_is_svg_without_scripts_and_holds_every_model(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_birds(session, cast.project, names=["Heron", "<script>alert(1)</script>", "Moth"])
    response = client_of(cast.vic).get(f"{URL}.svg")
    assert response.mimetype == "image/svg+xml"
    drawn = ET.fromstring(response.text)  # noqa: S314 -- our own output
    texts = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Heron", "<script>alert(1)</script>", "Moth"} <= set(texts)
    assert "<script" not in response.text


def test_the_picture_keeps_groups_apart(session: Session, cast: Cast, client_of: Clients) -> None:
    people = add_annotators(session, cast.project, 6)
    heron, lark, wren, moth, _ = add_models(session, cast.project, ("Heron", "Lark", "Wren", "Moth", "Owl"))
    judge_pair(session, heron, lark, [A, A, B, A, A, B], people)
    judge_pair(session, wren, moth, [A, B, B], people)
    drawn = client_of(cast.vic).get(f"{URL}.svg").text
    assert drawn.index("Group 1") < drawn.index("Heron") < drawn.index("Group 2") < drawn.index("Moth")
    assert drawn.index("Without judgments") < drawn.index("Owl")


@pytest.mark.parametrize("view", ["", "/matrix", "/over-time", "/bias", "/robustness"])
def test_a_link_that_went_round_opens_whatever_was_put_behind_it(
    view: str, session: Session, cast: Cast, client_of: Clients
) -> None:
    judge_birds(session, cast.project)
    assert client_of(cast.vic).get(f"{URL}{view}?utm_source=letter").status_code == 200


def test_every_tab_and_file_of_a_slice_can_be_opened(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    """Also the tabs of all judgments, which keep where the reader came from."""
    judge_birds(session, cast.project, categories=("coding",))
    client = client_of(cast.vic)
    page = client.get(f"{URL}?by=category&value=coding&ties=drop").text
    links = {unescape(link) for link in re.findall(rf'href="({URL}[/.?][^"]*value=coding[^"]*)"', page)}
    assert {f"{URL}/bias", f"{URL}/robustness", f"{URL}.csv"} < {link.partition("?")[0] for link in links}
    assert {link for link in links if client.get(link).status_code != 200} == set()


@pytest.mark.parametrize(
    ("address", "pointer", "told"),
    [
        (".json?ties=maybe", "/ties", "Choose one of: half, davidson, drop."),
        (".csv?by=category&value=birds", "/value", "There is no category birds in this project."),
        (".svg?sort=wins", "/sort", "Choose one of: by, method, since, ties, until, value."),
        ("?sort=height", "/sort", "Choose one of: rating, model, wins, ties, losses, judgments."),
        (".json?colour=red", "/colour", "Choose one of: by, method, since, ties, until, value."),
        ("/matrix.csv?show=all", "/show", "Choose one of: observed, expected."),
        ("/matrix.csv?sort=wins", "/sort", "Choose one of: by, method, show, since, ties, until, value."),
        ("/bias.json?by=category", "/by", "There is no such field."),
    ],
)
def test_what_an_address_cannot_mean_is_refused_by_files_for_programs(
    address: str, pointer: str, told: str, cast: Cast, client_of: Clients
) -> None:
    refused = client_of(cast.vic).get(f"{URL}{address}")
    assert refused.status_code == 422
    if "." in address.partition("?")[0]:
        assert refused.mimetype == "application/problem+json"
        [error] = refused.json["errors"]
        assert error["pointer"] == pointer
        assert told in error["detail"]
    else:
        assert refused.mimetype == "text/html"
        assert told in refused.text


def test_every_view_can_be_taken_away(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project, names=["Heron", "=1+1", "<Moth>"], categories=("coding", "safety"))
    uids = standings.uids(session, cast.project)
    heron, sums = uids["Heron"], uids["=1+1"]
    client = client_of(cast.vic)
    for view in ("", "/matrix", "/over-time", "/bias", f"/models/{heron}", f"/models/{sums}/{heron}"):
        part = "" if view == "/bias" else "?by=category&value=coding&since=2020-01-01"
        drawn = client.get(f"{URL}{view}.svg{part}")
        assert ET.fromstring(drawn.text).tag.endswith("svg"), view  # noqa: S314 -- our own output
        assert client.get(f"{URL}{view}.json").json, view
        told = client.get(f"{URL}{view}.csv")
        assert told.mimetype == "text/csv"
        assert "=1+1" not in re.split(r"[,\r\n]", told.text), view
        for refused, status in ((cast.ann, 403), (cast.otto, 404)):
            assert client_of(refused).get(f"{URL}{view}.csv").status_code == status
    found = lines(client.get(f"{URL}/models/{sums}/{heron}.csv").text)
    assert {row["value"] for row in found[:3]} == {"", "coding", "safety"}
    assert sum(int(row["wins"]) for row in found[1:3]) == int(found[0]["wins"])
    assert client.get(f"{URL}/models/{heron}/{heron}.csv").status_code == 404


def test_files_are_for_those_who_may_read_the_page(session: Session, cast: Cast, client_of: Clients) -> None:
    judge_birds(session, cast.project)
    for kind in ("csv", "json", "svg"):
        assert client_of(cast.ann).get(f"{URL}.{kind}").status_code == 403
        assert client_of(cast.otto).get(f"{URL}.{kind}").status_code == 404
    assert client_of(cast.vic).get(f"{URL}.exe").status_code == 404
