"""`tiebreak rank --show` of those who voted: how they agree, who can be relied on, what judge models add."""

import math
import random
from pathlib import Path

import pytest

from app.errors import Problem
from tests.leaderboard.vote_files import STRENGTH, ranked, run, votes, write

NAMES = list(STRENGTH)


def test_agreement_is_between_people_on_one_comparison_whatever_its_order(tmp_path: Path) -> None:
    flipped = {"model_a": "model_b", "model_b": "model_a"}
    rows = [
        row
        for n in range(40)
        for row in (
            {"model_a": "x", "model_b": "y", "winner": "model_a", "prompt_id": f"p{n}"},
            {"model_a": "y", "model_b": "x", "winner": flipped["model_a"], "prompt_id": f"p{n}"},
        )
    ]
    found = ranked(write(tmp_path / "v.csv", rows), "--show", "agreement")
    assert found["comparisons"] == 40
    assert found["coefficients"][0]["value"] == 1
    alone = ranked(write(tmp_path / "w.csv", rows[::2]), "--show", "agreement")
    assert alone["coefficients"][0]["value"] is None


def repeated(who: list[str], n: int = 30, **more: str) -> list[dict[str, str]]:
    """One comparison after the other, by each of them alike."""
    return [
        {"model_a": "x", "model_b": "y", "winner": ("model_a", "model_b")[i % 2], "prompt_id": f"p{i}"}
        | {"annotator": name}
        | more
        for i in range(n)
        for name in who
    ]


def told(*arguments: object) -> str:
    return " ".join(run(*arguments, "--show", "agreement").stderr.split())


def test_a_person_agrees_with_nobody_by_saying_it_again(tmp_path: Path) -> None:
    rows = [row | {"prompt_id": "p"} for row in repeated(["w"])]
    file = write(tmp_path / "v.csv", rows)
    assert {one["value"] for one in ranked(file, "--show", "agreement")["coefficients"]} == {None}
    assert "Not identifiable: no comparison has votes of two annotators" in told(file)
    assert "29 votes repeat an annotator's own on the same comparison" in told(file)


def test_of_somebodys_votes_on_a_comparison_the_last_counts(tmp_path: Path) -> None:
    rows = [row | {"winner": "tie"} for row in repeated(["ann"])] + repeated(["ann", "ben"])
    found = ranked(write(tmp_path / "v.csv", rows), "--show", "agreement")
    assert (found["comparisons"], found["votes"], found["coefficients"][0]["value"]) == (30, 60, 1)


def test_agreement_says_what_it_rests_on(tmp_path: Path) -> None:
    said = told(write(tmp_path / "v.csv", repeated(["ann", "ben"], 4)))
    assert "From 8 votes on 4 comparisons that two annotators or more judged." in said
    assert "Gwet’s AC1" in said
    assert "too few to say: an interval takes 20 comparisons" in said
    nobody = [
        {name: row[name] for name in row if name != "annotator"} for row in repeated(["ann", "ben"], 40)
    ]
    assert "names no annotators" in told(write(tmp_path / "w.csv", nobody))


def test_people_agree_apart_from_judge_models(tmp_path: Path) -> None:
    rows = repeated(["ann", "ben"], annotator_kind="human")
    opposite = {"model_a": "model_b", "model_b": "model_a"}
    rows += [row | {"winner": opposite[row["winner"]]} for row in repeated(["gpt"], annotator_kind="model")]
    found = ranked(write(tmp_path / "v.csv", rows), "--show", "agreement")
    assert (found["comparisons"], found["votes"], found["coefficients"][0]["value"]) == (30, 60, 1)
    assert found["with_judges"]["votes"] == 90
    assert found["with_judges"]["coefficients"][0]["value"] == pytest.approx(1 / 3)
    people = [row for row in rows if row["annotator"] != "gpt"]
    alone = ranked(write(tmp_path / "w.csv", people), "--show", "agreement")
    assert alone == found | {"with_judges": None}
    assert ranked(tmp_path / "v.csv", "--show", "agreement", "--judges", "annotator=gpt") == found


def with_a_stranger(tmp_path: Path) -> Path:
    """Of eight annotators one always says the opposite; a ninth gave three votes."""
    opposite = {"model_a": "model_b", "model_b": "model_a"}
    rows = votes(1200)
    for n, row in enumerate(rows):
        if row["annotator"] == "w3":
            row["winner"] = opposite.get(row["winner"], row["winner"])
        if n < 3:
            row["annotator"] = "new"
    return write(tmp_path / "v.csv", rows)


def test_the_annotator_who_says_the_opposite_comes_first(tmp_path: Path) -> None:
    found = ranked(with_a_stranger(tmp_path), "--show", "annotators")["annotators"]
    assert found[0]["annotator"] == "w3"
    assert found[0]["upper"] < 0 < found[1]["lower"]
    assert found[-1] == {"annotator": "new", "votes": 3, "reliability": None, "lower": None, "upper": None}
    assert sum(one["votes"] for one in found) == 1200


def test_weighting_undoes_what_the_opposite_does(tmp_path: Path) -> None:
    file = with_a_stranger(tmp_path)
    found = {one["model"]: one for one in ranked(file, "--show", "weighted")["models"]}
    plain = {row["model"]: row["rating"] for row in ranked(file)["models"]}
    assert {name: one["rating"] for name, one in found.items()} == pytest.approx(plain)
    spread = {key: found["Heron"][key] - found["Moth"][key] for key in ("rating", "weighted")}
    assert spread["weighted"] > spread["rating"]


