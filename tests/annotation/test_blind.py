"""No page, fragment, JSON or header that an annotator can reach names a model before it is judged.

The walk follows every link and form address it finds, tries every route there is, judges half of
the queue on the way, and looks for the models' names in all that comes back.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, delete, select
from werkzeug.routing import AnyConverter, IntegerConverter
from werkzeug.test import TestResponse

from app.accounts import tokens
from app.models import (
    Account,
    Assignment,
    Comparison,
    GoldUse,
    Judgment,
    Model,
    Outcome,
    Prompt,
    RenderedResponse,
    Response,
)
from app.pairing.forms import PairingIn
from app.pairing.pairs import Candidate, PairingResult, pairs_of
from tests.annotation.arrange import MARKERS, queue
from tests.annotation.desk import HTMX, JUDGE, send
from tests.conftest import Cast
from tests.walk import addresses, linked, rules

IMAGES = "![](https://e.org/1.png) ![](https://e.org/2.png)"
TELLING = {"role": "assistant", "name": MARKERS[0], "model": MARKERS[1], "content": f"A bird. {IMAGES}"}
# Parts of an address that nobody here can know, and what is not an annotator's to name.
UNKNOWN = dict.fromkeys(("token", "delivery", "label", "path"), "x")


@pytest.fixture
def told(session: Session, cast: Cast) -> list[str]:
    """A queue whose rows name the models wherever a careless page might find them; words to look for."""
    pairs = queue(session, cast.project, 4, wanted=2)
    for model in session.exec(select(Model)):
        model.meta = {"provider": f"maker of {model.name}"}
    for response in session.exec(select(Response)):
        response.messages, response.digest = [TELLING], str(response.id).encode()
        response.meta = {"model": MARKERS[0]}
    for prompt in session.exec(select(Prompt)):
        prompt.meta = {"source": MARKERS[1]}
        prompt.messages = [TELLING | {"content": "Hello."}, {"role": "user", "content": "Which bird?"}]
    uids = [model.uid for model in session.exec(select(Model))]
    session.commit()
    return [*MARKERS, *uids, *(pair.pair_id for pair in pairs)]


def leaks(response: TestResponse, words: list[str]) -> list[str]:
    shown = response.get_data(as_text=True) + str(response.headers)
    return [word for word in words if word in shown]


def test_nothing_an_annotator_reaches_names_a_model(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: Callable[[Account | None], FlaskClient],
    told: list[str],
) -> None:
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    for outcome in ("a", "tie"):
        page = send(client, page, outcome)
        assert leaks(page, told) == []
    token = tokens.create(session, cast.ann, "walk", by=cast.ann)[1]
    session.commit()
    seen = 0
    there = set(_addresses(app, session))
    session.commit()
    for path in sorted(there | linked(client, "/p/birds/")):
        for headers in ({}, HTMX, {"Authorization": f"Bearer {token}"}):
            for method in ("GET", "POST"):
                response = client.open(path, method=method, headers=headers)
                # What the asker named is no news to them.
                words = [word for word in told if word not in path]
                assert leaks(response, words) == [], (method, path)
                seen += response.status_code == 200
    assert seen > 10


def test_nothing_on_the_way_to_judging_names_a_model(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient], told: list[str]
) -> None:
    """The training round and the test show the same pairs, as blind; so does what explains a miss."""
    for number, row in enumerate(session.exec(select(Comparison))):
        row.gold, row.gold_use = Outcome.A, (GoldUse.TRAINING, GoldUse.TEST, None, None)[number]
    cast.project.training, cast.project.test_size, cast.project.explains_gold = True, 1, True
    session.add(cast.project)
    session.commit()
    client = client_of(cast.ben)
    pages = [client.get("/p/birds/begin")]
    for start in ("/p/birds/practice", "/p/birds/begin/test"):
        page = client.open(start, method="POST" if "test" in start else "GET", follow_redirects=True)
        found = re.search(r'name="trial_id" value="([^"]+)"', page.text)
        assert found is not None
        form = {"trial_id": found[1], "outcome": "tie"}
        pages += [page, client.post("/p/birds/practice", data=form, follow_redirects=True)]
    assert "Not quite" in pages[2].text
    assert "You had 0 of 1 right" in pages[4].text
    assert [leaks(page, told) for page in pages] == [[]] * 5


def test_the_walk_would_notice(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient], told: list[str]
) -> None:
    """A lead, who may know, is told: the words looked for are those the pages use."""
    client = client_of(cast.lena)
    assert any(leaks(client.get(path), told) for path in linked(client, "/p/birds/"))


def _addresses(app: Flask, session: Session) -> Iterator[str]:
    known = {
        "slug": "birds",
        "submission_id": session.exec(select(Judgment.submission_id)).first(),
        "pair_id": session.exec(select(Comparison.pair_id)).first(),
        "uid": session.exec(select(Assignment.uid)).first(),
        "edition": "any",
        "filename": "app.css",
        "other_uid": session.exec(select(Model.uid)).first(),
        **UNKNOWN,
    }
    uids = [session.exec(select(table.uid)).first() for table in (Assignment, Model, Account)]
    for rule in rules(app):
        told_apart = (AnyConverter, IntegerConverter)
        parts = {part for part in rule.arguments if not isinstance(rule._converters[part], told_apart)}
        assert parts <= known.keys() | {"uid"}, f"{rule}: say here what stands for its parts"
        for uid in uids if "uid" in parts else uids[:1]:
            yield from addresses(app, rule, known | {"uid": uid})


def test_nothing_tells_who_wrote_what(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient]
) -> None:
    """No id, order, place, header or length either: two models trade texts, and no byte changes."""
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    token = tokens.create(session, cast.ann, "walk", by=cast.ann)[1]
    session.commit()
    client.get(JUDGE)

    def everything() -> list[str]:
        bearer = {"Authorization": f"Bearer {token}"}
        claimed = client.post("/api/v1/projects/birds/assignments", headers=bearer).get_json()
        first = claimed.pop("shown_first")
        shown = [claimed.pop(f"response_{side}") for side in (first, "b" if first == "a" else "a")]
        pages = [client.get(path) for path in (JUDGE, "/p/birds/history", "/p/birds/")]
        return [str((claimed, shown)), *(_lasting(page) for page in pages)]

    before = everything()
    heron, lark = session.exec(select(Model).order_by(Model.name)).all()
    heron.name, heron.uid, lark.name = "a much longer name", "another uid", "x"
    for prompt in session.exec(select(Prompt)).all():
        one, other = session.exec(select(Response).where(Response.prompt_id == prompt.id)).all()
        one.messages, other.messages = other.messages, one.messages
    for assignment in session.exec(select(Assignment)):
        assignment.swapped = not assignment.swapped
    session.exec(delete(RenderedResponse))
    session.commit()
    assert everything() == before


def _lasting(page: TestResponse) -> str:
    """A page and its headers without what is new each time."""
    headers = {name: value for name, value in page.headers if name not in ("Set-Cookie", "Date")}
    text = re.sub(r'name="(csrf_token|submission_id)" value="[^"]*"', "", page.text)
    return re.sub(r'"X-CSRFToken": "[^"]*"', "", text) + str(headers)


def test_pairs_are_stored_in_no_order_of_their_models() -> None:
    """Who judges by the API is told A and B as they are stored."""
    candidates = [Candidate(number, name, 0, name.encode()) for number, name in enumerate(MARKERS)]
    asked, result = PairingIn(seed=1), PairingResult()
    made = [pair for n in range(200) for pair in pairs_of((n, f"p{n}"), candidates, asked, result)]
    assert 70 < sum(pair.a.model == MARKERS[0] for pair in made) < 130
