"""Which judged comparisons become training rows, and which are left out and counted."""

import io
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from flask import Flask
from sqlmodel import Session, select

from app.errors import NotFound
from app.exports import fitness, pairs, parquet, preferences, records, seen, stream, verdicts
from app.exports.forms import ExportSpec, File, Format
from app.imports.items import digest
from app.models import Adjudication, Annotator, Judgment, Outcome, Prompt, Response, Source, now
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge


def export(app: Flask, cast: Cast, **asked: Any) -> tuple[list[dict[str, Any]], Counter[str]]:
    spec = ExportSpec(**asked)
    receipt = stream.Receipt()
    with app.app_context():
        blocks = stream.stream(app.extensions["engine"], cast.project, spec, receipt, by=None)
        try:
            rows = [orjson.loads(line) for line in b"".join(blocks).splitlines()]
        except NotFound:
            rows = []
    assert receipt.rows == len(rows)
    return rows, receipt.excluded


def test_a_majority_becomes_one_row(app: Flask, session: Session, cast: Cast) -> None:
    (comparison,) = queue(session, cast.project)
    for who, outcome in ((cast.ann, "a"), (cast.ben, "a"), (cast.rui, "b")):
        judge(session, cast.project, who, comparison, outcome, strength=2)
    (row,), excluded = export(app, cast)
    assert row["prompt"] == [{"role": "user", "content": "Which bird is number 0?"}]
    assert row["chosen"] == [{"role": "assistant", "content": "Answer 0 to prompt 0."}]
    assert row["rejected"] == [{"role": "assistant", "content": "Answer 1 to prompt 0."}]
    assert (row["votes"], row["agreement"], row["strength"]) == (3, pytest.approx(2 / 3), 2.0)
    assert row["pair_id"] == comparison.pair_id
    assert not excluded


@pytest.mark.parametrize("read_at_once", [1, 2, 3])
def test_a_comparison_is_whole_however_few_rows_are_read_at_once(
    app: Flask, session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch, read_at_once: int
) -> None:
    one, many, unjudged, last = queue(session, cast.project, 4)
    for comparison, people in ((one, "a"), (many, "aab"), (last, "bb")):
        for who, outcome in zip((cast.ann, cast.ben, cast.rui), people, strict=False):
            judge(session, cast.project, who, comparison, outcome)
    judge(session, cast.project, cast.ann, many, "b", retired_at=now())
    for answer in session.exec(select(Response)):
        answer.digest = digest(orjson.dumps(answer.messages))
    session.commit()
    asked = ({}, {"format": "judgments"}, {"format": "arena"}, {"aggregate": "each"})
    whole = [export(app, cast, **spec) for spec in asked]
    monkeypatch.setattr(records, "CHUNK", read_at_once)
    assert [export(app, cast, **spec) for spec in asked] == whole
    assert [len(rows) for rows, _ in whole] == [3, 7, 6, 5]
    assert whole[0][1] == {verdicts.NOT_JUDGED: 1}
    assert unjudged.pair_id not in {row["pair_id"] for rows, _ in whole for row in rows}


def test_long_texts_are_not_held_once_for_each_of_many_judgments(
    app: Flask, session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK", 5)
    (comparison,) = queue(session, cast.project)
    for number, answer in enumerate(session.exec(select(Response)).all()):
        answer.messages = [{"role": "assistant", "content": f"{number} {'x' * 200_000}"}]
    crowd = [Annotator(project_id=cast.project.id, name=f"judge {number}") for number in range(80)]
    session.add_all(crowd)
    session.flush()
    for number, one in enumerate(crowd):
        said = {"annotator_id": one.id, "outcome": Outcome.A, "source": Source.IMPORT}
        where = {"project_id": cast.project.id, "comparison_id": comparison.id}
        session.add(Judgment(submission_id=f"crowd-{number}", **where, **said))
    session.commit()
    tracemalloc.start()
    (row,), _ = export(app, cast)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (row["votes"], row["agreement"]) == (80, 1.0)
    assert most < 15_000_000, "80 times its texts are 32 million characters"
    assert len(export(app, cast, aggregate="each")[0]) == 80


def test_the_implicit_form_carries_the_prompt_on_both_sides(app: Flask, session: Session, cast: Cast) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "b")
    (explicit,), _ = export(app, cast)
    (implicit,), _ = export(app, cast, format="trl-implicit")
    assert "prompt" not in implicit
    assert implicit["chosen"] == explicit["prompt"] + explicit["chosen"]
    assert implicit["rejected"] == explicit["prompt"] + explicit["rejected"]


