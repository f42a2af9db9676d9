"""Importing: what is added, that a repeat adds nothing, and what is refused."""

import gc
import gzip
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session, col, select

from app import divided, tallies
from app.errors import Invalid
from app.imports import importing
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.imports.items import Answer
from app.jobs import StoppedError
from app.models import (
    Annotator,
    AuditEvent,
    Batch,
    Comparison,
    Judgment,
    Model,
    Outcome,
    Project,
    Prompt,
    Response,
    Slot,
    Tally,
)
from tests.conftest import Cast
from tests.imports.arrange import VOTES, Importer, comparison, counts, json_lines, response, table_sizes, vote

EVERYTHING = ("models", "prompts", "responses", "comparisons", "slots", "annotators", "judgments", "tallies")

# In the transaction under way, by whatever plan, those that foreign keys look at included.
LOOKED_AT = """
    SELECT sum(seq_tup_read + idx_tup_fetch), pg_stat_force_next_flush() FROM pg_stat_xact_user_tables
    WHERE relname IN ('prompts', 'comparisons')
"""

# Prompts, outcomes and annotators.

HI = {"role": "user", "content": "Hi"}


def conversation(text: str) -> list[dict[str, str]]:
    return [HI, {"role": "assistant", "content": text}]


ALPACA = {
    "instruction": "Hi",
    "output_1": "Hello",
    "generator_1": "heron",
    "output_2": "Yes?",
    "generator_2": "wren",
}
ARENA = {
    "model_a": "heron",
    "model_b": "wren",
    "winner": "model_a",
    "conversation_a": conversation("Hello"),
    "conversation_b": conversation("Yes?"),
}

FILES: dict[str, list[dict[str, Any]]] = {
    "responses": [response(number, model) for number in range(3) for model in ("heron", "wren")],
    "wide": [
        {"prompt": f"Question {n}?", "responses": {"heron": f"h{n}", "wren": f"w{n}"}} for n in range(3)
    ],
    "comparisons": [comparison(1), comparison(2, gold="b"), comparison(3, winner="tie", annotator="kim")],
    "votes": VOTES,
    "alpaca outputs": [{"instruction": f"Q{n}", "output": "x", "generator": "heron"} for n in range(3)],
    "alpaca annotations": [{**ALPACA, "preference": 1.2, "annotator": "judge"}],
    "arena hard questions": [{"uid": "q1", "prompt": "Hi", "category": "hard", "cluster": "Greetings"}],
    "arena hard answers": [{"uid": "q1", "model": "heron", "messages": conversation("Hello")}],
    "lmarena": [{**ARENA, "id": "1"}, {**ARENA, "id": "2", "conversation_a": conversation("Another")}],
    "preferences": [{"prompt": "Hi", "chosen": "Hello", "rejected": "Yes?"}],
}


@pytest.mark.parametrize("name", FILES)
def test_the_same_file_twice_adds_nothing(name: str, importer: Importer, session: Session) -> None:
    rows = FILES[name]
    first = importer(rows)
    assert counts(first) == (len(rows), len(rows), 0, 0)
    after_first = table_sizes(session, *EVERYTHING)
    revision = session.exec(select(Project.revision)).one()
    second = importer(rows, name="renamed.jsonl")
    assert counts(second) == (len(rows), 0, len(rows), 0)
    assert table_sizes(session, *EVERYTHING) == after_first
    assert session.exec(select(Project.revision)).one() == revision
    assert tallies.differences(session, session.exec(select(Project.id)).one() or 0) == []


@pytest.mark.parametrize("name", FILES)
def test_a_dry_run_counts_the_same_and_writes_nothing(
    name: str, importer: Importer, session: Session
) -> None:
    before = table_sizes(session, *EVERYTHING, "audit_events")
    tried = importer(FILES[name], dry_run=True)
    assert table_sizes(session, *EVERYTHING, "audit_events") == before
    done = importer(FILES[name])
    assert counts(tried) == counts(done)
    kinds = ("prompts", "models", "responses", "comparisons", "judgments")
    assert [tried.files[0].new.get(kind, 0) for kind in kinds] == [
        done.files[0].new.get(kind, 0) for kind in kinds
    ]


