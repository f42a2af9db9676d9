"""`tiebreak rank --show`: what the pages tell of a project, told of a file of votes."""

from collections import Counter
from pathlib import Path

import pytest

from app.errors import Problem
from app.leaderboard import commands, of_votes
from tests.leaderboard.vote_files import STRENGTH, ranked, run, votes, write

NAMES = list(STRENGTH)
OF = {"model": NAMES[:1], "head-to-head": NAMES[:2]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "votes.csv", [row | {"annotator_kind": kind(row)} for row in votes()])


def kind(row: dict[str, str]) -> str:
    return "model" if row["annotator"] == "w7" else "human"


def asked(view: str, *models: str) -> list[str]:
    return ["--show", view, *(word for name in models for word in ("--model", name))]


@pytest.mark.parametrize("view", commands.VIEWS)
def test_every_view_of_an_export_tells_of_simulated_annotators(view: str, tmp_path: Path) -> None:
    rows = [row | {"outcome": row["winner"], "annotator_kind": kind(row)} for row in votes()]
    exported = [
        {name: value for name, value in row.items() if name != "winner"}
        | {"simulated": row["annotator"] != "w7"}
        for row in rows
    ]
    arguments = asked(view, *OF.get(view, []))
    told = "Some of these judgments are by simulated annotators."
    file = write(tmp_path / "export.jsonl", exported)
    found = ranked(file, *arguments, "--by", "annotator")
    if view == "agreement":
        assert "people" not in run(file, *arguments).stderr
    assert told in found["notes"]
    assert told in " ".join(run(file, *arguments).stderr.split())
    one = next(part for part in found["slices"] if part["value"] == "w0")
    assert "All of these judgments are by simulated annotators." in one["notes"]


@pytest.mark.parametrize("view", commands.VIEWS)
def test_every_view_is_a_table_and_one_object(view: str, file: Path) -> None:
    arguments = asked(view, *OF.get(view, []))
    table = run(file, *arguments)
    assert table.exit_code == 0, table.output
    assert len(table.stdout.splitlines()) > 3
    found = ranked(file, *arguments, "--by", "prompt_id")
    whole = ranked(file, *arguments)
    assert {**found, "by": None, "slices": None} == {**whole, "by": None, "slices": None}
    if view in OF:
        assert whole["slices"] == [found["slices"].pop(0)]
    sizes = Counter(row["prompt_id"] for row in votes())
    assert [part["value"] for part in found["slices"]] == sorted(sizes, key=lambda name: (-sizes[name], name))


def test_the_command_offers_every_view() -> None:
    assert tuple(of_votes.VIEWS) == commands.VIEWS


def test_a_matrix_counts_what_the_file_says(file: Path) -> None:
    pairs = ranked(file, "--show", "matrix")["pairs"]
    one, other = NAMES[:2]
    found = next(pair for pair in pairs if (pair["model"], pair["other"]) == (one, other))
    won = [
        row
        for row in votes()
        if (row["model_a"], row["model_b"], row["winner"])
        in {(one, other, "model_a"), (other, one, "model_b")}
    ]
    assert found["wins"] == len(won)
    assert ranked(file, *asked("head-to-head", one, other)) == {
        "slices": [{"by": "", "value": "", "label": "", **found}],
        "notes": [],
    }
    told = run(file, "--show", "matrix").stdout
    assert f"{100 * found['observed_lower']:.0f}–{found['observed_upper']:.0%}" in told
    assert f"{found['observed']:.0%}" in told
    assert any("expected" in line and f"{found['expected']:.0%}" in line for line in told.splitlines())


def test_two_models_are_told_from_either_side(file: Path) -> None:
    one, other = (
        ranked(file, *asked("head-to-head", *pair))["slices"][0] for pair in (NAMES[:2], NAMES[1::-1])
    )
    assert (one["wins"], one["losses"]) == (other["losses"], other["wins"])
    assert one["expected"] == pytest.approx(1 - other["expected"])


def test_a_model_beyond_all_others_is_in_the_matrix_all_the_same(tmp_path: Path) -> None:
    rows = [
        row | {"winner": next(side for side in ("model_a", "model_b") if row[side] == "Heron")}
        if "Heron" in row.values()
        else row
        for row in votes()
    ]
    found = ranked(write(tmp_path / "v.csv", rows), "--show", "matrix", "--prior", "none")["pairs"]
    beyond = next(pair for pair in found if pair["model"] == "Heron")
    assert (beyond["observed"], beyond["expected"], beyond["lower"]) == (1, 1, None)
    assert len(found) == 12


def test_a_model_has_its_standing_and_all_it_met(file: Path) -> None:
    found = ranked(file, *asked("model", NAMES[0]))
    assert found["slices"][0]["rank"] == 1
    assert {one["other"] for one in found["against"]} == set(NAMES[1:])


def test_ratings_over_time_end_where_elo_stands(file: Path) -> None:
    found = ranked(file, "--show", "over-time")
    elo = {row["model"]: row["rating"] for row in ranked(file, "--method", "elo")["models"]}
    assert {line["model"]: line["ratings"][-1] for line in found["lines"]} == pytest.approx(elo)
    assert found["positions"][-1] == 400
    for arguments in (["--show", "over-time"], ["--method", "elo"]):
        assert "at most 4 points (Elo's K)" in run(file, *arguments).stderr