def test_what_would_poison_training_is_left_out_by_reason(app: Flask, session: Session, cast: Cast) -> None:
    tie, bad, divided, gold, unjudged, same, empty, textless = queue(session, cast.project, 8)
    judge(session, cast.project, cast.ann, tie, "tie")
    judge(session, cast.project, cast.ann, bad, "both_bad")
    judge(session, cast.project, cast.ann, divided, "a")
    judge(session, cast.project, cast.ben, divided, "b")
    gold.gold = Outcome.A
    for comparison, texts in ((same, ["x", "x"]), (empty, ["x", " "]), (textless, [None, None])):
        answers = session.exec(select(Response).where(Response.prompt_id == comparison.prompt_id)).all()
        for answer, text in zip(answers, texts, strict=True):
            answer.messages = text and [{"role": "assistant", "content": text}]
        judge(session, cast.project, cast.ann, comparison, "a")
    judge(session, cast.project, cast.ann, gold, "a")
    session.commit()
    rows, excluded = export(app, cast)
    assert rows == []
    assert excluded == Counter(
        {
            verdicts.TIED: 1,
            verdicts.BOTH_BAD: 1,
            verdicts.DIVIDED: 1,
            preferences.GOLD: 1,
            verdicts.NOT_JUDGED: 1,
            fitness.SAME_TEXT: 1,
            fitness.EMPTY: 1,
            fitness.TEXTLESS: 1,
        }
    )
    assert unjudged.gold is None


@pytest.mark.parametrize("digested", [range(6), range(0), range(3)], ids=["all", "none", "some"])
def test_the_same_texts_are_written_once_and_never_both_ways(
    app: Flask, session: Session, cast: Cast, digested: range
) -> None:
    first, repeat, contrary = queue(session, cast.project, 3)
    prompts = session.exec(select(Prompt).where(Prompt.project_id == cast.project.id)).all()
    answers = session.exec(select(Response).order_by(Response.id)).all()  # type: ignore[arg-type]
    for prompt in prompts:
        prompt.messages = [{"role": "user", "content": "The same question"}]
    for number, answer in enumerate(answers):
        answer.messages = [{"role": "assistant", "content": f"Answer {number % 2}"}]
        answer.digest = digest(orjson.dumps(answer.messages)) if number in digested else None
    for comparison, outcome in ((first, "a"), (repeat, "a"), (contrary, "b")):
        judge(session, cast.project, cast.ann, comparison, outcome)
    rows, excluded = export(app, cast)
    assert [row["pair_id"] for row in rows] == [first.pair_id]
    assert excluded == Counter({seen.DUPLICATE: 1, seen.CONTRADICTS: 1})


def _said(*roles: str, blank: str = "") -> str:
    turns = [{"role": role, "content": f"{role} {place}"} for place, role in enumerate(roles)]
    return f"{orjson.dumps(turns).decode()}{blank}"


QUESTION, ANSWER, MORE = _said("user"), _said("assistant"), _said("assistant", "assistant")
LATER = _said("user", "system", "user")


