"""The export page tells what the filters leave, of the whole project or of a sample of it."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app import tallies
from app.exports import preview, stream
from app.exports.forms import ExportSpec, Format
from app.exports.preview import Preview
from app.leaderboard import bias
from app.models import Account, AnnotatorKind, Outcome, Response, now
from tests.annotation.arrange import annotator_of, queue
from tests.conftest import Cast, plain
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
PAGE = "/p/birds/export"


def previewed(app: Flask, cast: Cast, **asked: Any) -> Preview:
    return preview.of(app.extensions["engine"], cast.project, ExportSpec(**asked))


def written(app: Flask, cast: Cast, **asked: Any) -> list[str]:
    with app.app_context():
        blocks = stream.stream(
            app.extensions["engine"], cast.project, ExportSpec(**asked), stream.Receipt(), by=None
        )
        return b"".join(blocks).decode().splitlines(keepends=True)


def lengthen(session: Session, prompt_id: int, model_id: int, characters: int) -> None:
    response = session.exec(
        select(Response).where(Response.prompt_id == prompt_id, Response.model_id == model_id)
    ).one()
    response.messages = [{"role": "assistant", "content": "x" * characters}]
    session.commit()


def test_it_counts_what_the_preferences_have_in_common(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    code = queue(session, cast.project, 3, category="code")
    (prose,) = queue(session, cast.project, category="prose")
    for comparison in (*code, prose):
        lengthen(session, comparison.prompt_id, comparison.model_a_id, 100)
        judge(session, cast.project, cast.ann, comparison, "a" if comparison is not code[0] else "b")
    judge(session, cast.project, cast.ben, prose, "a")
    found = previewed(app, cast)
    assert (found.rows, found.preferences) == (4, 4)
    assert found.longer is not None
    assert (found.longer.some, found.longer.many) == (3, 4)
    assert found.longer.lower < 0.75 < found.longer.upper
    assert (found.agreement, found.agreement_of) == (1.0, 1)
    assert found.categories == [("code", 3), ("prose", 1)]
    assert sum(count for _, count in found.splits) == 4
    page = client_of(cast.rosa).get(PAGE).text
    assert re.search(r"<dd>75%</dd>.*?95% interval 30% to 95%, of 4<", page, re.DOTALL)
    assert found.models == [("heron-9000", 3, 1), ("lark-9000", 1, 3)]


def test_it_tells_who_judged_and_how_they_agree(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    code = queue(session, cast.project, 12, category="code")
    prose, (known,) = queue(session, cast.project, 12, category="prose"), queue(session, cast.project)
    known.gold = Outcome.A
    for place, comparison in enumerate((*code, *prose, known)):
        # The left is chosen, whatever is there; half of the pairs are divided.
        swapped = bool(place % 2)
        judge(
            session,
            cast.project,
            cast.ann,
            comparison,
            "b" if swapped else "a",
            swapped=swapped,
            commit=False,
        )
        judge(session, cast.project, cast.ben, comparison, "a", commit=False)
    judge(session, cast.project, cast.rui, code[0], "a", commit=False)
    annotator_of(session, cast.project, cast.rui).kind = AnnotatorKind.MODEL
    session.commit()
    found = previewed(app, cast).judged
    raw, alpha, _ = found.coefficients
    assert (found.comparisons, found.several, found.judgments) == (24, 24, 49), "gold is told apart"
    assert (found.annotators, found.largest, found.by) == (3, 24, {"people": 48, "models": 1})
    assert (raw.name, raw.found.value, alpha.name) == ("Raw agreement", 0.5, "Krippendorff’s alpha")
    assert raw.found.lower is not None
    assert found.gold is not None
    assert (found.gold.some, found.gold.many) == (2, 2)
    assert (found.position.left, found.position.right) == (24, 0)
    # Rows that are written agree by what was left out; the judgments that they come from do not.
    strict = previewed(app, cast, min_agreement=1)
    assert (strict.agreement, strict.judged.coefficients[0].found.value) == (1, 0.5)
    of_code = previewed(app, cast, category=["code"], kind="human").judged
    assert (of_code.judgments, of_code.annotators, of_code.by) == (24, 2, {"people": 24})
    of_gold = previewed(app, cast, gold="only").judged
    assert (of_gold.judgments, of_gold.comparisons, of_gold.gold) == (2, 1, found.gold)
    assert of_gold.coefficients[0].found.value == 1
    assert previewed(app, cast, gold="in").judged.judgments == 51
    assert previewed(app, cast, format=Format.JUDGMENTS, gold="out").judged.judgments == 49
    page = plain(client_of(cast.rosa).get(PAGE).text)
    assert "For Excel take Excel: it may read the letters of a CSV wrong." in page
    assert "Krippendorff’s alpha" in page
    assert "48 by people, 1 by judge models, 0 simulated" in page
    assert "49% of the judgments are from one of them" in page
    assert "Agreement leaves out 1 judgment of judge models, simulated ones too." in page
    annotator_of(session, cast.project, cast.rui).simulated = True
    annotator_of(session, cast.project, cast.ben).simulated = True
    session.commit()
    page = plain(client_of(cast.rosa).get(PAGE).text)
    assert "24 by people, 0 by judge models, 25 simulated (24 as people, 1 as judge models)" in page
    assert "Agreement leaves out 1 judgment of judge models" in page
    told = client_of(cast.rosa).get("/p/birds/snapshots/new?category=code").text
    assert "Krippendorff’s alpha" in told, "before it is frozen, too"


@pytest.mark.parametrize("wanted", list(Format))
def test_rows_from_all_over_are_those_of_the_file(
    app: Flask, session: Session, cast: Cast, wanted: Format
) -> None:
    for comparison in queue(session, cast.project, 5):
        judge(session, cast.project, cast.ann, comparison, "a")
    found = previewed(app, cast, format=wanted)
    lines = written(app, cast, format=wanted)
    assert found.rows == len(lines)
    assert [row.text for row in found.shown] == [lines[0], lines[(len(lines) - 1) // 2], lines[-1]]
    assert orjson.loads(found.shown[0].laid_out) == orjson.loads(lines[0])
    assert "\n  " in found.shown[0].laid_out


def test_rows_of_a_long_file_are_from_its_beginning_middle_and_end(
    app: Flask, session: Session, cast: Cast
) -> None:
    for comparison in queue(session, cast.project, 50):
        judge(session, cast.project, cast.ann, comparison, "a", commit=False)
    session.commit()
    lines = written(app, cast)
    first, middle, last = (lines.index(row.text) for row in previewed(app, cast).shown)
    assert first == 0
    assert 15 < middle < 35
    assert last > 40


def test_figures_are_of_what_the_format_writes(app: Flask, session: Session, cast: Cast) -> None:
    agreed, divided, tie = queue(session, cast.project, 3)
    for comparison in (agreed, divided):
        lengthen(session, comparison.prompt_id, comparison.model_a_id, 100)
    for who, outcomes in ((cast.ann, ("a", "a", "tie")), (cast.ben, ("a", "b", "tie"))):
        for comparison, outcome in zip((agreed, divided, tie), outcomes, strict=True):
            judge(session, cast.project, who, comparison, outcome)
    arena = previewed(app, cast, format="arena")
    assert (arena.rows, arena.preferences) == (6, 4)
    assert arena.longer is not None
    assert (arena.longer.some, arena.longer.many) == (3, 4)
    assert arena.agreement is None, "a row of one vote agrees with itself"
    assert arena.models == [("heron-9000", 3, 1), ("lark-9000", 1, 3)]
    by_majority = previewed(app, cast, format="arena", aggregate="majority")
    assert (by_majority.rows, by_majority.preferences, by_majority.agreement) == (2, 1, 1.0)
    judgments = previewed(app, cast, format="judgments")
    assert (judgments.rows, judgments.preferences) == (6, 0)
    assert (judgments.longer, judgments.agreement, judgments.splits) == (None, None, [])


@pytest.mark.parametrize("wanted", ["trl", "arena"])
def test_more_judgments_of_the_same_comparisons_tell_no_more_of_length(
    app: Flask, session: Session, cast: Cast, wanted: str
) -> None:
    for number, comparison in enumerate(queue(session, cast.project, 8)):
        lengthen(session, comparison.prompt_id, comparison.model_a_id, 100)
        for who in (cast.ann, cast.ben, cast.rui):
            judge(session, cast.project, who, comparison, "a" if number < 6 else "b", commit=False)
    session.commit()
    majority, each = (
        previewed(app, cast, format=wanted, aggregate=rule).longer for rule in ("majority", "each")
    )
    assert majority is not None
    assert each is not None
    assert (majority.some, majority.many, each.some, each.many) == (6, 8, 18, 24)
    assert (each.lower, each.upper) == pytest.approx((majority.lower, majority.upper))


def test_what_a_format_cannot_say_is_in_no_figure(app: Flask, session: Session, cast: Cast) -> None:
    for comparison in queue(session, cast.project, 2):
        judge(session, cast.project, cast.ann, comparison, "a")
    response = session.exec(select(Response).where(Response.prompt_id == comparison.prompt_id)).first()
    assert response is not None
    response.messages = [*response.messages, *response.messages]
    session.commit()
    assert previewed(app, cast).preferences == 2
    strict = previewed(app, cast, format="openai")
    assert (strict.rows, strict.preferences) == (1, 1)


def test_it_counts_what_only_reliability_decides(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    divided, outweighed, agreed = queue(session, cast.project, 3)
    votes = {"a": (divided, outweighed, agreed), "b": (divided, outweighed)}
    ids = [annotator_of(session, cast.project, who).id for who in (cast.ann, cast.ben, cast.rui)]
    for who, outcome in ((cast.ann, "a"), (cast.ben, "b")):
        for comparison in votes[outcome]:
            judge(session, cast.project, who, comparison, outcome)
    judge(session, cast.project, cast.rui, outweighed, "b")
    told = SimpleNamespace(annotators=np.array(ids), reliability=np.array([3.0, 1.0, 1.0]))
    monkeypatch.setattr(bias, "weighted", lambda *_: told)
    for wanted in ("trl", "kto", "arena"):
        found = previewed(app, cast, aggregate="weighted", format=wanted)
        assert (found.preferences, found.weighed) == (3, 1)
    page = client_of(cast.rosa).get(f"{PAGE}?aggregate=weighted").text
    assert re.search(r"Decided by reliability</dt><dd>1</dd>", page)
    assert "Decided by reliability" not in client_of(cast.rosa).get(PAGE).text


def test_a_table_is_shown_as_one(app: Flask, session: Session, cast: Cast) -> None:
    for comparison in queue(session, cast.project, 2):
        judge(session, cast.project, cast.ann, comparison, "a")
    (shown,) = previewed(app, cast, format="judgments", file="csv").shown
    assert shown.text == "".join(written(app, cast, format="judgments", file="csv"))


def test_a_long_row_is_cut_and_says_so(app: Flask, session: Session, cast: Cast) -> None:
    (comparison,) = queue(session, cast.project)
    lengthen(session, comparison.prompt_id, comparison.model_a_id, 100_000)
    judge(session, cast.project, cast.ann, comparison, "a")
    (shown,) = previewed(app, cast).shown
    assert len(shown.text) == preview.SHOWN_TEXT
    assert shown.laid_out.count("…") == 1
    assert '"agreement": 1.0' in shown.laid_out, "the rest of the row is there"


def test_a_large_project_is_read_in_part(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_READ", 64)
    for number, comparison in enumerate(queue(session, cast.project, 200)):
        judge(session, cast.project, cast.ann, comparison, "a" if number % 2 else "tie", commit=False)
    session.commit()
    found = previewed(app, cast)
    assert 64 <= found.sample.read < 80
    assert found.sample.comparisons == 200
    assert found.rows + dict(found.excluded)["judged a tie"] == found.sample.read
    assert 70 <= found.sample.scaled(found.rows) <= 130
    first, last = found.sample.runs[0].begin, found.sample.runs[-1].end
    assert last - first > 150, "the sample is from all over"
    page = client_of(cast.rosa).get(PAGE).text
    assert re.search(r"estimates from \d+ of them", page)
    assert "Rows, about" in page
    for told in (page, client_of(cast.rosa).get("/p/birds/snapshots/new").text):
        assert f"Of {found.sample.read} comparisons read" in told


def test_a_sample_reads_a_prompt_whole_and_no_comparison_twice(
    app: Flask, session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_READ", 64)
    for comparison in queue(session, cast.project, 30, models=("a", "b", "c", "d")):
        judge(session, cast.project, cast.ann, comparison, "a", commit=False)
    session.commit()
    found = previewed(app, cast)
    assert found.rows == found.sample.read
    assert found.rows % 6 == 0


def test_nothing_left_says_why_and_what_is_wrong_is_named(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "tie")
    client = client_of(cast.rosa)
    page = client.get(PAGE).text
    assert "No rows" in page
    assert '<a id="rows-left" href="#preview">0 rows</a>' in page
    assert "judged a tie" in page
    beside = "format=llamafactory&part=dataset_info"
    page = client.get(f"{PAGE}?{beside}").text
    assert '<a id="rows-left" href="#preview">0 rows</a>' in page
    assert "sharegpt" not in page, "nor is a file told of that cannot be had"
    files = [client.get(f"{PAGE}/download?{asked}") for asked in ("format=llamafactory", beside)]
    assert {(file.status_code, "Left out: 1 comparison (judged a tie)." in file.text) for file in files} == {
        (404, True)
    }
    refused = client.get(f"{PAGE}?min_agreement=7&category=none-such", headers={"HX-Request": "true"})
    assert refused.status_code == 200
    assert "Least agreement" in refused.text
    assert "<dl" not in refused.text, "no figures of what was not asked for"
    assert '<a id="rows-left" href="#preview" hx-swap-oob="true">Some values do not fit</a>' in refused.text
    unknown = client.get(f"{PAGE}?model=moth&salt=mine").text
    assert "There is no model moth in this project." in unknown
    assert 'value="mine"' in unknown, "what was typed stays"


def test_chips_are_in_the_order_one_reads_them(session: Session, cast: Cast, client_of: ClientOf) -> None:
    names = ("0", "2", "10", "b1", "b2²", "b10")
    for name in reversed(names):
        (comparison,) = queue(session, cast.project, category=name, models=(f"m{name}", "m5"))
        judge(session, cast.project, cast.ann, comparison, "a")
    tallies.rebuild(session, cast.project.id or 0)
    session.commit()
    page = client_of(cast.rosa).get(PAGE).text
    assert tuple(re.findall('name="category" value="(.+?)"', page)) == names
    assert re.findall('name="model" value="(m[0-9]+)"', page) == ["m0", "m2", "m5", "m10"]


def test_what_was_withdrawn_is_told_where_it_is_a_row(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    kept, withdrawn = queue(session, cast.project, 2)
    judge(session, cast.project, cast.ann, kept, "a")
    judge(session, cast.project, cast.ann, withdrawn, "a", retired_at=now())
    client = client_of(cast.rosa)
    every = client.get(f"{PAGE}?format=judgments").text
    assert "1 judgment of 2 comparisons in this project. 1 more was withdrawn" in every
    assert re.search("<dt>Rows</dt><dd>2</dd>", every)
    assert "withdrawn: this" not in client.get(PAGE).text
