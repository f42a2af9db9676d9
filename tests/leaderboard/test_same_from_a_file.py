"""What pages and the API tell of a project, `tiebreak rank` tells of its judgments exported."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.leaderboard import standings
from app.models import Account, Prompt, now
from tests.conftest import Cast
from tests.leaderboard.arrange import (
    BOTH_BAD,
    TIE,
    A,
    Asked,
    B,
    Said,
    add_annotators,
    add_comparison,
    add_comparisons,
    add_models,
    change,
    judge,
    judge_all,
    live,
)
from tests.leaderboard.vote_files import ranked, run, write

Clients = Callable[[Account | None], FlaskClient]
HERE = "/p/birds/leaderboard"
STRENGTH = {"Heron": 1.0, "Lark": 0.5, "Wren": -0.5, "Moth": -1.0}


@pytest.fixture
def client(session: Session, cast: Cast, client_of: Clients) -> FlaskClient:
    """The lead's; each pair of models stands either way round, and verdicts come in no order of the pairs."""
    rng = random.Random(5)
    models = add_models(session, cast.project, list(STRENGTH))
    people = add_annotators(session, cast.project, 7)
    # The better one is A more often than not, so that A is preferred more often than not.
    pairs = [pair[:: 1 if rng.random() < 0.8 else -1] for _ in range(12) for pair in combinations(models, 2)]
    times = [now() - timedelta(minutes=minute) for minute in rng.sample(range(1000), 2 * len(pairs))]
    asked, said = [], []
    for a, b in pairs:
        asked += [Asked(a, b, rng.choice(["coding", "maths", "safety"]))]
        ahead = STRENGTH[a.name] - STRENGTH[b.name] + rng.gauss(0, 0.7)
        for person in rng.sample(people, 2):
            seen = ahead + rng.gauss(0, 1)
            verdict = TIE if abs(seen) < 0.2 else A if seen > 0 else B
            verdict = BOTH_BAD if rng.random() < 0.05 else verdict
            said.append(Said(person, verdict, rng.random() < 0.5, {"created_at": times.pop()}))
    judge_all(session, [one for one in add_comparisons(session, asked) for _ in range(2)], said)
    session.commit()
    return client_of(cast.lena)


@pytest.fixture
def file(client: FlaskClient, tmp_path: Path) -> Path:
    exported = tmp_path / "judgments.jsonl"
    exported.write_bytes(client.get("/p/birds/export/download?format=judgments").data)
    return exported