@pytest.mark.parametrize(
    ("format_", "prompt", "chosen", "reason"),
    [
        (Format.TRL, LATER, MORE, None),
        (Format.NEMO, LATER, MORE, None),
        (Format.OPENAI, _said("system", "user"), ANSWER, None),
        (Format.OPENAI, LATER, MORE, pairs.SYSTEM_LATER),
        (Format.OPENAI, _said("user", "user"), MORE, pairs.ONE_ANSWER),
        (Format.MESSAGES, LATER, ANSWER, None),
        (Format.MESSAGES, QUESTION, MORE, pairs.ONE_ANSWER),
        (Format.LLAMAFACTORY, _said("system", "user", "assistant", "user"), ANSWER, None),
        (Format.LLAMAFACTORY, _said("user", "user"), ANSWER, pairs.TURNS),
        (Format.LLAMAFACTORY, _said("user", "user"), MORE, pairs.ONE_ANSWER),
    ],
)
def test_what_a_format_cannot_say_is_counted_by_its_reason(
    format_: Format, prompt: str, chosen: str, reason: str | None
) -> None:
    excluded = Counter[str]()
    verdict = verdicts.Verdict("a", None, {}, 1.0)
    texts = (prompt, chosen, ANSWER, b"chosen", b"rejected")
    given = (*texts, "p", "1", "heron", "lark", verdict, "", "", "", "train", False)
    kept = pairs.sayable(format_, seen.Preferences._make([value] for value in given), excluded)
    assert (list(kept.rows()), excluded) == (([], Counter({reason: 1})) if reason else ([given], Counter()))


def test_a_text_is_one_plain_turn_only_as_we_store_it() -> None:
    """Blanks that another program left around stored JSON hide no part of a text and break no line."""
    quoted, spaced = ANSWER.replace("0", '\\"1\\"'), ANSWER.replace("}]", " }]")
    found = fitness.fitness([QUESTION] * 3, [ANSWER] * 3, [MORE, quoted, spaced])
    assert found == ([False, True, False], [None, None, None])
    together = pairs.conversation(_said("user", blank=" \n"), f" {ANSWER} ")
    assert [turn["role"] for turn in orjson.loads(together)] == ["user", "assistant"]


def test_a_reviewers_verdict_decides(app: Flask, session: Session, cast: Cast) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "a", criteria={"tone": "a"})
    session.add(Adjudication(comparison_id=comparison.id, account_id=cast.rui.id, outcome=Outcome.B))
    session.commit()
    (row,), _ = export(app, cast)
    assert row["chosen"][0]["content"] == "Answer 1 to prompt 0."
    assert row["adjudicated"] is True
    assert export(app, cast, format="arena", aggregate="adjudicated")[0][0]["adjudicated"] is True
    # Each of these has Ann's verdict, on the whole or on the criterion.
    others: list[dict[str, Any]] = [{"criterion": "tone"}, {"aggregate": "each"}, {"aggregate": "majority"}]
    for asked in (*others, {"aggregate": "weighted"}, {"format": "kto", **others[2]}, {"format": "arena"}):
        rows, _ = export(app, cast, **asked)
        assert [row["adjudicated"] for row in rows] == [False] * len(rows), asked
        assert rows
    (judged,), _ = export(app, cast, format="judgments")
    assert (judged["outcome"], judged["adjudicated"]) == ("a", "b")


def test_a_reviewers_verdict_on_what_nobody_judged_claims_no_agreement(
    app: Flask, session: Session, cast: Cast
) -> None:
    (comparison,) = queue(session, cast.project)
    given = {"account_id": cast.rui.id, "created_at": datetime(2026, 1, 1, 12, tzinfo=UTC)}
    session.add(Adjudication(comparison_id=comparison.id, outcome=Outcome.B, **given))
    session.commit()
    (row,), _ = export(app, cast, margin=True, min_votes=5, min_agreement=1)
    (battle,), _ = export(app, cast, format="arena", aggregate="adjudicated")
    for told in (row, battle):
        assert (told["votes"], told["annotators"], told["agreement"]) == (0, [], 0.0)
        assert datetime.fromisoformat(told["judged_at"]) == given["created_at"]
    assert row["margin"] == 0.0
    assert battle["tstamp"] == given["created_at"].timestamp()
    # Where judgments are filtered, none of it passes.
    assert export(app, cast, kind="human")[1] == Counter({verdicts.NOT_JUDGED: 1})


def test_withdrawn_judgments_count_nowhere_but_in_the_lossless_file(
    app: Flask, session: Session, cast: Cast
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "a", retired_at=now())
    assert export(app, cast)[1] == Counter({verdicts.NOT_JUDGED: 1})
    (row,), _ = export(app, cast, format="judgments")
    assert row["outcome"] == "a"
    assert row["retired_at"] is not None
    reasons = {"min_votes": verdicts.FEW_VOTES, "min_agreement": verdicts.LOW_AGREEMENT}
    for name, reason in reasons.items():
        assert export(app, cast, format="judgments", **{name: 2 if name == "min_votes" else 0.1})[1] == {
            reason: 1
        }


