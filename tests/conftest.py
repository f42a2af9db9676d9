"""The database each test gets, the app on it, and a fixed cast of people.

``--database postgresql`` runs the same suite on a private PostgreSQL cluster.
"""

import gc
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlmodel import Session
from werkzeug.routing import Rule

from app import create_app, db
from app.accounts import passwords, tokens
from app.models import Account, Membership, Project, Role, SiteRole
from app.prepared import Prepared
from app.settings import Settings
from tests import postgres

SECRET = "a secret of the tests, thirty-two or more"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.basetemp is None and (memory := postgres.memory()):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))
    # Nearly all that the collector looks through are libraries, which stay: it took a tenth of the time.
    gc.set_threshold(20_000)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, only what touches the database: the rest ran on SQLite."""
    if config.getoption("--database") == "postgresql":
        touching = [item for item in items if "new_database" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(touching)])
        items[:] = touching


@pytest.fixture(scope="session", autouse=True)
def routes_compiled_once() -> Iterator[None]:
    """Each test makes an app, and werkzeug takes its 220 routes apart and writes functions for each."""
    compiled: dict[object, dict[str, Any]] = {}
    compile_rule = Rule.compile

    def kept(rule: Rule) -> None:
        key = rule.rule, rule.subdomain, rule.merge_slashes, str(rule.defaults)
        if key not in compiled:
            compile_rule(rule)
            compiled[key] = {name: vars(rule)[name] for name in vars(rule) if name[0] == "_"}
            compiled[key]["arguments"] = rule.arguments
        vars(rule).update(compiled[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", kept)
        yield


class Compiled(BytecodeCache):
    """The code of templates as they were when they were last compiled, whichever app asks."""

    def __init__(self) -> None:
        self.code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Each test's app would compile the templates it shows: most of what most tests took."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Compiled()})
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Each test's engine would compile its statements anew, as a server does only once."""
    create_engine = sa.create_engine
    first: dict[str, sa.Engine] = {}

    def sharing(url: str, **options: Any) -> sa.Engine:
        engine = create_engine(url, query_cache_size=10_000, **options)
        kept = first.setdefault(engine.dialect.name, engine)
        # What is compiled is kept under the dialect it was compiled for, in a private place: nothing else
        # shares it. A dialect has the engine's options too, which all come from app/db.py.
        engine.dialect, engine._compiled_cache = kept.dialect, kept._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sa, "create_engine", sharing)
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_hashed_cheaply() -> Iterator[None]:
    """What makes a password dear to guess makes an account dear to arrange."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server; a test that needs one skips where there is none, but not in CI."""
    postgres.needed()
    with postgres.cluster() as cluster:
        yield cluster


def plain(text: str) -> str:
    """A page as it reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def make_settings(data_dir: Path, database_url: str = "") -> Settings:
    """Settings that no environment or .env file of the machine can change."""
    return Settings(
        _env_file=None, env="development", data_dir=data_dir, database_url=database_url, secret_key=SECRET
    )


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], str]:
    """Makes databases with today's schema by copying a template; returns each one's URL."""
    if request.config.getoption("--database") == "postgresql":
        return _postgres_maker(request.getfixturevalue("postgres_cluster"))
    template = tmp_path_factory.mktemp("template")
    settings = make_settings(template)
    engine = db.make_engine(settings)
    db.upgrade(engine)
    engine.dispose()
    create_app(settings)

    def copy(folder: Path) -> str:
        # The queue of jobs and the counters of requests too: to make a database is to wait for the disk.
        for database in template.glob("*.db"):
            shutil.copy(database, folder / database.name)
        return ""

    return copy


def _postgres_maker(cluster: postgres.Cluster) -> Callable[[Path], str]:
    cluster.execute("CREATE DATABASE template_tiebreak")
    engine = db.make_engine(make_settings(Path("unused"), cluster.url("template_tiebreak")))
    db.upgrade(engine)
    engine.dispose()
    numbers = itertools.count()

    def copy(_folder: Path) -> str:
        name = f"test_{next(numbers)}"
        # Copying files takes half as long as writing each page to the log too, which is for a busy server.
        cluster.execute(f"CREATE DATABASE {name} TEMPLATE template_tiebreak STRATEGY FILE_COPY")
        return cluster.url(name)

    return copy


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[Path], str]
) -> Iterator[Settings]:
    """The settings of one test's own data directory and database."""
    url = new_database(tmp_path)
    cluster = request.getfixturevalue("postgres_cluster") if url else None
    yield make_settings(tmp_path, url)
    if cluster is not None:
        cluster.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app, with CSRF off (its own tests turn it on) and jobs run as soon as they are sent."""
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.extensions["jobs"].immediate = True
    yield app
    app.extensions["engine"].dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session of the test's own, to arrange and to look."""
    with Session(app.extensions["engine"], expire_on_commit=False) as opened:
        yield opened


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collects the statements that reach the database within a block, prepared ones too."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        def prepared(self: Prepared, *given: Any) -> Any:
            # They go straight to the driver.
            cursor, compiled = execute(self, *given)
            statements.append(compiled.sql)
            return cursor, compiled

        sa.event.listen(app.extensions["engine"], "before_cursor_execute", note)
        execute = Prepared._execute
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Prepared, "_execute", prepared)
            yield statements
        sa.event.remove(app.extensions["engine"], "before_cursor_execute", note)

    return counting


@dataclass
class Cast:
    """Everybody, and the project "birds" they have roles in; Otto has none."""

    project: Project
    ada: Account  # admin of the site
    lena: Account  # lead
    rui: Account  # reviewer
    ann: Account  # annotator
    ben: Account  # annotator
    rosa: Account  # researcher
    vic: Account  # viewer
    otto: Account  # outsider


@pytest.fixture
def cast(session: Session) -> Cast:
    """The cast, in the database."""
    project = Project(slug="birds", name="Birds")
    people = {
        name: Account(email=f"{name}@example.org", name=name.title())
        for name in ("ada", "lena", "rui", "ann", "ben", "rosa", "vic", "otto")
    }
    people["ada"].role = SiteRole.ADMIN
    session.add_all([project, *people.values()])
    session.flush()
    roles = {
        "lena": Role.LEAD,
        "rui": Role.REVIEWER,
        "ann": Role.ANNOTATOR,
        "ben": Role.ANNOTATOR,
        "rosa": Role.RESEARCHER,
        "vic": Role.VIEWER,
    }
    for name, role in roles.items():
        session.add(Membership(account_id=people[name].id, project_id=project.id, role=role))
    session.commit()
    return Cast(project=project, **people)


@pytest.fixture
def client_of(app: Flask) -> Callable[[Account | None], FlaskClient]:
    """A browser's worth of cookies for somebody, signed in without the password form."""

    def make(account: Account | None) -> FlaskClient:
        client = app.test_client()
        if account is not None:
            with client.session_transaction() as cookie:
                cookie["_user_id"] = account.get_id()
                cookie["_fresh"] = True
        return client

    return make


@pytest.fixture
def bearer(session: Session) -> Callable[[Account], dict[str, str]]:
    """The headers of somebody's API token."""

    def make(account: Account) -> dict[str, str]:
        _, secret = tokens.create(session, account, "tests", by=account)
        session.commit()
        return {"Authorization": f"Bearer {secret}"}

    return make
