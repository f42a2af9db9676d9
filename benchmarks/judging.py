"""What the write-path benchmarks stand on: a filled database, and a client that costs nothing.

Requests go straight to the WSGI callable with a hand-made environ, so that what is measured is
the application and not a test client.
"""

import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from app import create_app, db, models, text
from app.models import Account, Membership, Project, Role
from app.prepared import table
from app.settings import Settings

MODELS = 46  # 1,035 pairs a prompt
PARAGRAPH = (
    "Herons stand **still** for a *long* time, then strike; see `wade()` and [the guide](https://e.org).\n\n"
)
ANSWER = (PARAGRAPH + "- one\n- two\n\n```python\nfor bird in birds:\n    print(bird.name)\n```\n\n") * 15
CSRF = "c" * 40
SECRET = "a secret of the benchmarks, thirty-two or more"  # noqa: S105 -- of a database that is thrown away


@contextmanager
def filled(comparisons: int, people: int = 16, database_url: str = "") -> Iterator[Path]:
    """A data directory whose database has so many comparisons queued and so many annotators."""
    with tempfile.TemporaryDirectory(prefix="tiebreak-bench-") as name:
        engine = db.make_engine(settings_of(Path(name), database_url))
        db.upgrade(engine)
        with db.transaction(engine) as session:
            _people(session, people)
        with engine.execution_options(**db.WRITES).begin() as connection:
            _queue(connection, comparisons)
        engine.dispose()
        # Else the first judgments wait for the disk to take in what was just made.
        os.sync()
        yield Path(name)


def settings_of(data_dir: Path, database_url: str = "") -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, secret_key=SECRET, database_url=database_url)


def _people(session: Any, people: int) -> None:
    project = Project(slug="bench", name="Bench", wanted=2)
    accounts = [Account(email=f"p{number}@example.org", name=f"Person {number}") for number in range(people)]
    session.add_all([project, *accounts])
    session.flush()
    session.add_all(
        Membership(account_id=account.id, project_id=project.id, role=Role.ANNOTATOR) for account in accounts
    )


def _queue(connection: sa.Connection, comparisons: int) -> None:
    def add(model: Any, rows: Iterator[dict[str, Any]]) -> None:
        while chunk := list(islice(rows, 20_000)):
            connection.execute(sa.insert(table(model)), chunk)

    prompts = -(-comparisons // (MODELS * (MODELS - 1) // 2))
    add(
        models.Model,
        ({"id": m, "uid": f"m{m}", "project_id": 1, "name": f"model-{m}"} for m in _upto(MODELS)),
    )
    add(
        models.Prompt,
        (
            {"id": p, "project_id": 1, "key": f"p{p}", "category": "general", "language": "en",
             "messages": [{"role": "user", "content": f"Which bird is {p}? " * 10}]}
            for p in _upto(prompts)
        ),
    )  # fmt: skip
    add(
        models.Response,
        (
            {"prompt_id": p, "model_id": m, "sample": 0,
             "messages": [{"role": "assistant", "content": f"{p} {m}\n\n{ANSWER}"}]}
            for p in _upto(prompts) for m in _upto(MODELS)
        ),
    )  # fmt: skip
    _render(connection, add)
    pairs = ((p, a, b) for p in _upto(prompts) for a, b in combinations(_upto(MODELS), 2))
    rows = [(i, *pair) for i, pair in enumerate(islice(pairs, comparisons), 1)]
    add(
        models.Comparison,
        (
            {"id": i, "project_id": 1, "pair_id": f"pair{i}", "prompt_id": p, "model_a_id": a, "sample_a": 0,
             "model_b_id": b, "sample_b": 0}
            for i, p, a, b in rows
        ),
    )  # fmt: skip
    # Neighbours in the queue are of different prompts and models, as after shuffling.
    places = ({"comparison_id": i, "project_id": 1, "taken": 0, "wanted": 2,
               "position": i * 2_654_435_761 % 2**31} for i, *_ in rows)  # fmt: skip
    add(models.Slot, places)


def _render(connection: sa.Connection, add: Callable[..., None]) -> None:
    """As after each text's first show: rendering is paid once a text, not once a judgment."""
    html = str(text.render_markdown(ANSWER))
    prompt = str(text.render_markdown("Which bird is it? " * 10))
    version = text.RENDERER_VERSION
    for model, key, kept in (
        (models.Response, "response_id", models.RenderedResponse),
        (models.Prompt, "prompt_id", models.RenderedPrompt),
    ):
        shown = html if model is models.Response else prompt
        ids = connection.execute(sa.select(table(model).c.id)).scalars().all()
        add(kept, ({key: each, "version": version, "html": shown} for each in ids))


def _upto(number: int) -> range:
    return range(1, number + 1)


@dataclass
class Answer:
    status: str
    body: str


class Client:
    """One signed-in annotator, talking to the app in the same process."""

    def __init__(self, app: Flask, number: int) -> None:
        self.app = app
        with app.app_context():
            account = db.session().get(Account, number + 1)
        assert account is not None
        content = {"_user_id": account.get_id(), "_fresh": True, "csrf_token": CSRF}
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signer is not None
        self.cookie = f"tiebreak={signer.dumps(content)}"
        self.form: dict[str, str] = {}

    def open(self) -> Answer:
        """The judging page."""
        return self.keep(call(self.app, "GET", "/p/bench/judge", self.cookie))

    def judge(self, outcome: str = "a") -> Answer:
        """A verdict on the pair in hand; its answer is the next one."""
        return self.keep(self.post(self.verdict(outcome)))

    def verdict(self, outcome: str = "a") -> bytes:
        """The form as the browser would send it."""
        return urlencode({**self.form, "outcome": outcome, "duration_ms": "900"}).encode()

    def post(self, form: bytes) -> Answer:
        """Only the request: what is measured."""
        return call(self.app, "POST", "/p/bench/judge", self.cookie, form)

    def keep(self, answer: Answer) -> Answer:
        """Remember the next pair's fields."""
        assert answer.status.startswith("200"), answer
        self.form = fields(answer.body)
        return answer


def fields(page: str) -> dict[str, str]:
    """The pair's hidden fields."""
    form = page[page.index('<form class="pair"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[:2_000]))


def call(app: Callable[..., Any], method: str, path: str, cookie: str = "", body: bytes = b"") -> Answer:
    """One request to a WSGI callable."""
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost", "HTTP_COOKIE": cookie, "HTTP_HX_REQUEST": "true" if body else "",
        "HTTP_USER_AGENT": "benchmark", "HTTP_SEC_FETCH_SITE": "same-origin", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0), "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    if not body:
        del environ["HTTP_HX_REQUEST"]
    chunks = app(environ, lambda code, _headers, _info=None: status.append(code))
    text = b"".join(chunks).decode()
    if hasattr(chunks, "close"):
        chunks.close()
    return Answer(status[0], text)


def bare_flask() -> Flask:
    """The yardstick."""
    app = Flask("bare")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


def app_of(data_dir: Path, database_url: str = "") -> Flask:
    return create_app(settings_of(data_dir, database_url))
