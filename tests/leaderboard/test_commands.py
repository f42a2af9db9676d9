"""`tiebreak rank` and `tiebreak leaderboard`: what they print, and what they refuse."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from flask import Flask
from scipy import optimize
from sqlmodel import Session, col, select

from app.errors import Problem
from app.exports import stream
from app.exports.forms import ExportSpec, File, Format
from app.leaderboard import standings
from app.leaderboard.commands import leaderboard
from app.leaderboard.forms import StandingsQuery
from app.models import Annotator, AnnotatorKind, Comparison, Model, Prompt
from tests.conftest import Cast
from tests.leaderboard.arrange import (
    TIE,
    A,
    Said,
    add_annotators,
    add_comparison,
    change,
    judge,
    judge_all,
    judge_birds,
    withdraw,
)
from tests.leaderboard.vote_files import HEAD, STRENGTH, ranked, run, votes, write

KEYS = "model rating lower upper rank rank_lower rank_upper wins losses ties both_bad judgments component"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "votes.csv", votes())


def test_the_object_has_the_promised_shape(file: Path) -> None:
    found = ranked(file)
    assert list(found) == ["method", "parameters", "votes", "models", "notes"]
    assert found["votes"] == 400
    assert [" ".join(row) for row in found["models"]] == [KEYS] * 4
    assert [row["model"] for row in found["models"]] == list(STRENGTH)
    assert found["parameters"]["cluster"] == "both"


@pytest.mark.parametrize(("people", "few"), [(3, False), (9, True), (10, False)])
def test_few_annotators_are_said_to_widen_intervals(people: int, few: bool, tmp_path: Path) -> None:
    rows = [row | {"annotator": f"w{number % people}"} for number, row in enumerate(votes())]
    said = " ".join(ranked(write(tmp_path / "v.csv", rows))["notes"])
    assert ("one who differs from the others widens every interval" in said) is few


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_an_export_of_judgments_ranks_as_the_project_does(
    kind: str, app: Flask, session: Session, cast: Cast, tmp_path: Path
) -> None:
    judgments = judge_birds(session, cast.project, rounds=40)
    robot = add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL)[0]
    robot.cluster = 8
    comparisons = session.exec(select(Comparison).order_by(col(Comparison.id))).all()
    said = [Said(robot, one.outcome if number % 9 else TIE) for number, one in enumerate(judgments)]
    judge_all(session, comparisons, said)
    change(session, judgments[100], TIE)
    withdraw(session, judgments[150])
    for number, prompt in enumerate(session.exec(select(Prompt))):
        said = [{"type": "text", "text": "Look."}] if number % 2 else "Look."
        prompt.messages = [{"role": "user", "content": said}]
    gold = add_comparison(session, *session.exec(select(Model)).all()[:2])
    gold.gold = A
    session.add(gold)
    for person in session.exec(select(Annotator)).all()[:8]:
        judge(session, gold, person, A)
    session.commit()
    spec = ExportSpec(format=Format.JUDGMENTS, file=File(kind))
    file = tmp_path / f"judgments.{kind}"
    with app.app_context():
        receipt = stream.Receipt()
        file.write_bytes(
            b"".join(stream.stream(app.extensions["engine"], cast.project, spec, receipt, by=None))
        )
    here = standings.as_object(session, cast.project, StandingsQuery())
    there = ranked(file)
    assert receipt.rows == len(judgments) * 2 + 1 + 8
    assert there["votes"] == here["votes"] == len(judgments) * 2 - 1
    ours, theirs = (
        {row["model"]: (row["rating"], row["lower"]) for row in one["models"]} for one in (here, there)
    )
    assert list(ours) == list(theirs)
    assert [theirs[name] for name in ours] == [pytest.approx(both, abs=0.01) for both in ours.values()]
    assert there["notes"] == here["notes"]
    assert any("more judgments" in note for note in there["notes"])
    added = ranked(file, "--show", "with-judges")
    alone = len(judgments) - 1
    assert (added["people"], added["judges"], added["shared"]) == (alone, 1, alone)
    assert ranked(file, "--show", "agreement")["with_judges"]["comparisons"] == alone


@pytest.mark.parametrize(
    ("columns", "cluster"),
    [
        (["annotator", "prompt_id"], "both"),
        (["annotator"], "annotator"),
        (["prompt_id"], "prompt"),
        ([], "none"),
    ],
)
def test_votes_are_grouped_by_all_the_file_names(columns: list[str], cluster: str, tmp_path: Path) -> None:
    kept = ["model_a", "model_b", "winner", *columns]
    file = write(tmp_path / "v.csv", [{name: row[name] for name in kept} for row in votes()])
    found = ranked(file)
    assert found["parameters"]["cluster"] == cluster
    notes = " ".join(found["notes"])
    assert ("do not say whose they are" in notes) == ("annotator" not in columns)
    assert ("came without their prompts" in notes) == ("prompt_id" not in columns)
    chosen = " ".join(ranked(file, "--cluster", "none")["notes"])
    assert "do not say whose they are" not in chosen, "that is as asked for"


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    """Not even where there are so many annotators that they are dealt into groups at random."""
    rows = [row | {"annotator": f"w{number % 300}"} for number, row in enumerate(votes(1200))]
    one, other = (ranked(write(tmp_path / "v.csv", some)) for some in (rows, rows[::-1]))
    assert one["notes"] == other["notes"]
    for row, again in zip(one["models"], other["models"], strict=True):
        assert row == pytest.approx(again)


def test_a_vote_without_its_prompt_counts_all_the_same(tmp_path: Path) -> None:
    rows = votes()
    for row in rows[::3]:
        row["prompt_id"] = ""
    found = ranked(write(tmp_path / "v.csv", rows))
    assert (found["votes"], found["parameters"]["cluster"]) == (400, "both")


def test_votes_that_came_without_their_prompts_are_on_none_that_is_known(tmp_path: Path) -> None:
    rows = [row | {"prompt_id": f"vote-{number}"} for number, row in enumerate(votes(24))]
    for name, given in (("exported.csv", rows), ("empty.csv", [row | {"prompt_id": ""} for row in rows])):
        notes = ranked(write(tmp_path / name, given))["notes"]
        assert notes[-1].startswith("The judgments came without their prompts")
        assert not [note for note in notes if "24 prompts" in note]


def on_few_prompts(prompts: int, *dropped: str) -> list[dict[str, str]]:
    rows = [row | {"prompt_id": f"q{int(row['prompt_id'][1:]) % prompts}"} for row in votes()]
    return [{name: value for name, value in row.items() if name not in dropped} for row in rows]


def test_few_prompts_are_taken_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path / "v.csv", on_few_prompts(13))
    found, by_annotator = ranked(file), ranked(file, "--cluster", "annotator")
    assert found["parameters"]["cluster"] == "annotator"
    assert found["models"] == by_annotator["models"]
    assert found["notes"][-1] == (
        "These 13 prompts are taken as they are: the intervals say how other annotators would judge them, "
        "not how other prompts would turn out."
    )
    assert "13 prompts" in run(file).output
    alone = write(tmp_path / "w.csv", [row | {"prompt_id": "p"} for row in on_few_prompts(13)])
    assert "how other annotators would judge it, not how other prompts" in ranked(alone)["notes"][-1]


def test_comparisons_are_called_so_where_the_file_names_no_prompts(tmp_path: Path) -> None:
    rows = [{"pair_id": row["prompt_id"], **row} for row in on_few_prompts(13)]
    for row in rows:
        del row["prompt_id"]
    found = ranked(write(tmp_path / "v.csv", rows))
    assert found["notes"][-1].startswith("These 13 comparisons are taken as they are: ")
    assert not any("prompt" in note for note in found["notes"])


def test_few_prompts_are_a_sample_where_that_is_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path / "v.csv", on_few_prompts(13))
    for cluster in ("both", "prompt"):
        found = ranked(file, "--cluster", cluster)
        assert found["parameters"]["cluster"] == cluster
        assert not any("taken as they are" in note for note in found["notes"])
    few = write(tmp_path / "w.csv", on_few_prompts(2))
    found = ranked(few, "--cluster", "both")
    assert found["parameters"]["cluster"] == "annotator"
    assert any("All judgments are on 2 prompts." in note for note in found["notes"])


def test_few_prompts_of_unknown_annotators_are_taken_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path / "v.csv", on_few_prompts(13, "annotator"))
    found = ranked(file)
    assert found["parameters"]["cluster"] == "none"
    assert found["models"] == ranked(file, "--cluster", "none")["models"]
    assert "other judgments of them" in found["notes"][-1]
    one = ranked(write(tmp_path / "w.csv", on_few_prompts(1)))
    assert "The one prompt is taken as it is" in one["notes"][-1]


def test_ratings_are_those_of_an_independent_logistic_regression(file: Path) -> None:
    found = {row["model"]: row["rating"] for row in ranked(file, "--prior", "none")["models"]}
    names, rows = sorted(STRENGTH), [row for row in votes() if row["winner"] != "both_bad"]
    a, b = (np.array([names.index(row[side]) for row in rows]) for side in ("model_a", "model_b"))
    y = np.array([{"model_a": 1.0, "model_b": 0.0, "tie": 0.5}[row["winner"]] for row in rows])

    def loss(theta: np.ndarray) -> float:
        d = theta[a] - theta[b]
        return float((np.logaddexp(0, d) - y * d).sum() + theta.sum() ** 2)

    theta = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    expected = 1000 + 400 / np.log(10) * (theta - theta.mean())
    assert [found[name] for name in names] == pytest.approx(expected, abs=0.01)


def test_groups_that_never_met_are_no_one_list(tmp_path: Path) -> None:
    rows = [
        {"model_a": a, "model_b": b, "winner": winner}
        for a, b in (("Heron", "Lark"), ("Wren", "Moth"))
        for winner in ("model_a", "model_a", "model_b")
    ]
    file = write(tmp_path / "v.csv", rows)
    found = ranked(file)
    assert [row["component"] for row in found["models"]] == [0, 0, 1, 1]
    assert [row["rank"] for row in found["models"]] == [1, 2, 1, 2]
    assert any("No judgments join these groups" in note for note in found["notes"])
    assert run(file).stdout.count("──") > 1


def test_swapping_sides_changes_nothing(file: Path, tmp_path: Path) -> None:
    other = {"model_a": "model_b", "model_b": "model_a"}
    rows = [
        {
            **row,
            "model_a": row["model_b"],
            "model_b": row["model_a"],
            "winner": other.get(row["winner"], row["winner"]),
        }
        for row in votes()
    ]
    swapped = ranked(write(tmp_path / "swapped.csv", rows))
    for one, two in zip(swapped["models"], ranked(file)["models"], strict=True):
        assert one["rating"] == pytest.approx(two["rating"], abs=1e-6)


def test_a_single_vote_and_ties_alone_are_ranked_and_said_to_tell_little(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(f"{HEAD}x,y,model_a\n")
    one = ranked(tmp_path / "one.csv")
    assert [(row["model"], row["rank_lower"], row["rank_upper"]) for row in one["models"]] == [
        ("x", 1, 2),
        ("y", 1, 2),
    ]
    assert "x never lost or tied" in one["notes"][0]
    (tmp_path / "ties.csv").write_text(HEAD + "x,y,tie\ny,z,tie\n" * 6)
    ties = ranked(tmp_path / "ties.csv")
    assert [row["rating"] for row in ties["models"]] == pytest.approx([1000, 1000, 1000])
    assert all(row["lower"] < 1000 < row["upper"] for row in ties["models"])
    assert ties["notes"][0] == "Every judgment so far is a tie, so no model stands above another."
    (tmp_path / "bad.csv").write_text(f"{HEAD}x,y,both_bad\n")
    assert [row["rating"] for row in ranked(tmp_path / "bad.csv")["models"]] == [None, None]


def test_an_anchor_shifts_ratings_only(file: Path) -> None:
    free, pinned = ranked(file), ranked(file, "--anchor", "Lark=1200")
    before = {row["model"]: row for row in free["models"]}
    for row in pinned["models"]:
        moved = row["rating"] - before[row["model"]]["rating"]
        assert moved == pytest.approx(1200 - before["Lark"]["rating"])
        assert row["rank"] == before[row["model"]]["rank"]
    lark = next(row for row in pinned["models"] if row["model"] == "Lark")
    assert lark["lower"] == lark["upper"] == pytest.approx(1200)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--anchor", "Lark"), "MODEL=RATING"),
        (("--anchor", "Lark=much"), "not a number"),
        (("--anchor", "Lark=nan"), "not a number"),
        (("--anchor", "Owl=1000"), "no model 'Owl'"),
        (("--ties", "davidson", "--interval", "bootstrap"), "sandwich"),
        (("--ties", "davidson", "--method", "elo"), "Elo"),
        (("--method", "glicko"), "glicko"),
    ],
)
def test_a_wrong_use_is_told_with_status_2(options: tuple[str, ...], word: str, file: Path) -> None:
    result = run(file, *options)
    assert result.exit_code == 2
    assert word in result.stderr


def test_intervals_can_be_left_out_or_resampled(file: Path) -> None:
    none = ranked(file, "--interval", "none")["models"][0]
    assert (none["lower"], none["rank_lower"], none["rank"]) == (None, None, 1)
    sandwich, bootstrap = (
        ranked(file, "--interval", kind)["models"][0] for kind in ("sandwich", "bootstrap")
    )
    width = sandwich["upper"] - sandwich["lower"]
    assert bootstrap["upper"] - bootstrap["lower"] == pytest.approx(width, rel=0.25)


def test_each_value_of_a_column_is_ranked_by_itself(tmp_path: Path) -> None:
    rows = [{**row, "topic": "code" if i % 2 else "prose"} for i, row in enumerate(votes())]
    found = ranked(write(tmp_path / "v.csv", rows), "--by", "topic")
    assert found["by"] == "topic"
    assert {part["value"]: part["votes"] for part in found["slices"]} == {"prose": 200, "code": 200}
    few = [row | {"prompt_id": f"q{int(row['prompt_id'][1:]) % 13}"} for row in rows]
    found = ranked(write(tmp_path / "few.csv", few), "--by", "topic")
    alone = ranked(write(tmp_path / "code.csv", [row for row in few if row["topic"] == "code"]))
    code = next(part for part in found["slices"] if part["value"] == "code")
    assert code["models"] == alone["models"]


def test_elo_says_that_order_matters(file: Path, tmp_path: Path) -> None:
    found = ranked(file, "--method", "elo")
    assert found["method"] == "elo"
    assert any("depends on their order" in note for note in found["notes"])
    turned = ranked(write(tmp_path / "turned.csv", votes()[::-1]), "--method", "elo")
    assert turned["models"][0]["rating"] != found["models"][0]["rating"]
    few = " ".join(ranked(write(tmp_path / "few.csv", votes(2)), "--method", "elo")["notes"])
    assert "moves a rating by less than 1 point." in few


def test_people_read_a_table(file: Path) -> None:
    result = run(file)
    assert result.exit_code == 0
    assert "95% interval" in result.stdout
    assert "not separated yet" in result.stderr
    assert "not separated yet" not in result.stdout


def test_ranking_a_file_loads_neither_web_nor_database(file: Path) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from app.cli import tiebreak;"
        f"done = CliRunner().invoke(tiebreak, ['rank', {str(file)!r}, '--json']);"
        "assert done.exit_code == 0, done.output;"
        "print(sorted({'flask', 'sqlalchemy', 'sqlmodel'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_projects_leaderboard_is_the_same_object(app: Flask, session: Session, cast: Cast) -> None:
    judge_birds(session, cast.project, rounds=20, categories=("coding", "safety"))
    with app.app_context():
        result = CliRunner().invoke(leaderboard, ["birds", "--by", "category", "--json"])
        found = json.loads(result.stdout)
        assert [" ".join(row) for row in found["models"]] == [KEYS] * 4
        assert {part["value"] for part in found["slices"]} == {"coding", "safety"}
        table = CliRunner().invoke(leaderboard, ["birds", "--by", "category"]).stdout
        assert table.count("Heron") == 3
        unknown = CliRunner().invoke(leaderboard, ["bees"])
        assert isinstance(unknown.exception, Problem)
        assert "no project bees" in unknown.exception.detail
        assert CliRunner().invoke(leaderboard, ["birds", "--ties", "maybe"]).exit_code == 2
        clash = CliRunner().invoke(leaderboard, ["birds", "--ties", "davidson", "--method", "elo"])
        assert clash.exit_code == 2
        assert "Error: Elo has no outcome of its own for ties" in clash.stderr
        for wrong, said in (("--value", "--value needs --by"), ("--since", "--since: Give a day")):
            told = CliRunner().invoke(leaderboard, ["birds", wrong, "code"])
            assert (told.exit_code, f"Error: {said}" in told.stderr) == (2, True)
