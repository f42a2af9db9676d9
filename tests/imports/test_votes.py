"""Votes and judgments that come in: whose they are, what they count, and never twice."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session, col, select

from app import annotators, divided, tallies
from app.exports import stream
from app.exports.forms import ExportSpec
from app.imports import importing
from app.imports.known import REPEATS
from app.imports.loading import OWN_GONE, OWN_UNNAMED
from app.models import (
    Annotator,
    AnnotatorKind,
    Judgment,
    Model,
    Outcome,
    Project,
    Prompt,
    Response,
    Slot,
    Source,
    Tally,
    now,
)
from tests.conftest import Cast
from tests.imports.arrange import VOTES, Importer, Rows, comparison, counts, response, table_sizes, vote

VERDICTS = ((0, "a", "kim"), (0, "a", "lee"), (1, "b", "kim"), (2, "tie", "kim"))


def test_a_vote_under_a_pseudonym_of_the_project_is_refused(importer: Importer, session: Session) -> None:
    importer([comparison(1, winner="a", annotator="kim")])
    uid = session.exec(select(Annotator.uid)).one()
    assert importer([comparison(2, winner="b", annotator=uid)]).files[0].reasons == {OWN_UNNAMED: 1}
    assert table_sizes(session, "prompts", "annotators") == {"prompts": 1, "annotators": 1}


def test_votes_count_in_the_tallies(importer: Importer, session: Session) -> None:
    importer(
        [
            vote("model_a", annotator="kim", category="birds"),
            vote("model_a", "wren", "heron", annotator="kim"),
        ]
    )
    models = {model.name: model.id for model in session.exec(select(Model))}
    overall = session.exec(select(Tally).where(Tally.slice_by == "kind")).all()
    assert sorted((tally.outcome.value, tally.n) for tally in overall) == [("a", 1), ("b", 1)]
    assert {tally.model_a_id for tally in overall} == {min(models.values())}
    kim = session.exec(select(Annotator)).one()
    assert (kim.name, kim.kind, kim.judged, kim.changes) == ("kim", AnnotatorKind.HUMAN, 2, 2)


def test_votes_count_as_their_annotators_do(importer: Importer, session: Session) -> None:
    """Whom a lead has called a judge model stays one in the next file, which does not say it."""
    importer([vote("model_a", prompt_id="q1", annotator="kim")])
    kim = session.exec(select(Annotator)).one()
    annotators.put(session, importer.project, [kim.uid], "experts", by=None)
    annotators.recast(session, importer.project, [kim.uid], AnnotatorKind.MODEL, by=None)
    session.commit()
    importer([vote("tie", prompt_id="q2", annotator=who) for who in ("kim", "lou")])
    by_slice = select(Tally.slice_value, sa.func.sum(Tally.n)).where(Tally.n > 0).group_by(Tally.slice_value)
    assert dict(session.exec(by_slice).all()) == {"experts": 2, "model": 2, "human": 1}
    assert tallies.differences(session, kim.project_id) == []


@pytest.mark.parametrize("shape", ["votes", "comparisons", "preferences"])
def test_a_row_says_whether_a_judge_model_wrote_it(importer: Importer, session: Session, shape: str) -> None:
    row = {
        "votes": vote("model_a", prompt_id="q1"),
        "comparisons": comparison(1, winner="a"),
        "preferences": {"prompt": "Hi?", "chosen": "Hello.", "rejected": "No."},
    }[shape]
    kinds = ("model", "human", None, "robot")
    rows = [{**row, "annotator": f"a {kind}", "annotator_kind": kind} for kind in kinds]
    rows.append({**row, "annotator": "a human", "annotator_kind": "model"})
    report = importer(rows)
    assert counts(report) == (5, 4, 0, 1)
    [refused] = report.refused_rows
    assert (refused["line"], refused["reason"]) == (4, "annotator_kind: input should be 'human' or 'model'")
    there = session.exec(select(Annotator.name, Annotator.kind).order_by(col(Annotator.id))).all()
    assert there == [("a model", "model"), ("a human", "human"), ("a None", "human"), ("a human", "model")]
    assert tallies.differences(session, importer.project.id or 0) == []
    assert counts(importer(rows)) == (5, 0, 4, 1)


def test_votes_have_no_text_and_are_not_queued(importer: Importer, session: Session) -> None:
    importer(VOTES)
    assert session.exec(select(Response.messages)).all() == [None] * len(session.exec(select(Response)).all())
    assert table_sizes(session, "slots") == {"slots": 0}
    assert {judgment.source for judgment in session.exec(select(Judgment))} == {Source.IMPORT}


def test_one_annotators_votes_on_one_pair_all_count(importer: Importer, session: Session) -> None:
    rows = [
        vote(winner, prompt_id="q1", annotator="kim") for winner in ("model_a", "model_b", "model_a", "tie")
    ]
    importer(rows)
    report = importer([*rows[:2], vote("both_bad", prompt_id="q1", annotator="kim")])
    assert counts(report) == (3, 1, 2, 0)
    live = session.exec(select(Judgment.comparison_id)).all()
    assert len(live) == len(set(live)) == 5
    samples = set(session.exec(select(Response.sample)).all())
    assert samples == {0, *range(REPEATS + 1, REPEATS + 5)}


def test_identical_rows_are_told_apart_by_their_place_and_a_named_batch(importer: Importer) -> None:
    row = vote("tie", annotator="kim")
    assert counts(importer([row, row])) == (2, 2, 0, 0)
    assert counts(importer([row, row, row])) == (3, 1, 2, 0)
    assert counts(importer([row, row], batch="second week")) == (2, 2, 0, 0)
    assert counts(importer([row, row], batch="second week")) == (2, 0, 2, 0)


def test_votes_then_responses_fill_in_the_texts(importer: Importer, session: Session) -> None:
    importer([vote("model_a", prompt_id="q1", annotator="kim")])
    rows = [{**response(1, model), "prompt_id": "q1", "category": "birds"} for model in ("heron", "wren")]
    assert counts(importer(rows)) == (2, 2, 0, 0)
    prompt = session.exec(select(Prompt)).one()
    assert (prompt.messages, prompt.category) == ([{"role": "user", "content": "Question 1?"}], "birds")
    assert all(session.exec(select(Response.messages)).all())
    assert tallies.differences(session, session.exec(select(Project.id)).one() or 0) == []
    assert session.exec(select(Tally).where(Tally.slice_by == "category")).one().slice_value == "birds"


def test_preferences_of_unnamed_models_do_not_touch_the_ranking(importer: Importer, session: Session) -> None:
    importer([{"prompt": "Hi", "chosen": "Hello", "rejected": "Yes?"}], name="helpful.train.jsonl")
    judgment = session.exec(select(Judgment)).one()
    assert judgment.outcome == Outcome.A
    assert session.get_one(Annotator, judgment.annotator_id).name == "helpful"
    assert session.exec(select(Tally)).all() == []


def test_an_empty_side_is_not_queued_but_its_vote_counts(importer: Importer, session: Session) -> None:
    report = importer([comparison(1) | {"response_b": " "}])
    assert [row["reason"] for row in report.refused_rows] == [
        "response_b is empty; there is nothing to compare"
    ]
    judged = importer([comparison(2) | {"response_b": "", "winner": "model_a"}])
    assert (judged.total("added"), judged.total("empty")) == (1, 1)
    assert session.exec(select(Slot)).all() == []
    assert session.exec(select(Judgment)).one().outcome == Outcome.A


@pytest.mark.parametrize("file", ["jsonl", "csv", "parquet"])
def test_exported_judgments_are_taken_by_another_project_and_never_twice(
    app: Flask, cast: Cast, session: Session, tmp_path: Path, file: str
) -> None:
    here = Importer(app, cast.project, tmp_path)
    rows = [comparison(n, winner=won, annotator=who) for n, won, who in VERDICTS]
    here([{**rows[0], "category": "birds", "tags": ["water"]}, *rows[1:]])
    here([comparison(5, gold="b", winner="b", annotator="kim")])
    here([vote("b", annotator="kim"), vote("a", annotator="kim")])
    here([comparison(6, a="@cf/wren", prompt_id="-1", category="'=", winner="b", annotator="kim")])
    session.execute(sa.update(Judgment).where(col(Judgment.outcome) == "a").values(strength=3, swapped=True))
    session.execute(sa.update(Judgment).where(col(Judgment.outcome) == "tie").values(retired_at=now()))
    session.execute(sa.update(Annotator).where(col(Annotator.name) == "lee").values(simulated=True))
    there = Project(slug="copy", name="Copy")
    session.add(there)
    session.commit()
    spec = ExportSpec.model_validate({"format": "judgments", "file": file})
    exported = b"".join(stream.stream(here.engine, cast.project, spec, stream.Receipt(), by=None))
    assert counts(here(exported, f"judgments.{file}")) == (8, 0, 8, 0), "they are here already"
    importer = Importer(app, there, tmp_path)
    assert importer(exported, f"judgments.{file}").files[0].reasons == {}
    assert counts(importer(exported, f"judgments.{file}"))[1] == 0
    said = sa.text("""
        SELECT c.pair_id, p.key, p.messages, p.tags, p.category, c.gold, j.outcome, j.strength, j.swapped,
               j.created_at, a.simulated
        FROM judgments j JOIN comparisons c ON c.id = j.comparison_id JOIN prompts p ON p.id = c.prompt_id
        JOIN annotators a ON a.id = j.annotator_id
        WHERE j.retired_at IS NULL AND j.project_id = :project ORDER BY j.id
    """)
    ours, theirs = (
        sorted(map(str, session.execute(said, {"project": project.id}))) for project in (cast.project, there)
    )
    assert (theirs, len(theirs)) == (ours, 7)
    pseudonyms, names = (
        set(session.scalars(sa.select(column).where(col(Annotator.project_id) == project.id)))
        for project, column in ((cast.project, Annotator.uid), (there, Annotator.name))
    )
    assert names <= pseudonyms
    assert not session.scalar(sa.select(sa.func.count()).select_from(Slot)), "nothing of it is judged again"
    assert tallies.differences(session, there.id or 0) == []
    mine = col(Judgment.project_id) == cast.project.id
    session.execute(sa.delete(Judgment).where(mine, col(Judgment.strength) == 3))
    session.execute(sa.update(Judgment).where(mine).values(retired_at=now()))
    session.commit()
    later = here(exported, f"judgments.{file}")
    assert counts(later) == (8, 0, 5, 3), "those that are gone are no longer called there"
    assert later.files[0].reasons == {OWN_GONE: 3}


JANUARY, FEBRUARY, MARCH = ({"timestamp": f"2026-0{month}-01"} for month in (1, 2, 3))
# By kim on one pair: as it was changed, with an answer to another pair between, the sides turned at last.
CHANGED = [
    comparison(1, winner="a", annotator="kim", **JANUARY),
    comparison(2, winner="tie", annotator="kim", **JANUARY),
    comparison(1, winner="b", annotator="kim", **FEBRUARY),
    comparison(1, winner="tie", annotator="lou", **JANUARY),
    {**comparison(1, winner="b", annotator="kim", **MARCH), "model_a": "wren", "model_b": "heron"}
    | {"response_a": "wren says 1", "response_b": "heron says 1"},
]


ORDERS = {"as they were made": (0, 1, 2, 3, 4), "the other way": (4, 3, 2, 1, 0), "mixed": (2, 4, 1, 0, 3)}


@pytest.mark.parametrize(
    ("order", "way"),
    [
        ("as they were made", "at once"),
        ("the other way", "at once"),
        ("mixed", "in chunks"),
        ("as they were made", "in files"),
    ],
)
def test_a_changed_vote_takes_the_place_of_the_earlier_one(
    importer: Importer, session: Session, monkeypatch: pytest.MonkeyPatch, order: str, way: str
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1 if way == "in chunks" else 9)
    changed = [CHANGED[place] for place in ORDERS[order]]
    files: dict[str, Rows | bytes] = {f"{place}.jsonl": [row] for place, row in enumerate(changed)}
    files = files if way == "in files" else {"file.jsonl": changed}
    for dry in (True, False):
        told = importer.several(files, dry_run=dry)
        assert (counts(told), told.total("replaced")) == ((5, 5, 0, 0), 2)
    again = importer.several(files)
    assert (counts(again), again.total("replaced")) == ((5, 0, 5, 0), 0)
    kim = session.exec(select(Annotator).where(Annotator.name == "kim")).one()
    assert (kim.judged, kim.changes) == (2, 4)
    hers = select(Judgment).where(Judgment.annotator_id == kim.id).order_by(col(Judgment.created_at))
    january, february, march = (one for one in session.exec(hers) if one.outcome != Outcome.TIE)
    assert january.outcome == march.outcome != february.outcome, "heron, then wren, then heron"
    assert (february.supersedes_id, march.supersedes_id) == (january.id, february.id)
    moments = january.retired_at, february.retired_at, march.retired_at
    assert moments == (february.created_at, march.created_at, None)
    sizes = {"judgments": 5, "comparisons": 2, "responses": 4}
    assert table_sizes(session, *sizes) == sizes, "all of them on the pair's own texts"
    _check_counts(session, importer.project)


def _check_counts(session: Session, project: Project) -> None:
    session.rollback()
    assert tallies.differences(session, project.id or 0) == []
    assert divided.differences(session, project.id or 0) == []


def test_a_change_brings_its_own_order_shown_and_its_prompt_a_category(
    importer: Importer, session: Session
) -> None:
    told = {"annotator": "x7Kd", "annotator_kind": "human", "simulated": False, "outcome": "a"}
    said = {side: [{"role": "assistant", "content": side}] for side in ("response_a", "response_b")}
    pair = {"prompt": [{"role": "user", "content": "Hi?"}], "model_a": "heron", "model_b": "wren", **said}
    row = {**pair, **told, "prompt_id": "q1", "first_shown": "a", "created_at": "2026-01-01T00:00:00Z"}
    importer([{**row, "judgment_id": "0", "first_shown": None}])
    importer([{**row, "judgment_id": "1"}])
    _check_counts(session, importer.project)
    importer([{**row, "judgment_id": "2", "first_shown": "b", "created_at": "2026-01-01T00:00:00Z"}])
    _check_counts(session, importer.project)
    report = importer([{**row, "judgment_id": "3", "outcome": "tie", "category": "birds"}])
    assert report.total("replaced") == 1
    _check_counts(session, importer.project)
    assert session.exec(select(Judgment.outcome).where(col(Judgment.retired_at).is_(None))).all() == ["tie"]


def test_votes_of_nobody_named_replace_none(importer: Importer, session: Session) -> None:
    report = importer([comparison(1, winner=winner) for winner in ("a", "b")])
    assert (report.total("replaced"), report.total("unnamed")) == (0, 1)
    assert session.exec(select(Judgment).where(col(Judgment.retired_at).is_not(None))).all() == []
