"""The page that queues comparisons: choose, see, confirm; and ``tiebreak pair``."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.errors import Invalid, NotFound
from app.models import Account
from app.pairing import pairs
from app.pairing.commands import pair
from tests.conftest import Cast
from tests.imports.arrange import Importer, response, table_sizes, vote

URL = "/p/birds/pair"
ClientOf = Callable[[Account | None], FlaskClient]


@pytest.fixture
def responses(app: Flask, cast: Cast, tmp_path: Path) -> None:
    rows = [response(number, model) for number in range(3) for model in ("heron", "wren", "lark")]
    Importer(app, cast.project, tmp_path)(rows)


def test_without_responses_the_page_says_what_to_do_first(cast: Cast, client_of: ClientOf) -> None:
    page = client_of(cast.lena).get(URL)
    assert "Nothing to pair yet" in page.text
    assert 'href="/p/birds/import"' in page.text


@pytest.mark.usefixtures("responses")
def test_a_lead_sees_the_count_before_confirming(cast: Cast, client_of: ClientOf, session: Session) -> None:
    client = client_of(cast.lena)
    query = "models=heron&models=wren&per_prompt=&wanted=2&seed=4&baseline="
    page = client.get(f"{URL}?{query}")
    assert "3 comparisons to queue" in page.text
    assert "A judge model takes the place of a person." in page.text
    assert '<input type="hidden" name="models" value="wren">' in page.text
    assert table_sizes(session, "slots") == {"slots": 0}
    form = {"models": ["heron", "wren"], "wanted": "2", "seed": "4"}
    done = client.post(URL, data=form, follow_redirects=True)
    assert "Queued" in done.text
    following = done.text[done.text.index("Already in the queue") :]
    assert re.findall(r'href="(/p/[^"]+)"', following) == ["/p/birds/members", "/p/birds/judge"]
    assert table_sizes(session, "slots") == {"slots": 3}
    assert "0 comparisons to queue" in client.get(f"{URL}?{query}").text


@pytest.mark.usefixtures("responses")
def test_of_many_prompts_the_first_are_counted_and_all_are_queued(
    cast: Cast,
    client_of: ClientOf,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    bearer: Callable[[Account], dict[str, str]],
) -> None:
    monkeypatch.setattr(pairs, "PROMPTS", 1)
    monkeypatch.setattr(pairs, "SHOWN", 2)
    client = client_of(cast.lena)
    page = client.get(f"{URL}?seed=4").text
    assert "6 comparisons to queue" in page
    assert "These are of the first 2 of 3 prompts. The others are counted as they are queued." in page
    assert "Queue the comparisons of all 3 prompts" in page
    told = client.post("/api/v1/projects/birds/pairs?dry_run=true", json={}, headers=bearer(cast.lena)).json
    assert (told["queued"], told["prompts_read"], told["prompts_in_all"]) == (6, 2, 3)
    client.post(URL, data={"seed": "4"})
    assert table_sizes(session, "slots") == {"slots": 9}
    again = client.get(f"{URL}?seed=4").text
    assert "0 comparisons to queue" in again
    assert "Queue the comparisons of all 3 prompts" in again, "there may be some among the others"


@pytest.mark.usefixtures("responses")
def test_sides_of_votes_without_texts_are_said_to_be_such(
    app: Flask, cast: Cast, client_of: ClientOf, tmp_path: Path
) -> None:
    importer = Importer(app, cast.project, tmp_path)
    importer([vote("model_a"), vote("tie")])
    importer([response(9, "heron", " ")])
    page = client_of(cast.lena).get(f"{URL}?seed=4").text
    counted = page[page.index("Responses without text") :].split("</div>")[0]
    assert ">5<" in counted, "two of each vote, and the empty one"
    assert "both sides of votes that came without texts, and empty answers" in counted


@pytest.mark.usefixtures("responses")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("seed=x", "Give a whole number."),
        ("per_prompt=0", "Give 1 or more."),
        ("per_prompt=10001", "Give 10000 or less."),
        (f"seed={2**31}", "Give 2147483647 or less."),
        pytest.param(f"wanted={'9' * 5_000}", "This number is too large.", id="5,000 digits"),
        ("models=dodo", "no model"),
        ("models=heron", "A model by itself needs several responses"),
    ],
)
def test_what_does_not_fit_is_told_beside_the_form(
    cast: Cast, client_of: ClientOf, query: str, words: str
) -> None:
    client = client_of(cast.lena)
    for answer in (client.get(f"{URL}?{query}"), client.post(URL, data=dict([query.split("=")]))):
        assert answer.status_code == 422
        assert words in answer.text
        asked_to_save = answer.request.method == "POST"
        assert ("Nothing was saved yet." in answer.text) == asked_to_save


@pytest.mark.usefixtures("responses")
@pytest.mark.parametrize(
    ("name", "status"), [("rui", 403), ("ann", 403), ("rosa", 403), ("otto", 404), (None, 303)]
)
def test_only_leads_queue(
    cast: Cast, client_of: ClientOf, session: Session, name: str | None, status: int
) -> None:
    client = client_of(getattr(cast, name) if name else None)
    assert client.get(URL).status_code == status
    assert client.post(URL, data={"seed": "0"}).status_code == status
    assert table_sizes(session, "slots", "jobs") == {"slots": 0, "jobs": 0}


@pytest.mark.usefixtures("responses")
def test_the_command_queues_and_tells(app: Flask, session: Session) -> None:
    with app.app_context():
        run = CliRunner().invoke
        tried = run(pair, ["birds", "--models", "heron,wren", "--dry-run", "--json"])
        again = run(pair, ["birds", "--models", "heron", "--models", "wren", "--dry-run", "--json"])
        assert json.loads(tried.stdout)["queued"] == json.loads(again.stdout)["queued"] == 3
        assert table_sizes(session, "slots") == {"slots": 0}
        done = run(pair, ["birds", "--baseline", "lark", "--per-prompt", "1", "--seed", "5", "--wanted", "2"])
        assert "3  comparisons queued" in done.stdout
        assert "6  comparisons would be queued" in run(pair, ["birds", "--seed", "6", "--dry-run"]).stdout
        assert isinstance(run(pair, ["birds", "--models", "heron", "--dry-run"]).exception, Invalid)
        assert table_sizes(session, "slots") == {"slots": 3}
        assert isinstance(run(pair, ["nests"]).exception, NotFound)
        assert isinstance(run(pair, ["birds", "--models", "dodo"]).exception, Invalid)
        assert run(pair, ["birds", "--per-prompt", "many"]).exit_code == 2
        none = run(pair, ["birds", "--per-prompt", "0", "--wanted", "-1"])
        assert none.exit_code == 2
        assert "Error: --per-prompt: Give 1 or more. --wanted: Give 1 or more." in none.stderr
