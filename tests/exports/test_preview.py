"""The export page tells what the filters leave, of the whole project or of a sample of it."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.exports import preview, stream
from app.exports.forms import ExportSpec, Format
from app.exports.preview import Preview
from app.models import Account, Response
from tests.annotation.arrange import queue
from tests.conftest import Cast
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


def test_it_counts_what_the_preferences_have_in_common(app: Flask, session: Session, cast: Cast) -> None:
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
    assert found.models == [("heron-9000", 3, 1), ("lark-9000", 1, 3)]


@pytest.mark.parametrize("wanted", list(Format))
def test_the_first_rows_are_those_of_the_file(
    app: Flask, session: Session, cast: Cast, wanted: Format
) -> None:
    for comparison in queue(session, cast.project, 5):
        judge(session, cast.project, cast.ann, comparison, "a")
    found = previewed(app, cast, format=wanted)
    lines = written(app, cast, format=wanted)
    assert found.rows == len(lines)
    assert [row.text for row in found.shown] == lines[:3]
    assert orjson.loads(found.shown[0].text)


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
    assert shown.more > 90_000


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
    assert "judged a tie" in page
    refused = client.get(f"{PAGE}?min_agreement=7&category=none-such", headers={"HX-Request": "true"})
    assert refused.status_code == 200
    assert "Least agreement" in refused.text
    unknown = client.get(f"{PAGE}?model=moth&salt=mine").text
    assert "There is no model moth in this project." in unknown
    assert 'value="mine"' in unknown, "what was typed stays"