def test_votes_that_move_no_rating_are_told(tmp_path: Path) -> None:
    rows = [row | {"winner": "both_bad" if n % 2 else "tie"} for n, row in enumerate(votes(20))]
    file = write(tmp_path / "v.csv", rows)
    for view in ("over-time", "matrix"):
        assert "No vote rates a model" not in run(file, "--show", view).output
        assert not run(file, "--show", view, "--ties", "drop").stdout
        told = " ".join(run(file, "--show", view, "--ties", "drop").output.split())
        assert "No vote rates a model: all call both responses bad, or are ties that are left out." in told
    assert "no two models have been compared" in run(file, "--show", "firmness", "--ties", "drop").output
    assert "No vote prefers a side" in " ".join(run(file, "--show", "bias").output.split())
    # There are no intervals that few prompts or annotators could make any narrower.
    assert not [note for note in ranked(file, "--ties", "drop")["notes"] if "interval" in note]


def test_a_side_that_wins_is_seen(tmp_path: Path) -> None:
    rows = [{**row, "winner": "model_a"} if n % 3 else row for n, row in enumerate(votes())]
    found = ranked(write(tmp_path / "v.csv", rows), "--show", "bias")
    assert 0.5 < found["lower"] < found["share"]
    # An export says who stood on the left, whichever model its rows name first.
    turned = {"model_a": "model_b", "model_b": "model_a"}
    exported = []
    for n, row in enumerate(rows):
        a, b, winner = row["model_a"], row["model_b"], row.pop("winner")
        row |= {"outcome": winner, "first_shown": "a"}
        if n % 2:
            row |= {"model_a": b, "model_b": a, "outcome": turned.get(winner, winner), "first_shown": "b"}
        exported.append(row)
    unseen = [rows[0] | {"outcome": "model_b", "first_shown": ""}] * 90
    again = ranked(write(tmp_path / "e.csv", [*exported, *unseen]), "--show", "bias")
    assert again.pop("notes") == found.pop("notes") == []
    assert again == pytest.approx(found)
    told = run(tmp_path / "e.csv", "--show", "bias").output
    assert f"known of {found['left'] + found['right'] + found['ties']} votes" in told
    few = write(tmp_path / "f.csv", [row | {"annotator": f"w{n % 3}"} for n, row in enumerate(exported)])
    assert ranked(few, "--show", "bias")["lower"] is None
    assert "Fewer than 5 annotators: no interval." in run(few, "--show", "bias").output


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    hostile = "evil\x1b[2J\nname\u202e"
    rows = [
        {name: hostile if value == "Moth" else value for name, value in row.items()} | {"kind": "a\x1bb"}
        for row in votes()
    ]
    file = write(tmp_path / "v.jsonl", rows)
    for arguments in ([], ["--by", "kind"], asked("matrix"), asked("over-time"), asked("model", "Nobody")):
        result = run(file, *arguments)
        assert not set("\x1b\u202e") & set(result.output), arguments
        # A narrow column folds a name.
        seen = "".join(char for char in result.output if char.isalnum() or char in "\\[")
        assert r"evil\x1b[2J\nname\u202e" in seen, arguments


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (asked("model"), "takes one --model"),
        (asked("head-to-head", NAMES[0]), "two different models"),
        (asked("head-to-head", NAMES[0], NAMES[0]), "two different models"),
        (asked("matrix", NAMES[0]), "takes no --model"),
        (asked("model", "Nobody"), "no model 'Nobody'"),
        (asked("everything"), "everything"),
        ([*asked("matrix"), "--interval", "none"], "with intervals"),
    ],
)
def test_a_wrong_question_is_told(arguments: list[str], word: str, file: Path) -> None:
    result = run(file, *arguments)
    assert result.exit_code == 2
    assert word in result.stderr


@pytest.mark.parametrize("view", commands.VIEWS)
def test_no_votes_at_all_are_told(view: str, tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text("model_a,model_b,winner,annotator,annotator_kind,prompt_id\n")
    result = run(file, *asked(view, *OF.get(view, [])), "--json")
    assert isinstance(result.exception, Problem)
    assert "holds no votes" in result.exception.detail


@pytest.mark.parametrize(
    ("winners", "options", "told"),
    [
        (["model_a"] * 9, [], "Of x and y the outer end of the interval comes from the prior"),
        (["tie"] * 9, ["--ties", "davidson"], "ties alone do not tell how far apart models are: no ratings."),
        (["model_a", "model_b"], ["--prior", "none", "--interval", "bootstrap"], "no interval can be read"),
        (
            ["model_a", "model_b"] * 6,
            ["--prior", "none", "--interval", "bootstrap"],
            "of the other samples, so they are likely too narrow.",
        ),
    ],
)
def test_intervals_say_what_no_vote_tells(
    winners: list[str], options: list[str], told: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "v.csv", [{"model_a": "x", "model_b": "y", "winner": one} for one in winners])
    assert told in " ".join(ranked(file, *options)["notes"])
