"""What two annotators agreed on under shuffling is still agreed on in the export."""

from collections import defaultdict
from collections.abc import Callable

import orjson
from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account
from ranking.agreement import krippendorff_alpha, reliability_matrix
from tests.annotation.arrange import queue
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]


def judge_all(client: FlaskClient, headers: dict[str, str], preferred: dict[str, str]) -> int:
    """Judge by the API whatever is served, always for the same texts; returns how many were turned."""
    turned = 0
    while (claimed := client.post("/api/v1/projects/birds/assignments", headers=headers)).status_code == 201:
        pair = claimed.get_json()
        prompt = pair["prompt"]["messages"][0]["content"]
        first = pair["response_a"]["messages"][0]["content"]
        turned += pair["shown_first"] == "b"
        given = {
            "assignment_id": pair["assignment_id"],
            "submission_id": pair["assignment_id"],
            "outcome": "a" if first == preferred[prompt] else "b",
        }
        assert client.post("/api/v1/projects/birds/judgments", json=given, headers=headers).status_code == 201
    return turned


def test_agreement_in_30_of_30_survives_shuffling_and_export(
    session: Session, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    queue(session, cast.project, 30, wanted=2)
    preferred = {f"Which bird is number {n}?": f"Answer {n % 2} to prompt {n}." for n in range(30)}
    turned = [judge_all(client_of(None), bearer(who), preferred) for who in (cast.ann, cast.ben)]
    assert all(0 < count < 30 for count in turned)

    lines = client_of(cast.rosa).get("/p/birds/export/download?format=judgments").data.splitlines()
    verdicts: dict[str, dict[str, str]] = defaultdict(dict)
    shown = set()
    for row in map(orjson.loads, lines):
        verdicts[row["pair_id"]][row["annotator"]] = row["outcome"]
        shown.add(row["first_shown"])
    assert shown == {"a", "b"}
    assert len(verdicts) == 30
    assert all(len(found) == 2 and len(set(found.values())) == 1 for found in verdicts.values())

    annotators = sorted({name for found in verdicts.values() for name in found})
    rows = [
        (annotators.index(name), unit, "ab".index(outcome))
        for unit, found in enumerate(verdicts.values())
        for name, outcome in found.items()
    ]
    who, units, codes = zip(*rows, strict=True)
    assert krippendorff_alpha(reliability_matrix(who, units, codes)).value == 1
    trained = client_of(cast.rosa).get("/p/birds/export/download?format=trl").data.splitlines()
    assert {orjson.loads(line)["agreement"] for line in trained} == {1.0}
    assert len(trained) == 30
