"""What pages and the API tell of a project, `tiebreak rank` tells of its judgments exported."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account, now
from tests.conftest import Cast
from tests.leaderboard.arrange import BOTH_BAD, TIE, A, B, add_annotators, add_comparison, add_models, judge
from tests.leaderboard.vote_files import ranked

Clients = Callable[[Account | None], FlaskClient]
STRENGTH = {"Heron": 1.0, "Lark": 0.5, "Wren": -0.5, "Moth": -1.0}


@pytest.fixture
def client(session: Session, cast: Cast, client_of: Clients) -> FlaskClient:
    """The lead's; each pair of models stands either way round, and verdicts come in no order of the pairs."""
    rng = random.Random(5)
    models = add_models(session, cast.project, list(STRENGTH))
    people = add_annotators(session, cast.project, 7)
    # The better one is A more often than not, so that A is preferred more often than not.
    pairs = [pair[:: 1 if rng.random() < 0.8 else -1] for _ in range(12) for pair in combinations(models, 2)]
    times = [now() - timedelta(minutes=minute) for minute in rng.sample(range(1000), 2 * len(pairs))]
    for a, b in pairs:
        comparison = add_comparison(session, a, b, rng.choice(["coding", "safety"]))
        ahead = STRENGTH[a.name] - STRENGTH[b.name] + rng.gauss(0, 0.7)
        for person in rng.sample(people, 2):
            seen = ahead + rng.gauss(0, 1)
            verdict = TIE if abs(seen) < 0.2 else A if seen > 0 else B
            verdict = BOTH_BAD if rng.random() < 0.05 else verdict
            judge(session, comparison, person, verdict, rng.random() < 0.5, created_at=times.pop())
    session.commit()
    return client_of(cast.lena)


@pytest.fixture
def file(client: FlaskClient, tmp_path: Path) -> Path:
    exported = tmp_path / "judgments.jsonl"
    exported.write_bytes(client.get("/p/birds/export/download?format=judgments").data)
    return exported


def test_agreement(client: FlaskClient, file: Path, bearer: Any, cast: Cast) -> None:
    here = client.get("/api/v1/projects/birds/quality", headers=bearer(cast.lena)).get_json()
    there = ranked(file, "--show", "agreement")
    keys = ("name", "value", "lower", "upper")
    assert [[one[key] for key in keys] for one in there["coefficients"]] == [
        [one[key] for key in keys] for one in here["agreement"]
    ]
    assert there["comparisons"] == here["comparisons"] == 72