def test_filters_choose_rows(app: Flask, session: Session, cast: Cast) -> None:
    (code,) = queue(session, cast.project, category="code", language="en")
    (prose,) = queue(session, cast.project, category="writing", language="de")
    judge(session, cast.project, cast.ann, code, "a")
    judge(session, cast.project, cast.ann, prose, "a")
    judge(session, cast.project, cast.ben, prose, "b")
    assert [row["category"] for row in export(app, cast, category="code")[0]] == ["code"]
    assert export(app, cast, language=["de"])[1] == Counter({verdicts.DIVIDED: 1})
    assert export(app, cast, min_votes=2)[1] == Counter({verdicts.FEW_VOTES: 1, verdicts.DIVIDED: 1})
    assert export(app, cast, kind="model")[1] == Counter({verdicts.UNPASSED: 2})
    assert export(app, cast, model="lark-9000,moth") == ([], Counter())


def test_types_never_change_within_a_file(app: Flask, session: Session, cast: Cast) -> None:
    for number, comparison in enumerate(queue(session, cast.project, 6)):
        strength = {"strength": 3} if number % 2 else {}
        judge(
            session, cast.project, (cast.ann, cast.ben)[number % 2], comparison, "ab"[number % 2], **strength
        )
    for wanted in (Format.TRL, Format.TRL_IMPLICIT):
        rows, _ = export(app, cast, format=wanted, margin=True)
        kinds = [{name: type(value) for name, value in row.items()} for row in rows]
        assert len(rows) == 6
        assert all(kind == kinds[0] for kind in kinds)
        assert type(None) not in kinds[0].values()
        assert isinstance(rows[0]["margin"], float)


def test_a_prompt_is_in_one_split_and_stays_there(app: Flask, session: Session, cast: Cast) -> None:
    models = ("heron", "lark", "wren")
    for comparison in queue(session, cast.project, 40, models=models):
        judge(session, cast.project, cast.ann, comparison, "a")
    before = {row["prompt_id"]: row["split"] for row in export(app, cast, held_out=0.3)[0]}
    for comparison in queue(session, cast.project, 40, models=models):
        judge(session, cast.project, cast.ann, comparison, "a")
    rows, _ = export(app, cast, held_out=0.3)
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["prompt_id"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert all(splits[prompt] == {split} for prompt, split in before.items())
    share = sum(found == {"test"} for found in splits.values()) / len(splits)
    assert 0.1 < share < 0.5
    assert {row["split"] for row in export(app, cast, held_out=0)[0]} == {"train"}


def test_every_column_of_a_row_has_a_parquet_type(app: Flask, session: Session, cast: Cast) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "a")
    for wanted in Format:
        (row, *_), _ = export(app, cast, format=wanted)
        assert list(row) == parquet.schema(ExportSpec(format=wanted)).names


def test_long_rows_come_in_small_row_groups(app: Flask, session: Session, cast: Cast) -> None:
    for comparison in queue(session, cast.project, 50):
        for response in session.exec(select(Response).where(Response.prompt_id == comparison.prompt_id)):
            response.messages = [{"role": "assistant", "content": f"{response.id}" * 40_000}]
        judge(session, cast.project, cast.ann, comparison, "a")
    for wanted in (Format.TRL, Format.KTO):
        spec = ExportSpec(file=File.PARQUET, format=wanted)
        blocks = stream.stream(app.extensions["engine"], cast.project, spec, stream.Receipt(), by=None)
        with app.app_context():
            written = pq.ParquetFile(io.BytesIO(b"".join(blocks))).metadata
        groups = [written.row_group(number) for number in range(written.num_row_groups)]
        assert sum(group.num_rows for group in groups) in (50, 100)
        assert max(group.total_byte_size for group in groups) < 2 * parquet.ROW_GROUP_BYTES
        assert len(groups) > 1