def test_chunks_make_no_difference(
    importer: Importer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    tried = importer(FILES["votes"] + FILES["votes"], dry_run=True)
    done = importer(FILES["votes"] + FILES["votes"])
    assert counts(tried) == counts(done) == (10, 10, 0, 0)
    assert tried.files[0].new["judgments"] == done.files[0].new["judgments"] == 10
    assert not {"prompts", "responses"} & {*tried.files[0].new, *done.files[0].new}, "votes bring no texts"
    assert counts(importer(FILES["votes"])) == (5, 0, 5, 0)
    assert counts(importer(FILES["responses"])) == (6, 6, 0, 0)
    for kept in (tallies, divided):
        assert kept.differences(session, session.exec(select(Project.id)).one() or 0) == []


def test_a_chunk_does_not_look_at_what_others_brought(
    app: Flask, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = app.extensions["engine"]
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite tells nobody how many rows it looks at")
    monkeypatch.setattr(importing, "CHUNK_ROWS", 50)
    looked_at = [0]

    @sa.event.listens_for(engine, "commit")
    def count(connection: sa.Connection) -> None:
        looked_at.append(connection.exec_driver_sql(LOOKED_AT).scalar_one())

    rows = [comparison(number) for number in range(300)]
    importer(rows)
    importer(rows)
    assert 0 < max(looked_at) < 200


def test_a_response_is_stored_as_messages(importer: Importer, session: Session) -> None:
    importer(
        [{**response(1, "heron"), "category": "birds", "language": "en", "tags": ["t"], "metadata": {"n": 1}}]
    )
    prompt = session.exec(select(Prompt)).one()
    assert prompt.messages == [{"role": "user", "content": "Question 1?"}]
    assert (prompt.category, prompt.language, prompt.tags, prompt.meta) == ("birds", "en", ["t"], {"n": 1})
    assert session.exec(select(Response)).one().messages == [
        {"role": "assistant", "content": "heron answers 1"}
    ]


@pytest.mark.parametrize("chunk", [1, 9], ids=["across chunks", "in one chunk"])
def test_a_prompt_keeps_what_it_has_and_gets_what_it_misses(
    chunk: int, importer: Importer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", chunk)
    first, later = {**response(1, "heron"), "tags": ["harm"], "category": "birds"}, response(1, "wren")
    importer([first, {**later, "language": "en"}])
    [file] = importer([{**later, "tags": ["other"], "metadata": {"n": 1}}, first]).files
    assert (file.added, file.already_there, file.differing) == (1, 1, 1), "what differs is not hidden"
    prompt = session.exec(select(Prompt)).one()
    assert (prompt.tags, prompt.meta) == (["harm"], {"n": 1})
    assert (prompt.category, prompt.language) == ("birds", "en")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"model": "he\nron"}, "model has characters that cannot be in it: 'he\\nron'"),
        ({"model": "heron\u202ewren"}, "model has characters that cannot be in it: 'heron\\u202ewren'"),
        ({"language": "../../etc"}, "language has characters that cannot be in it: '../../etc'"),
        ({"language": "no such language!!"}, "language has characters that cannot be in it"),
        ({"response": {"a": 1}}, "must be text or a list of messages"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(importer: Importer, given: dict[str, Any], reason: str) -> None:
    good = {**response(1, "heron 2 (測試)"), "language": "Chinese (Simplified)"}
    report = importer([good, {**response(2, "heron"), **given}])
    assert counts(report) == (2, 1, 0, 1)
    assert reason in report.refused_rows[0]["reason"]


def test_another_text_for_the_same_response_is_refused(importer: Importer, session: Session) -> None:
    importer([response(1, "heron")])
    report = importer([response(1, "heron", "something else"), response(1, "wren")])
    assert counts(report) == (2, 1, 0, 1)
    assert report.refused_rows[0]["line"] == 1
    assert report.refused_rows[0]["reason"] == "heron already has another response to this prompt"
    assert "something else" not in str(session.exec(select(Response.messages)).all())


def test_another_text_for_the_same_prompt_id_is_refused(importer: Importer) -> None:
    importer([{**response(1, "heron"), "prompt_id": "q1"}])
    report = importer([{**response(2, "heron"), "prompt_id": "q1"}])
    assert report.refused_rows[0]["reason"] == "prompt q1 is already there with another text"


def test_samples_of_one_model_stand_side_by_side(importer: Importer, session: Session) -> None:
    report = importer([response(1, "heron"), {**response(1, "heron", "again"), "sample": 1}])
    assert counts(report) == (2, 2, 0, 0)
    assert session.exec(select(Response.sample).order_by(col(Response.sample))).all() == [0, 1]


def test_comparisons_are_queued_in_the_files_order_and_gold_is_not(
    importer: Importer, session: Session, cast: Cast
) -> None:
    report = importer([comparison(3), comparison(1), comparison(2, gold="a")])
    assert report.files[0].new["queued"] == 2
    places = session.exec(select(Slot).order_by(col(Slot.position))).all()
    asked = [
        session.get_one(Prompt, session.get_one(Comparison, slot.comparison_id).prompt_id) for slot in places
    ]
    assert [prompt.messages[0]["content"] for prompt in asked if prompt.messages] == [
        "Question 3?",
        "Question 1?",
    ]
    assert {slot.wanted for slot in places} == {cast.project.wanted}
    assert session.exec(select(Comparison.gold).where(col(Comparison.gold).is_not(None))).all() == [Outcome.A]


def test_a_comparison_turned_round_is_the_same_one(importer: Importer) -> None:
    importer([comparison(1)])
    assert counts(importer([comparison(1, a="wren", b="heron")])) == (1, 0, 1, 0)


def test_gold_given_later_takes_a_comparison_off_the_queue(importer: Importer, session: Session) -> None:
    importer([comparison(1)])
    report = importer([comparison(1, a="wren", b="heron", gold="a")])
    assert counts(report) == (1, 1, 0, 0)
    assert session.exec(select(Comparison.gold)).one() == Outcome.B, "in the stored order"
    assert table_sizes(session, "slots") == {"slots": 0}
    refused = importer([comparison(1, gold="tie")]).refused_rows[0]
    assert refused["reason"] == "the gold verdict of this comparison is already b"


def test_gold_that_comes_with_a_verdict_later_is_gold_too(importer: Importer, session: Session) -> None:
    importer([comparison(1)])
    importer([comparison(1, a="wren", b="heron", gold="a", winner="a", annotator="kim")])
    assert session.exec(select(Comparison.gold)).one() == Outcome.B, "in the stored order"
    assert session.exec(select(Slot)).all() == []
    assert not session.scalar(sa.text("SELECT count(*) FROM tallies")), "no ranking counts it"
    importer([comparison(2, winner="tie", annotator="kim")])
    refused = importer([comparison(2, gold="a", winner="a", annotator="lee")]).refused_rows[0]
    assert "has been judged already" in refused["reason"]
    assert table_sizes(session, "judgments", "annotators") == {"judgments": 2, "annotators": 1}


def test_a_judged_comparison_cannot_become_gold(importer: Importer) -> None:
    importer([comparison(1, winner="a")])
    assert "has been judged already" in importer([comparison(1, gold="a")]).refused_rows[0]["reason"]


def test_two_responses_of_one_model(importer: Importer, session: Session) -> None:
    row = {**comparison(1), "model_b": "heron", "winner": "b"}
    assert counts(importer([row, row])) == (2, 1, 0, 1), "the same annotator cannot judge a pair twice"
    assert session.exec(select(Response.sample).order_by(col(Response.sample))).all() == [0, 1]
    assert session.exec(select(Tally)).all() == [], "a model is not ranked against itself"


def test_an_import_that_is_cut_off_has_counted_and_recorded_what_it_wrote(
    importer: Importer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = ("q1", "q2")
    importer([vote("model_a", prompt_id=prompt, annotator="kim") for prompt in prompts])
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1)
    monkeypatch.setattr(importing, "_finish", cut_off)
    rows = [{**response(1, "heron"), "prompt_id": prompt, "category": "birds"} for prompt in prompts]
    with pytest.raises(CutOffError):
        importer(rows)
    assert tallies.differences(session, session.exec(select(Project.id)).one() or 0) == []
    assert session.exec(select(sa.func.sum(Tally.n)).where(Tally.slice_value == "birds")).one() == 2
    written = select(AuditEvent).where(AuditEvent.verb == "import.rows").order_by(col(AuditEvent.id))
    assert [(event.detail or {})["added"] for event in session.exec(written)] == [2, 1, 1]


class CutOffError(Exception):
    """The process ends here."""


def cut_off(*_arguments: object) -> None:
    raise CutOffError


def test_arena_hard_answers_may_come_before_their_questions(importer: Importer, session: Session) -> None:
    answers = [{"question_id": "q1", "model_id": "heron", "choices": [{"turns": [{"content": "Hello"}]}]}]
    questions = [
        {"question_id": "q1", "category": "hard", "cluster": "Greetings", "turns": [{"content": "Hi"}]}
    ]
    report = importer.several({"heron.jsonl": answers, "question.jsonl": questions})
    assert [file.shape for file in report.files] == ["arena-hard-answers", "arena-hard-questions"]
    prompt = session.exec(select(Prompt)).one()
    assert (prompt.key, prompt.messages, prompt.category, prompt.tags) == ("q1", [HI], "hard", ["Greetings"])


def test_a_judge_model_is_an_annotator_of_its_own_kind(importer: Importer, session: Session) -> None:
    importer([{**ALPACA, "preference": 1.2, "annotator": "judge"}])
    turned = {
        **ALPACA,
        "output_1": "Yes?",
        "generator_1": "wren",
        "output_2": "Hello",
        "generator_2": "heron",
    }
    importer([{**turned, "preference": 1.2, "annotator": "another judge"}])
    judges = session.exec(select(Annotator).order_by(col(Annotator.id))).all()
    assert [(judge.name, judge.kind) for judge in judges] == [("judge", "model"), ("another judge", "model")]
    first, second = session.exec(select(Judgment).order_by(col(Judgment.id))).all()
    assert (first.outcome, first.preference) == (Outcome.A, pytest.approx(0.8))
    assert (second.outcome, second.preference) == (Outcome.B, pytest.approx(0.2)), "in the stored order"
    assert first.comparison_id == second.comparison_id


def test_arena_rows_keep_every_text_a_model_gave(importer: Importer, session: Session) -> None:
    importer(FILES["lmarena"])
    heron = session.exec(select(Response).join(Model).where(Model.name == "heron")).all()
    assert sorted(response.sample for response in heron) == [0, 1]


def test_refused_rows_are_given_back_and_the_others_taken(importer: Importer, session: Session) -> None:
    good = b'{"prompt": "Hi", "model": "heron", "response": "Hello"}'
    content = good + b'\nnot json\n\n{"prompt": "Hi", "model": "wren"}\n'
    report = importer(content)
    assert counts(report) == (3, 1, 0, 2)
    assert [(row["line"], row["file"]) for row in report.refused_rows] == [
        (2, "file.jsonl"),
        (4, "file.jsonl"),
    ]
    assert report.refused_rows[0]["content"] == "not json"
    assert report.refused_rows[1]["reason"] == "response is missing"
    assert table_sizes(session, "responses") == {"responses": 1}


def test_reports_stay_small_however_many_rows_are_refused(importer: Importer) -> None:
    first = [{"prompt": "Hi", "model": "heron", "response": "Hello"}]
    report = importer(first + [{"prompt": "Hi", "model": f"heron {n}"} for n in range(500)])
    assert counts(report) == (501, 1, 0, 500)
    assert len(report.refused_rows) == 100
    assert report.files[0].reasons == {"response is missing": 500}


def test_a_damaged_file_stops_the_import_before_anything_is_written(
    importer: Importer, session: Session
) -> None:
    good = [response(number, "heron") for number in range(50)]
    damaged = gzip.compress(b'{"prompt": "Hi", "model": "heron", "response": "Hello"}\n' * 1000)[:-10]
    with pytest.raises(Invalid, match="nothing of it was added"):
        importer.several({"good.jsonl": good, "damaged.jsonl.gz": damaged})
    assert table_sizes(session, *EVERYTHING, "audit_events") == dict.fromkeys(
        (*EVERYTHING, "audit_events"), 0
    )


def test_an_import_that_is_stopped_holds_no_texts(
    app: Flask, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int) -> None:
        raise StoppedError

    path = tmp_path / "file.jsonl"
    path.write_bytes(json_lines([response(1, "heron", "Held."), response(1, "wren")]))
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1)
    engine, files = app.extensions["engine"], [File(path, path.name)]
    with pytest.raises(StoppedError):
        import_files(engine, cast.project, files, ImportIn(), by=None, max_row_mb=1, progress=stop)
    held = [one for one in gc.get_objects() if isinstance(one, Answer) and b"Held." in (one.messages or b"")]
    assert held == []


def test_a_shape_that_is_asked_for_is_taken_at_its_word(importer: Importer) -> None:
    report = importer([{**response(1, "heron"), "chosen": "x", "rejected": "y"}], **{"as": "responses"})
    assert (report.files[0].shape, counts(report)) == ("responses", (1, 1, 0, 0))


def test_an_import_leaves_an_event_and_its_batch(importer: Importer, session: Session, cast: Cast) -> None:
    importer([response(1, "heron"), {}], batch="first week")
    events = session.exec(select(AuditEvent).order_by(col(AuditEvent.id))).all()
    assert [event.verb for event in events] == ["batch.add", "import.rows", "import"]
    assert {event.project_id for event in events} == {cast.project.id}
    event = events[-1]
    assert event.detail is not None
    assert (event.detail["added"], event.detail["refused"], event.detail["batch"]) == (1, 1, "first week")
    batch = session.exec(select(Batch)).one()
    assert batch.name == "first week"
    assert session.exec(select(Prompt.batch_id)).one() == batch.id


def test_projects_do_not_see_each_others_rows(importer: Importer, session: Session) -> None:
    importer(FILES["votes"])
    other = Project(slug="other", name="Other")
    session.add(other)
    session.commit()
    importer.project = other
    assert counts(importer(FILES["votes"])) == (5, 5, 0, 0)


def test_what_comes_back_through_the_orm_is_whole(importer: Importer, session: Session, app: Flask) -> None:
    importer([vote("tie", annotator="kim", timestamp="2024-03-01T12:00:00+02:00")])
    judgment = session.exec(select(Judgment)).one()
    assert judgment.created_at.isoformat() == "2024-03-01T10:00:00+00:00"
    assert judgment.swapped is None
    again = Judgment(**{**judgment.model_dump(exclude={"id"}), "submission_id": "x"})
    session.add(again)
    with pytest.raises(sa.exc.IntegrityError):
        session.commit()


@pytest.mark.parametrize("empty", ["", " \n", [{"role": "assistant", "content": ""}]])
def test_an_empty_response_is_told_and_waits_for_a_text(
    importer: Importer, session: Session, empty: Any
) -> None:
    rows = [response(1, "heron") | {"response": empty}, response(1, "wren")]
    report = importer(rows)
    assert (report.total("added"), report.total("empty"), report.total("refused")) == (2, 1, 0)
    texts = {row.model_id: row.messages for row in session.exec(select(Response))}
    assert list(texts.values()).count(None) == 1, (
        "as if it had come without a text: neither queued nor exported"
    )
    assert importer(rows).total("added") == 0
    assert importer([response(1, "heron")]).total("added") == 1