def rounded(found: Any) -> Any:
    """The same with numbers as far as they are told: sums in another order differ in the last places."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return round(found, 6) + 0.0 if isinstance(found, float) else found


@pytest.mark.parametrize("ties", ["half", "drop", "davidson"])
def test_standings_and_what_is_said_beside_them(ties: str, client: FlaskClient, file: Path) -> None:
    here = client.get(f"{HERE}.json?ties={ties}").get_json()
    assert any("more judgment" in note for note in here["notes"])
    assert rounded(ranked(file, "--ties", ties)) == rounded(here)


def test_slices(client: FlaskClient, file: Path) -> None:
    """Each has fewer than 30 prompts, so that what these share is taken to be as in the whole."""
    here, there = client.get(f"{HERE}.json?by=category").get_json(), ranked(file, "--by", "category")
    assert [part["parameters"]["cluster"] for part in here["slices"]] == ["both"] * 3
    assert rounded(there) == rounded(here)


def test_views(client: FlaskClient, file: Path, session: Session, cast: Cast) -> None:
    uids = standings.uids(session, cast.project)
    heron, lark = (f"{HERE}/models/{uids['Heron']}", uids["Lark"])
    asked = {
        f"{HERE}/matrix.json": ["matrix"],
        f"{HERE}/bias.json": ["bias"],
        f"{heron}/{lark}.json": ["head-to-head", "--model", "Heron", "--model", "Lark"],
        f"{heron}.json": ["model", "--model", "Heron"],
    }
    for address, arguments in asked.items():
        here = client.get(address).get_json()
        if "slices" in here:
            here["slices"] = [one for one in here["slices"] if not one["value"]]
            # What a file of votes does not know.
            here.pop("failures", None)
            here["slices"][0].pop("stands_out", None)
        assert rounded(ranked(file, "--show", *arguments)) == rounded(here), arguments


def test_a_slice_of_two_models_is_one_more_of_the_list(client: FlaskClient, file: Path) -> None:
    arguments = ("head-to-head", "--model", "Heron", "--model", "Lark", "--by", "category")
    found = ranked(file, "--show", *arguments)
    whole, *parts = [(one["by"], one["label"]) for one in found["slices"]]
    assert whole == ("", "")
    assert sorted(parts) == [("category", name) for name in ("coding", "maths", "safety")]


def test_prompts_are_counted_alike_and_some_may_be_unknown(
    client: FlaskClient, session: Session, cast: Cast, tmp_path: Path
) -> None:
    prompts = session.exec(select(Prompt)).all()
    for prompt in prompts[20:]:
        prompt.key = f"vote-{prompt.key}"
    # A prompt whose verdicts all call both responses bad is one of those asked about.
    for judgment in live(session, cast.project)[:2]:
        change(session, judgment, BOTH_BAD)
    session.commit()
    exported = tmp_path / "judgments.jsonl"
    exported.write_bytes(client.get("/p/birds/export/download?format=judgments").data)
    here, there = client.get(f"{HERE}.json").get_json(), ranked(exported)
    assert there["notes"] == here["notes"]
    assert here["notes"][-2].startswith("Some of the judgments came without their prompts")
    assert here["notes"][-1].startswith("These 20 prompts are taken as they are")


def test_elo_and_its_history_go_by_time(client: FlaskClient, file: Path, session: Session) -> None:
    """An export has its judgments by comparison, and the page goes through them as they were made."""
    page = client.get(f"{HERE}.json?method=elo").get_json()
    assert ranked(file, "--method", "elo") == page
    assert page["parameters"]["order"] == "time"
    assert {row["rank"] for row in page["models"]} == {None}, "Elo cannot tell who stands above whom"
    for asked, word in (("", ">Rank</th>"), ("by=category", "rank 1")):
        assert word in client.get(f"{HERE}?{asked}").text
        assert word not in client.get(f"{HERE}?{asked}&method=elo").text
    assert run(file, "--method", "elo").stdout.split()[0] == "Model"
    here, there = client.get(f"{HERE}/over-time.json").get_json(), ranked(file, "--show", "over-time")
    assert (there["positions"], there["notes"]) == (here["positions"], here["notes"])
    # The page goes on from where it stood, which rounds now and then.
    assert there["lines"] == [line | {"ratings": pytest.approx(line["ratings"])} for line in here["lines"]]
    assert "in the order of their times (created_at)" in " ".join(
        run(file, "--show", "over-time").stderr.split()
    )


@pytest.mark.parametrize(
    ("times", "ordered"),
    [
        (["2025-01-02T00:00:00Z", "2025-01-02T00:30:00+01:00", "2025-01-01"], True),
        (["1735776000.5", "1735776000", "1735689600000"], True),
        (["2025-01-02", "", "2025-01-01"], False),
    ],
)
def test_votes_are_sorted_by_time_where_each_has_one(times: list[str], ordered: bool, tmp_path: Path) -> None:
    winners = ["model_a", "tie", "model_b"]
    rows = [
        {"model_a": "x", "model_b": "y", "winner": winner, "tstamp": time}
        for winner, time in zip(winners, times, strict=True)
    ]
    found = ranked(write(tmp_path / "votes.csv", rows), "--method", "elo")
    same = write(tmp_path / "sorted.csv", [{**row, "tstamp": ""} for row in rows[:: -1 if ordered else 1]])
    expected = ranked(same, "--method", "elo")
    assert found["models"] == expected["models"]
    assert (found["parameters"]["order"], expected["parameters"]["order"]) == (
        "time" if ordered else "file",
        "file",
    )


@pytest.mark.parametrize("asked", [("--method", "elo"), ("--show", "over-time"), ("--show", "agreement")])
def test_where_a_time_cannot_be_read_votes_are_taken_as_they_stand(
    asked: tuple[str, str], tmp_path: Path
) -> None:
    rows = [
        {
            "model_a": "x",
            "model_b": "y",
            "winner": winner,
            "annotator": who,
            "prompt_id": prompt,
            "timestamp": time,
        }
        for winner, who, prompt, time in (
            ("model_a", "kim", 1, "2025-01-02"),
            ("model_b", "lee", 1, "03/01/2024"),
            ("model_b", "kim", 1, "2024-01-01"),
            ("model_a", "kim", 2, "2025-01-02"),
            ("model_a", "lee", 2, "2025-01-02"),
        )
    ]
    file = write(tmp_path / "votes.csv", rows)
    found = ranked(file, *asked)
    untimed = ranked(write(tmp_path / "plain.csv", [{**row, "timestamp": ""} for row in rows]), *asked)
    note, *rest = found.pop("notes")
    assert (found, rest) == (untimed, untimed.pop("notes"))
    assert "line 3: timestamp is '03/01/2024'; expected an ISO time" in note
    assert "taken in the order of the file" in " ".join(run(file, *asked).stderr.split())


def test_agreement(client: FlaskClient, file: Path, bearer: Any, cast: Cast) -> None:
    here = client.get("/api/v1/projects/birds/quality", headers=bearer(cast.lena)).get_json()
    there = ranked(file, "--show", "agreement")
    keys = ("name", "value", "lower", "upper")
    assert [[one[key] for key in keys] for one in there["coefficients"]] == [
        [one[key] for key in keys] for one in here["agreement"]
    ]
    assert there["comparisons"] == here["comparisons"] == 72


def test_names_like_formulas_are_ranked_by_what_they_are(
    session: Session, cast: Cast, client_of: Clients, tmp_path: Path
) -> None:
    """An apostrophe before them is not theirs in our own CSV; in a file from elsewhere it is."""
    names = ["@cf/heron", "'=lark"]
    models, people = add_models(session, cast.project, names), add_annotators(session, cast.project, 3)
    for person, outcome in zip(people, (A, A, B), strict=True):
        judge(session, add_comparison(session, *models, category="-"), person, outcome)
    session.commit()
    told = {}
    for file in ("csv", "jsonl"):
        path = tmp_path / f"judgments.{file}"
        path.write_bytes(
            client_of(cast.lena).get(f"/p/birds/export/download?format=judgments&file={file}").data
        )
        told[file] = ranked(path, "--by", "category")
    assert told["csv"] == told["jsonl"]
    assert [row["model"] for row in told["csv"]["models"]] == names
    assert [part["value"] for part in told["csv"]["slices"]] == ["-"]
    elsewhere = write(tmp_path / "votes.csv", [{"model_a": names[0], "model_b": names[1], "winner": "a"}])
    assert [row["model"] for row in ranked(elsewhere)["models"]] == names
