"""What simulated annotators say beside their verdicts is fit to be told, and the same each time."""

import json
import random

from app.demo import loading, remarks, simulation
from app.demo.remarks import Remarks, remark
from app.models import Outcome
from app.rubric import USUAL_TAGS

ROWS = [json.loads(line) for line in (loading.FOLDER / "responses.jsonl").read_text().splitlines()]
QUALITY = json.loads((loading.FOLDER / "quality.json").read_text())
PAIR = ("Heron", "Moth")


def said(care: float = 1.0) -> list[Remarks]:
    """Of Heron beside Moth, which is the worse, on every prompt that both have answered."""
    rows = [row for row in ROWS if set(PAIR) <= row["responses"].keys()]
    return [
        remark(
            care,
            Outcome.A,
            PAIR,
            (QUALITY[row["prompt_id"]]["Heron"], QUALITY[row["prompt_id"]]["Moth"]),
            sources(row),
            random.Random(row["prompt_id"]),
        )
        for row in rows
    ]


def sources(row: dict[str, dict[str, str]]) -> dict[remarks.Side, str]:
    return {"a": row["responses"]["Heron"], "b": row["responses"]["Moth"]}


def test_what_is_marked_is_asked_for_and_stands_in_its_response() -> None:
    known = {tag.key for tag in USUAL_TAGS}
    by_prompt = {row["prompt_id"]: row for row in ROWS}
    found = said()
    assert len(found) == len(by_prompt)
    marked = [span for one in found for span in one.spans]
    assert marked
    for one, row in zip(found, ROWS, strict=True):
        for side, tags in one.tags.items():
            assert set(tags) <= known & remarks.FAILURES[PAIR["ab".index(side)]].keys()
        for span in one.spans:
            assert span.tag in one.tags[span.response]
            assert span.start < span.end <= len(sources(row)[span.response])


def test_the_worse_model_is_marked_more_and_a_reason_names_nobody() -> None:
    found = said()
    times = {side: sum(len(one.tags.get(side, ())) for one in found) for side in remarks.SIDES}
    assert times["b"] > 3 * times["a"] > 0
    reasons = [one.rationale for one in found if one.rationale]
    assert reasons
    assert not any(name in reason for reason in reasons for name in remarks.FAILURES)


def test_the_same_chance_says_the_same_and_who_hardly_reads_says_nothing() -> None:
    assert said() == said()
    assert set(map(repr, said(care=0.0))) == {repr(Remarks())}
    assert {one.care for one in simulation.READERS if one.sharpness < 1} == {0.0}
