"""What a researcher sees of exports by page, a program can ask."""

import hashlib
from collections.abc import Callable

import pytest
from sqlmodel import Session

from app.exports import preview
from tests.annotation.arrange import queue
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.exports.arrange import judge

MakeProgram = Callable[..., Program]


@pytest.fixture
def rosa(session: Session, cast: Cast, program: MakeProgram) -> Program:
    for number, comparison in enumerate(queue(session, cast.project, 4, category="code")):
        judge(session, cast.project, cast.ann, comparison, "ab"[number % 2])
    return program(cast.rosa)


def test_a_preview_tells_what_the_filters_leave(rosa: Program) -> None:
    told = rosa.get("/projects/birds/export/preview").json
    assert told is not None
    assert (told["comparisons"], told["read"], told["rows"], told["rows_estimated"]) == (4, 4, 4, 4)
    assert told["categories"] == {"code": 4}
    assert told["models"]["heron-9000"] == {"chosen": 2, "rejected": 2}
    judged = told["judged"]
    assert (judged["judgments"], judged["annotators"]) == (4, 1)
    assert judged["by"] == {"people": 4, "models": 0, "simulated": 0}
    assert [one["value"] for one in judged["agreement"]] == [None, None, None], "nothing was judged twice"
    assert told["sample_rows"][0].startswith('{"prompt":')
    none = rosa.get("/projects/birds/export/preview?min_votes=2").json
    assert none is not None
    assert (none["rows"], none["excluded"]) == (0, {"fewer votes than asked for": 4})
    assert rosa.get("/projects/birds/export/preview?model=moth").status_code == 422


def test_a_preview_of_a_part_estimates_the_rows_of_the_file(
    session: Session, cast: Cast, program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_READ", 64)
    for comparison in queue(session, cast.project, 150):
        judge(session, cast.project, cast.ann, comparison, "a", commit=False)
    session.commit()
    told = program(cast.rosa).get("/projects/birds/export/preview").json
    assert told is not None
    assert 64 <= told["rows"] == told["read"] < 80
    assert told["rows_estimated"] == 150


def test_finished_exports_are_listed(rosa: Program) -> None:
    assert rosa.get("/projects/birds/exports").json == {"items": [], "next": None}
    made = rosa.get("/projects/birds/export?format=kto")
    assert made.data
    (listed,) = rosa.get("/projects/birds/exports").json["items"]  # type: ignore[index]
    assert listed["export"] == made.headers["X-Tiebreak-Export"]
    assert listed["rows"] == 8
    assert rosa.get("/projects/birds/export").data
    first = rosa.get("/projects/birds/exports?limit=1").json
    assert [one["rows"] for one in first["items"]] == [4]
    assert first["items"][0]["spec"] == {"format": "trl", "file": "jsonl", "part": "rows"}
    assert rosa.get(first["next"].removeprefix("http://localhost")).json["items"] == [listed]
    for query in ("limit=0", "limit=x", "limit=201", "bogus=1"):
        assert rosa.get(f"/projects/birds/exports?{query}").status_code == 422


def test_a_receipt_tells_of_what_lies_beside_the_rows_too(rosa: Program) -> None:
    made = rosa.get("/projects/birds/export?format=llamafactory&part=dataset_info")
    assert made.data
    told = rosa.get(f"/projects/birds/exports/{made.headers['X-Tiebreak-Export']}").json
    assert told is not None
    assert (told["rows"], told["bytes"], told["complete"]) == (0, len(made.data), True)
    assert told["sha256"] == hashlib.sha256(made.data).hexdigest()


def test_models_are_named_once_an_annotator_asks(session: Session, cast: Cast, program: MakeProgram) -> None:
    cast.project.reveals_models = True
    session.add(cast.project)
    queue(session, cast.project)
    ann = program(cast.ann)
    claimed = ann.post("/projects/birds/assignments").json
    assert claimed is not None
    said = {"assignment_id": claimed["assignment_id"], "submission_id": "mine", "outcome": "a"}
    assert ann.post("/projects/birds/judgments", said).status_code == 201
    before = ann.get("/projects/birds/judgments/mine").json
    assert before is not None
    assert (before["model_a"], before["model_b"]) == (None, None)
    told = ann.post("/projects/birds/judgments/mine/reveal").json
    assert told is not None
    assert (told["model_a"], told["model_b"]) == ("heron-9000", "lark-9000")
    again = ann.post("/projects/birds/judgments", said | {"submission_id": "next", "supersedes": "mine"})
    assert again.status_code == 409
