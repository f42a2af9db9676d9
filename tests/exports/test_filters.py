"""Each filter does what it says, alike by page, API and command line."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.errors import NotFound
from app.exports import preview, stream
from app.exports.commands import export
from app.exports.forms import Aggregate, ExportSpec, Format
from app.leaderboard import bias
from app.models import (
    Account,
    Adjudication,
    Annotator,
    AnnotatorKind,
    Comparison,
    Guideline,
    Judgment,
    Outcome,
    Source,
)
from tests.annotation.arrange import annotator_of, ask, queue
from tests.conftest import Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
DOWNLOAD = "/p/birds/export/download"
EMPTY = "This is empty: give a value"
OLD = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture
def pairs(session: Session, cast: Cast) -> dict[str, str]:
    """Comparisons by what is peculiar to each: pair_id -> name."""
    ask(session, cast.project, criteria=[{"key": "accuracy", "name": "Accuracy"}])
    first, second = (Guideline(project_id=cast.project.id, version=n, text="Be fair.") for n in (1, 2))
    judge_model = Annotator(project_id=cast.project.id, kind=AnnotatorKind.MODEL, name="parrot-judge")
    session.add_all([first, second, judge_model])
    session.commit()
    annotator_of(session, cast.project, cast.ann).group_name = "experts"
    annotator_of(session, cast.project, cast.ben).group_name = "readers"
    code: dict[str, Any] = {"category": "code", "language": "en"}
    prose: dict[str, Any] = {"category": "prose", "language": "de"}
    made = dict(
        zip(
            ("once", "twice", "by a judge", "gold", "old", "tie", "half tied"),
            queue(session, cast.project, 7, **code),
            strict=True,
        )
    )
    made |= dict(zip(("divided", "settled"), queue(session, cast.project, 2, **prose), strict=True))
    made |= {"wren": queue(session, cast.project, 1, models=("lark-9000", "wren-9000"), **prose)[0]}

    def say(name: str, who: Account, outcome: str, **more: Any) -> None:
        judge(session, cast.project, who, made[name], outcome, commit=False, **more)

    say("once", cast.ann, "a", guideline_id=first.id)
    say("twice", cast.ann, "a", strength=3, guideline_id=first.id, criteria={"accuracy": "b"})
    say("twice", cast.ben, "a", strength=2, guideline_id=first.id)
    say("gold", cast.ann, "a")
    say("old", cast.ben, "b", created_at=OLD)
    say("tie", cast.ann, "tie")
    say("half tied", cast.ann, "tie")
    say("half tied", cast.ben, "b")
    say("divided", cast.ann, "a")
    say("divided", cast.ben, "b")
    say("settled", cast.ann, "a")
    say("settled", cast.ben, "b")
    say("wren", cast.ann, "a", guideline_id=second.id, strength=1)
    made["gold"].gold = Outcome.A
    session.add(Adjudication(comparison_id=made["settled"].id, account_id=cast.rui.id, outcome=Outcome.B))
    session.add(
        Judgment(
            submission_id="by-a-judge",
            project_id=cast.project.id,
            comparison_id=made["by a judge"].id,
            annotator_id=judge_model.id,
            outcome=Outcome.A,
            source=Source.API,
        )
    )
    session.commit()
    return {row.pair_id: name for name, row in made.items()}


USUAL = {"once", "twice", "by a judge", "old", "settled", "wren"}

FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, USUAL),
    ({"category": ["code"]}, {"once", "twice", "by a judge", "old"}),
    ({"language": ["de"]}, {"settled", "wren"}),
    ({"language": ["de", "en"]}, USUAL),
    ({"model": ["lark-9000", "wren-9000"]}, {"wren"}),
    ({"model": ["wren-9000"]}, {"wren"}),
    ({"since": "2025-03-02"}, USUAL - {"old"}),
    # A day is one whole, whichever end it is given as; a time is a moment.
    ({"until": "2025-03-01"}, {"old"}),
    ({"since": "2025-03-01", "until": "2025-03-01"}, {"old"}),
    ({"since": "2025-03-01T00:00:00Z", "until": "2025-03-01T00:00:01Z"}, {"old"}),
    # A reviewer decides between votes that count, whatever is asked of these, and not without any.
    ({"kind": "model"}, {"by a judge"}),
    ({"kind": "human", "group": ["readers"], "min_votes": 2, "min_agreement": 1}, {"settled"}),
    ({"kind": "human"}, USUAL - {"by a judge"}),
    ({"group": ["experts"]}, {"once", "twice", "divided", "settled", "wren"}),
    ({"group": ["readers"], "aggregate": "majority"}, {"twice", "old", "half tied", "divided", "settled"}),
    ({"guideline": [2]}, {"wren"}),
    ({"guideline": [1, 2], "aggregate": "majority"}, {"once", "twice", "wren"}),
    ({"criterion": "accuracy"}, {"twice"}),
    ({"min_votes": 2}, {"twice", "settled"}),
    ({"min_agreement": 0.9, "aggregate": "majority"}, USUAL - {"settled"}),
    ({"min_strength": 2.5}, {"twice", "settled"}),
    ({"adjudicated": True}, {"settled"}),
    ({"aggregate": "majority"}, USUAL - {"settled"}),
    ({"aggregate": "each"}, USUAL - {"settled"}),
    ({"ties": "drop"}, USUAL | {"half tied"}),
    ({"gold": "in"}, USUAL | {"gold"}),
    ({"gold": "only"}, {"gold"}),
    ({"gold": "out", "format": "arena"}, USUAL | {"tie", "half tied", "divided"}),
    ({"format": "arena", "aggregate": "majority"}, USUAL - {"settled"} | {"tie"}),
    ({"format": "arena", "ties": "drop"}, USUAL | {"half tied", "divided"}),
    ({"format": "judgments"}, USUAL | {"gold", "tie", "half tied", "divided"}),
    ({"format": "judgments", "gold": "out", "kind": "model"}, {"by a judge"}),
    # Half of the votes agree where annotators are evenly divided, whatever a row of one vote says.
    ({"format": "arena", "min_agreement": 0.5}, USUAL | {"tie", "half tied", "divided"}),
    ({"format": "arena", "min_agreement": 0.6}, USUAL - {"settled"} | {"tie"}),
    ({"format": "judgments", "min_agreement": 0.6}, USUAL - {"settled"} | {"gold", "tie"}),
    ({"format": "judgments", "min_strength": 1}, {"twice", "wren"}),
    ({"format": "arena", "min_strength": 1}, {"twice", "wren"}),
]


@pytest.mark.parametrize(
    ("asked", "left"), FILTERS, ids=lambda value: "-".join(value) if type(value) is dict else ""
)
def test_a_filter_leaves_the_same_by_page_api_and_command(
    app: Flask,
    cast: Cast,
    pairs: dict[str, str],
    client_of: ClientOf,
    bearer: Callable[[Account], dict[str, str]],
    asked: dict[str, Any],
    left: set[str],
) -> None:
    page = client_of(cast.rosa).get(DOWNLOAD, query_string=_sent(asked))
    api = app.test_client().get(
        "/api/v1/projects/birds/export", query_string=_sent(asked), headers=bearer(cast.rosa)
    )
    with app.app_context():
        command = CliRunner().invoke(export, ["birds", *_options(asked)])
    assert page.status_code == api.status_code == 200
    assert command.exit_code == 0
    assert page.data == api.data == command.stdout_bytes
    assert {pairs[orjson.loads(line)["pair_id"]] for line in page.data.splitlines()} == left


ADDED_UP: list[dict[str, Any]] = [
    *(asked for asked, _ in FILTERS),
    *({"format": "arena"} | asked for asked, _ in FILTERS if "min" not in str(asked)),
    *({"format": "judgments"} | asked for asked, _ in FILTERS if not {"aggregate", "criterion"} & set(asked)),
    {"split": "test", "held_out": 0.5},
    {"split": "train", "held_out": 0.5, "format": "arena"},
    {"split": "train", "held_out": 0.5, "format": "judgments", "category": ["code"], "since": "2025-03-02"},
    {"category": ["code"], "model": ["lark-9000"], "gold": "only", "adjudicated": True},
    {"format": "trl", "aggregate": "each", "language": ["de"], "kind": "human"},
]


@pytest.mark.usefixtures("pairs")
def test_what_is_written_and_what_is_left_out_add_up_to_all_there_is(
    app: Flask, session: Session, cast: Cast
) -> None:
    withdrawn, settled = queue(session, cast.project, 2, category="prose", language="de")
    session.add(Adjudication(comparison_id=settled.id, account_id=cast.rui.id, outcome=Outcome.A))
    judge(session, cast.project, cast.ann, withdrawn, "a", retired_at=OLD)
    live, all_ = 14, 15
    engine = app.extensions["engine"]
    for asked in ADDED_UP:
        spec = ExportSpec(**asked)
        receipt = stream.Receipt()
        with app.app_context():
            try:
                rows = b"".join(stream.stream(engine, cast.project, spec, receipt, by=None)).count(b"\n")
                excluded, units = dict(receipt.excluded), receipt.units
            except NotFound as nothing:
                rows, excluded, units = 0, nothing.members["excluded"], nothing.members["excluded_units"]
            told = preview.of(engine, cast.project, spec)
        unit = "judgments" if spec.aggregating is Aggregate.EACH else "comparisons"
        total = {"comparisons": 12, "judgments": all_ if spec.format is Format.JUDGMENTS else live}[unit]
        assert rows + sum(n for reason, n in excluded.items() if units[reason] == unit) == total, asked
        assert (told.rows, dict(told.excluded), told.units) == (rows, excluded, units), asked


@pytest.mark.parametrize("format_", ["trl", "arena", "judgments"])
def test_simulated_judgments_are_said_to_be_so_where_people_s_are_asked_for(
    session: Session, cast: Cast, client_of: ClientOf, format_: str
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "a")
    annotator_of(session, cast.project, cast.ann).simulated = True
    session.commit()
    client = client_of(cast.rosa)
    answer = client.get(DOWNLOAD, query_string={"kind": "human", "format": format_})
    assert answer.status_code == 404
    assert re.search(r"Left out: 1 (comparison|judgment) \([a-z ]*simulated", answer.text)
    assert "People only: none have judged" in answer.text
    late = client.get(DOWNLOAD, query_string={"since": "2999-01-01", "format": format_})
    assert re.search(r"Left out: 1 (comparison|judgment) \((?![a-z ]*simulated)", late.text)
    judge(session, cast.project, cast.ben, comparison, "a")
    assert "People only: none" not in client.get("/p/birds/export").text


def test_the_fewest_votes_are_called_so_by_page_api_and_command(cast: Cast, client_of: ClientOf) -> None:
    named = "Fewest votes"
    assert re.search(rf'<label for="min_votes">{named}', client_of(cast.rosa).get("/p/birds/export").text)
    assert (ExportSpec.model_fields["min_votes"].description or "").startswith(named)
    assert re.search(rf"--min-votes INTEGER +{named}", CliRunner().invoke(export, ["--help"]).output)


def _sent(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: "true" if value is True else value for name, value in asked.items()}


def _options(asked: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for name, value in asked.items():
        for one in value if isinstance(value, list) else [value]:
            found += [f"--{name.replace('_', '-')}", *([] if one is True else [str(one)])]
    return found


def test_a_name_with_a_comma_is_one_name_and_commas_else_part_several(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    odd: dict[str, Any] = {"models": ("heron, v2", "lark"), "category": "birds, small"}
    made = queue(session, cast.project, **odd) + queue(session, cast.project, category="fish")
    annotator_of(session, cast.project, cast.ann).group_name = "readers, first"
    for comparison in made:
        judge(session, cast.project, cast.ann, comparison, "a")
    client = client_of(cast.rosa)
    sent = {"model": ["heron, v2", "lark"], "group": "readers, first", "category": "birds, small"}
    page = client.get("/p/birds/export", query_string=sent).text
    assert 'name="model" value="heron, v2" checked' in page
    with app.app_context():
        command = CliRunner().invoke(export, ["birds", *_options(sent)])
    answer = app.test_client().get(
        "/api/v1/projects/birds/export", query_string=sent, headers=bearer(cast.rosa)
    )
    assert answer.data == command.stdout_bytes
    assert orjson.loads(answer.data)["pair_id"] == made[0].pair_id
    assert client.get(DOWNLOAD, query_string={"category": "fish,birds, small"}).status_code == 422
    both = client.get(DOWNLOAD, query_string={"category": ["fish", "birds, small"]}).data
    assert len(both.splitlines()) == 2
    assert len(client.get(DOWNLOAD, query_string={"model": "lark-9000,heron-9000"}).data.splitlines()) == 1


def test_what_was_never_judged_is_said_to_be_so_whatever_is_asked_for(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    judged, withdrawn, _ = queue(session, cast.project, 3)
    judge(session, cast.project, cast.ann, judged, "a")
    judge(session, cast.project, cast.ann, withdrawn, "a", retired_at=OLD)
    answer = client_of(cast.rosa).get(DOWNLOAD, query_string={"kind": "model"})
    assert "2 comparisons (not judged yet)" in answer.text
    assert "1 comparison (no judgment passes the filters)" in answer.text
    # On the page that it was asked on, with what was asked.
    assert answer.status_code == 404
    assert '<option value="model" selected>' in answer.text


def test_whose_judgments_weigh_more_decides(
    session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison: Comparison = queue(session, cast.project)[0]
    for who, outcome in ((cast.ann, "a"), (cast.ben, "b"), (cast.rui, "b")):
        judge(session, cast.project, who, comparison, outcome)
    ids = [annotator_of(session, cast.project, who).id for who in (cast.ann, cast.ben, cast.rui)]
    told = SimpleNamespace(annotators=np.array(ids), reliability=np.array([3.0, 1.0, 1.0]))
    monkeypatch.setattr(bias, "weighted", lambda *_: told)
    client = client_of(cast.rosa)
    chosen = {
        aggregate: client.get(f"/p/birds/export/download?aggregate={aggregate}").get_json(force=True)[
            "chosen_model"
        ]
        for aggregate in ("majority", "weighted")
    }
    assert chosen == {"majority": "lark-9000", "weighted": "heron-9000"}
    # What must agree are votes, as its column counts them, and not their weights.
    answer = client.get(f"{DOWNLOAD}?aggregate=weighted&min_agreement=0.6")
    assert (answer.status_code, "less agreement than asked for" in answer.text) == (404, True)
    let_through = client.get(f"{DOWNLOAD}?aggregate=weighted&min_agreement=0.3").get_json(force=True)
    assert let_through["agreement"] == pytest.approx(1 / 3)


@pytest.mark.usefixtures("pairs")
@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("since=2025-03-02&until=2025-03-01", 422, "only what is judged later than this counts"),
        ("until=2025-02-30", 422, "'/until'"),
        ("until=9999-12-31", 422, "Give a day or a time"),
        ("since=yesterday", 422, "'/since'"),
        ("since=9999-12-31T23:59:59-12:00", 422, "Give a day or a time"),
        ("since=0001-01-01T00:00:00%2B12:00", 422, "Give a day or a time"),
        ("min_agreement=nan", 422, "Give a number"),
        ("criterion=accuracy&min_strength=1", 422, "not by criterion"),
        ("category=none-such", 422, "no category none-such"),
        ("guideline=9", 422, "no guideline 9"),
        ("group=strangers", 422, "no group strangers"),
        ("criterion=charm", 422, "no criterion charm"),
        ("format=parquet", 422, "Choose one of: trl"),
        ("format=trl&file=csv", 422, "CSV and Excel are for judgments alone"),
        ("format=judgments&aggregate=majority", 422, "one by one"),
        *((f"{name}=", 422, EMPTY) for name in ("category", "kind", "since", "salt")),
        ("model=&model=lark-9000", 422, EMPTY),
        ("model=,", 422, EMPTY),
        ("guideline=%20,", 422, EMPTY),
        ("format=judgments&criterion=accuracy&ties=drop", 422, "in their column criteria"),
        ("min_votes=5&aggregate=majority", 404, "fewer votes than asked for"),
        ("until=2025-02-28", 404, "no judgment passes the filters"),
        ("until=2025-03-01T00:00:00Z", 404, "no judgment passes the filters"),
        ("kind=model&adjudicated=true&min_votes=5", 404, "no judgment passes the filters"),
        ("split=test&held_out=0", 404, "There are no rows"),
    ],
)
def test_what_cannot_be_is_a_problem_document(
    app: Flask,
    cast: Cast,
    bearer: Callable[[Account], dict[str, str]],
    query: str,
    status: int,
    says: str,
) -> None:
    answer = app.test_client().get(f"/api/v1/projects/birds/export?{query}", headers=bearer(cast.rosa))
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert says in str(answer.json)
    if status == 404 and "held_out" not in query:
        assert answer.json is not None
        assert sum(answer.json["excluded"].values()) > 0
