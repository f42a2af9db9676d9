"""Images of a pair: nothing of them is asked for by the pair's page, and each has a page that may ask."""

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Comparison, GoldUse, Outcome, Prompt, Response
from tests.annotation.arrange import queue
from tests.annotation.desk import HTMX, JUDGE, fields, send
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]
PICTURE = "https://pictures.example/h.png?of=heron&size=2"


@pytest.fixture(autouse=True)
def pictures(session: Session, cast: Cast) -> None:
    """Two pairs whose prompts show an image as a part, and whose responses show two in Markdown."""
    queue(session, cast.project, 2)
    for response in session.exec(select(Response)):
        text = f"![a heron {response.model_id}]({PICTURE}) ![](https://other.example/x.png)"
        response.messages = [{"role": "assistant", "content": text}]
    for prompt in session.exec(select(Prompt)):
        part = {"type": "image_url", "image_url": {"url": PICTURE}}
        prompt.messages = [{"role": "user", "content": [{"type": "text", "text": "Which bird?"}, part]}]
    session.commit()


def placeholders(page: str) -> list[str]:
    """Where they lead: the prompt's, A's, B's."""
    return re.findall(r'<a class="media" data-show="Show image" href="([^"]*)"', page)


def test_a_pair_asks_nobody_and_leads_to_pages_that_do(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    assert "<img" not in page.text
    assert "img-src 'self' data:;" in page.headers["Content-Security-Policy"]
    assert PICTURE not in html.unescape(page.text)
    found = placeholders(page.text)
    assert [address.split("/")[-2:] for address in found] == [
        *(["prompt", "0"], ["a", "0"], ["a", "1"], ["b", "0"], ["b", "1"])
    ]
    for address in (found[0], found[1], found[3]):
        image = client.get(address)
        assert image.status_code == 200
        assert f'src="{html.escape(PICTURE)}"' in image.text
        assert 'referrerpolicy="no-referrer"' in image.text
        assert "img-src http: https: data:;" in image.headers["Content-Security-Policy"]
        assert "script" not in image.headers["Content-Security-Policy"]


def test_the_next_pair_has_its_own(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    following = send(client, page, "a")
    assert len(placeholders(following.text)) == 5
    assert fields(following)["assignment_id"] in placeholders(following.text)[0]
    marked = client.post(
        "/p/birds/view",
        data={"differences": "true", "assignment_id": fields(following)["assignment_id"]},
        headers=HTMX,
    )
    assert len(placeholders(marked.text)) == 4


def test_a_and_b_are_as_on_the_screen(session: Session, cast: Cast, client_of: ClientOf) -> None:
    for response in session.exec(select(Response)):
        picture = f"https://pictures.example/{response.model_id}.png"
        response.messages = [{"role": "assistant", "content": f"![{response.model_id}]({picture})"}]
    session.commit()
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    for _ in range(2):
        for address in placeholders(page.text)[1:]:
            said = re.search(rf'href="{address}"[^>]*>(\d+) ', page.text)
            assert said is not None
            assert f"/{said[1]}.png" in client.get(address).text
        page = send(client, page, "a")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda address: address[:-1] + "7", 404),
        (lambda address: address.replace("/a/", "/c/"), 404),
        (lambda address: address.replace("/0", "/-1"), 404),
        (lambda address: address.replace("/0", "/99999999999999999999"), 404),
        (lambda address: "/p/birds/judge/nobodys/a/0", 404),
    ],
)
def test_there_is_no_other_image(
    cast: Cast, client_of: ClientOf, change: Callable[[str], str], status: int
) -> None:
    client = client_of(cast.ann)
    address = placeholders(client.get(JUDGE).text)[1]
    assert client.get(change(address)).status_code == status


def test_nobody_sees_another_persons(cast: Cast, client_of: ClientOf) -> None:
    address = placeholders(client_of(cast.ann).get(JUDGE).text)[0]
    assert client_of(cast.ben).get(address).status_code == 404
    assert client_of(cast.lena).get(address).status_code == 404, "not before it is flagged"


def test_a_lead_sees_those_of_a_flagged_pair(cast: Cast, client_of: ClientOf) -> None:
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    page = ann.get(JUDGE)
    told = {"assignment": fields(page)["assignment_id"], "kind": "broken", "message": "What is this?"}
    assert ann.post("/p/birds/judge/flag", data=told).status_code == 303
    found = placeholders(lena.get("/p/birds/flags").text)
    assert found == placeholders(page.text)
    for address in found:
        assert lena.get(address).text == ann.get(address).text
    assert client_of(cast.rosa).get(found[0]).status_code == 404


def test_a_newcomer_sees_those_of_a_trial(session: Session, cast: Cast, client_of: ClientOf) -> None:
    pair = session.exec(select(Comparison)).first()
    assert pair is not None
    pair.gold, pair.gold_use, cast.project.training = Outcome.A, GoldUse.TRAINING, True
    session.add_all([pair, cast.project])
    session.commit()
    ann = client_of(cast.ann)
    page = ann.get("/p/birds/practice")
    assert 'name="trial_id"' in page.text
    found = placeholders(page.text)
    assert len(found) == 5
    assert f'src="{html.escape(PICTURE)}"' in ann.get(found[0]).text
    assert client_of(cast.ben).get(found[0]).status_code == 404
