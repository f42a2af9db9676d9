"""Long lists come a page at a time, and a page says where it goes on."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import Session

from app.api.operations import OPERATIONS
from app.models import Outcome
from tests.annotation.arrange import MARKERS, queue
from tests.api.conftest import Program
from tests.conftest import Cast

Make = Callable[..., Program]
BIRDS = "/projects/birds"


def walk(program: Program, path: str) -> Iterator[list[dict[str, Any]]]:
    """Each page's items, to the end."""
    following = path
    while following:
        page = program.get(following.removeprefix("http://localhost"))
        assert page.status_code == 200
        following = page.json["next"]
        link = page.headers.get("Link")
        assert link == (f'<{following}>; rel="next"' if following else None)
        yield page.json["items"]


@pytest.mark.parametrize(
    ("path", "key", "rows"),
    [
        ("prompts", "prompt_id", 5),
        ("responses", "model", 10),
        ("comparisons", "pair_id", 5),
        ("models", "uid", 2),
        ("audit", "subject", 4),
    ],
)
def test_pages_hold_every_row_once(
    session: Session, cast: Cast, program: Make, path: str, key: str, rows: int
) -> None:
    queue(session, cast.project, 5)
    lena = program(cast.lena)
    for base, name in enumerate("abcd"):
        lena.post(f"{BIRDS}/guideline", {"text": name, "base": base})
    whole = [
        row
        for page in walk(lena, f"{BIRDS}/{path}?verb=guideline" if path == "audit" else f"{BIRDS}/{path}")
        for row in page
    ]
    pages = list(walk(lena, f"{BIRDS}/{path}?limit=2" + ("&verb=guideline" if path == "audit" else "")))
    assert len(whole) == rows
    assert [row for page in pages for row in page] == whole
    assert [len(page) for page in pages] == [2] * (rows // 2) + [1] * (rows % 2)
    assert all(row[key] for row in whole)


def test_what_comes_meanwhile_moves_nothing(session: Session, cast: Cast, program: Make) -> None:
    lena = program(cast.lena)
    for base, name in enumerate("abc"):
        lena.post(f"{BIRDS}/guideline", {"text": name, "base": base})
    newest_first = walk(lena, f"{BIRDS}/audit?limit=2&verb=guideline")
    first = next(newest_first)
    lena.post(f"{BIRDS}/guideline", {"text": "d", "base": 3})
    second = next(newest_first)
    assert [row["subject"][-1] for row in first + second] == ["3", "2", "1"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "after=?", "after=OTk5OTk5OTk5OTk5OTk5", "sort=up"]
)
def test_a_page_that_is_none_is_refused(cast: Cast, program: Make, query: str) -> None:
    refused = program(cast.lena).get(f"{BIRDS}/prompts?{query}")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == ["/" + query.split("=")[0]]


def test_lists_are_narrowed(session: Session, cast: Cast, program: Make) -> None:
    queue(session, cast.project, 2, category="code", language="en")
    queue(session, cast.project, 1, models=("wren", "moth"))
    [gold] = queue(session, cast.project, 1, gold=Outcome.A)
    rosa = program(cast.rosa)

    def found(path: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = rosa.get(f"{BIRDS}/{path}").json["items"]
        return answer

    assert [one["prompt_id"] for one in found("prompts?category=code")] == ["prompt-0", "prompt-1"]
    assert found("prompts?category=code&language=de") == []
    assert [one["model"] for one in found("responses?prompt_id=prompt-2")] == ["wren", "moth"]
    assert len(found("responses?model=wren")) == 1
    assert {one["prompt_id"] for one in found("comparisons?model=moth")} == {"prompt-2"}
    [one] = found("comparisons?gold=true")
    assert one["pair_id"] == gold.pair_id
    assert (one["gold"], one["model_a"], one["model_b"]) == ("a", *MARKERS)
    assert len(found("comparisons?gold=false")) == 3


def test_only_who_may_read_responses_reads_them(session: Session, cast: Cast, program: Make) -> None:
    queue(session, cast.project, 1)
    for path in ("prompts", "responses", "comparisons"):
        statuses = {
            name: program(getattr(cast, name)).get(f"{BIRDS}/{path}").status_code
            for name in ("lena", "rui", "rosa", "vic", "ann", "otto")
        }
        assert statuses == {"lena": 200, "rui": 200, "rosa": 200, "vic": 403, "ann": 403, "otto": 404}


def test_a_query_name_that_is_not_declared_is_refused_everywhere(cast: Cast, program: Make) -> None:
    """What was meant by it would be left undone, and the answer would look like one that obeys."""
    lena = program(cast.lena)
    paths = [operation.path for operation, _ in OPERATIONS.values() if operation.method == "GET"]
    assert len(paths) > 40
    for path in paths:
        answer = lena.get(re.sub(r"<(?:\w+:)?\w+>", "x", path.replace("<slug>", "birds")) + "?bogus=1")
        assert answer.status_code == 422, path
        assert [one["pointer"] for one in answer.json["errors"]] == ["/bogus"], path


def test_a_slice_that_cannot_be_is_refused(cast: Cast, session: Session, program: Make) -> None:
    queue(session, cast.project, 1, category="code")
    vic = program(cast.vic)
    for by in ("category", "language", "group", "kind", "criterion"):
        answer = vic.get(f"{BIRDS}/leaderboard?by={by}&value=zzz")
        assert answer.status_code == 422, by
        assert answer.json["errors"][0]["pointer"] == "/value"
    assert vic.get(f"{BIRDS}/leaderboard?by=category&value=code").status_code == 200
    assert vic.get(f"{BIRDS}/leaderboard/bias?by=kind&value=model").status_code == 422