def test_one_annotator_is_compared_with_nobody(tmp_path: Path) -> None:
    file = write(tmp_path / "v.csv", [row | {"annotator": "w"} for row in votes()])
    assert ranked(file, "--show", "weighted")["models"] == []
    assert "two annotators or more whose votes count" in run(file, "--show", "weighted").output
    assert ranked(file, "--show", "annotators")["annotators"][0]["reliability"] is None
    nobody = [{name: row[name] for name in ("model_a", "model_b", "winner")} for row in votes()]
    error = run(write(tmp_path / "w.csv", nobody), "--show", "annotators").exception
    assert isinstance(error, Problem)
    assert "annotator" in error.detail


def with_a_judge(*, flip: bool = False) -> list[dict[str, str]]:
    """600 comparisons, a third judged by one of six people, all by a judge model that is fond of Moth."""
    rng, opposite, rows = random.Random(5), {"model_a": "model_b", "model_b": "model_a"}, []
    for n in range(600):
        one, other = rng.sample(NAMES, 2)
        person = (
            "model_a" if rng.random() < 1 / (1 + math.exp(STRENGTH[other] - STRENGTH[one])) else "model_b"
        )
        judge = person if rng.random() < 0.9 else opposite[person]
        if "Moth" in (one, other) and rng.random() < 0.8:
            judge = "model_a" if one == "Moth" else "model_b"
        verdicts = [("gpt", judge)] + ([(f"w{rng.randrange(6)}", person)] if n % 3 == 0 else [])
        for number, (who, winner) in enumerate(verdicts):
            models, said = (one, other), winner
            if flip and number:
                models, said = (other, one), opposite[winner]
            row = {"model_a": models[0], "model_b": models[1], "winner": said, "annotator": who}
            rows.append({**row, "prompt_id": f"p{n}", "annotator_kind": "model" if who == "gpt" else "human"})
    return rows


def test_judge_models_help_people_without_their_bias(tmp_path: Path) -> None:
    file = write(tmp_path / "v.csv", with_a_judge())
    found = ranked(file, "--show", "with-judges")
    assert (found["people"], found["judges"], found["shared"]) == (200, 400, 200)
    assert found["effective"] > found["people"]
    moth = next(row for row in found["rows"] if row["model"] == "Moth")
    assert moth["judges"]["rating"] > moth["people"]["upper"] > moth["rating"] > moth["lower"]
    told = run(file, "--show", "with-judges")
    assert "200 comparisons judged by both, 400 by judge models alone" in " ".join(told.output.split())
    assert "trust below zero" not in told.output


def test_a_judge_model_that_says_the_opposite_is_turned_round(tmp_path: Path) -> None:
    turned = {"model_a": "model_b", "model_b": "model_a"}
    rows = [
        row | {"winner": turned[row["winner"]]} if row["annotator"] == "gpt" else row
        for row in with_a_judge()
        if "Moth" not in (row["model_a"], row["model_b"])
    ]
    told = " ".join(run(write(tmp_path / "v.csv", rows), "--show", "with-judges").stderr.split())
    assert "trust in these is -" in told
    assert "A trust below zero means that" in told


def test_the_order_of_a_comparisons_models_says_nothing_of_them(tmp_path: Path) -> None:
    one, other = (
        ranked(write(tmp_path / f"{flip}.csv", with_a_judge(flip=flip)), "--show", "with-judges")
        for flip in (False, True)
    )
    assert [row["rating"] for row in one["rows"]] == pytest.approx([row["rating"] for row in other["rows"]])


def test_any_column_may_tell_judge_models_from_people(tmp_path: Path) -> None:
    rows = with_a_judge()
    named = ranked(write(tmp_path / "v.csv", rows), "--show", "with-judges")
    assert ranked(tmp_path / "v.csv", "--show", "with-judges", "--judges", "annotator=gpt") == named
    other = write(tmp_path / "w.csv", [{**row, "annotator_kind": ""} for row in rows])
    for arguments, told in (
        (
            ["--judges", "annotator=claude"],
            "No vote of w.csv has 'claude' in the column 'annotator'; it says gpt,",
        ),
        (["--judges", "who=gpt"], "w.csv has no column 'who'; it has model_a, model_b, winner,"),
        ([], "No vote of w.csv has 'model' in the column 'annotator_kind'; it is empty."),
    ):
        error = run(other, "--show", "with-judges", *arguments).exception
        assert isinstance(error, Problem)
        assert told in error.detail
    plain = write(tmp_path / "x.csv", votes())
    error = run(plain, "--show", "with-judges").exception
    assert isinstance(error, Problem)
    assert "x.csv has no column annotator_kind" in error.detail
    assert "--judges COLUMN=VALUE" in error.detail


@pytest.mark.parametrize("arguments", [["--judges", "kind"], ["--judges", "=x"]])
def test_judges_are_a_column_and_its_value(arguments: list[str], tmp_path: Path) -> None:
    result = run(write(tmp_path / "v.csv", votes()), "--show", "with-judges", *arguments)
    assert (result.exit_code, "expected COLUMN=VALUE" in result.output) == (2, True)


def test_judges_are_asked_for_by_their_view(tmp_path: Path) -> None:
    result = run(write(tmp_path / "v.csv", votes()), "--judges", "annotator=w7")
    assert (result.exit_code, "--judges is for --show with-judges" in result.output) == (2, True)


def test_judge_models_alone_have_nobody_to_correct_them(tmp_path: Path) -> None:
    rows = [row for row in with_a_judge() if row["annotator"] == "gpt"]
    found = ranked(write(tmp_path / "v.csv", rows), "--show", "with-judges")
    assert (found["missing"], found["rows"]) == ("it takes judgments of people and of a judge model", [])
