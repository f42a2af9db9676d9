"""So many requests a minute for each token, whichever worker they come to."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask

from app import create_app
from app.api import limits
from app.api.operations import OPERATIONS
from app.settings import Settings
from tests.api.conftest import Program
from tests.conftest import Cast

Make = Callable[..., Program]


@pytest.fixture
def few(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three requests a minute, and a minute that does not end during a test."""
    settings.api_requests_per_minute = 3
    monkeypatch.setattr(limits.time, "time", lambda: 999_999_990.0)
    return settings


def test_workers_count_together(few: Settings, app: Flask, cast: Cast, program: Make) -> None:
    here, other_worker = program(cast.ann), create_app(few)
    there = Program(other_worker, here.secret)
    answers = [one.get("/me") for one in (here, there, here, there)]
    other_worker.extensions["engine"].dispose()
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    refused = answers[-1]
    assert refused.headers["RateLimit-Limit"] == "3"
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"] == "30"
    assert refused.content_type == "application/problem+json"
    assert "More than 3 requests" in refused.json["detail"]


def test_no_operation_answers_above_the_limit(few: Settings, app: Flask, cast: Cast, program: Make) -> None:
    lena = program(cast.lena)
    for _ in range(3):
        lena.get("/me")
    answers = {
        name: lena(operation.method, re.sub(r"<(\w+:)?\w+>", "birds", operation.path))
        for name, (operation, _) in OPERATIONS.items()
    }
    assert len(answers) > 80
    assert {name for name, answer in answers.items() if answer.status_code != 429} == set()
    assert {answer.headers["RateLimit-Remaining"] for answer in answers.values()} == {"0"}
    assert {answer.headers["Retry-After"] for answer in answers.values()} == {"30"}


def test_each_token_has_its_own_count_and_each_minute_a_new_one(
    few: Settings, app: Flask, cast: Cast, program: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = program(cast.ann), program(cast.ann)
    for _ in range(4):
        last = one.get("/me")
    assert last.status_code == 429
    assert other.get("/me").status_code == 200
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000_021.0)
    assert one.get("/me").status_code == 200


def test_who_has_no_good_token_is_counted_by_address(few: Settings, app: Flask, cast: Cast) -> None:
    guesses = [Program(app, f"tb_guess{number}").get("/me").status_code for number in range(4)]
    assert guesses == [401, 401, 401, 429]


def test_a_counter_that_fails_stops_nobody(
    few: Settings, app: Flask, cast: Cast, program: Make, settings: Settings
) -> None:
    if not settings.is_sqlite:
        pytest.skip("the file is SQLite's")
    ann = program(cast.ann)
    app.extensions["limits"].storage.sql("DROP TABLE counter", commit=True)
    assert ann.get("/me").status_code == 200


def test_counters_are_dropped_once_an_hour(
    few: Settings, app: Flask, cast: Cast, program: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = program(cast.ann)
    left = []
    for minute in (59, 0):
        ann.get("/me")
        monkeypatch.setattr(limits, "now", lambda minute=minute: datetime(2026, 1, 1, 12, minute, tzinfo=UTC))
        with app.app_context():
            limits.forget()
        left.append(ann.get("/me").headers["RateLimit-Remaining"])
    assert left == ["1", "2"]
