"""Files of votes: which are understood, and what is said of those that are not."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from click.testing import CliRunner
from pyarrow import parquet

from app.errors import Problem
from app.leaderboard.commands import rank
from tests.leaderboard.vote_files import HEAD, ranked, run, votes, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "votes.csv", votes())


@pytest.mark.parametrize("name", ["votes.jsonl", "votes.parquet", "votes.csv.gz", "votes.jsonl.gz"])
@pytest.mark.parametrize("cluster", ["both", "annotator", "prompt", "comparison", "none"])
def test_every_kind_of_file_gives_the_same(name: str, cluster: str, file: Path, tmp_path: Path) -> None:
    other = write(tmp_path / name, votes())
    assert ranked(other, "--cluster", cluster) == ranked(file, "--cluster", cluster)


def test_a_spreadsheets_csv_is_understood(file: Path, tmp_path: Path) -> None:
    text = file.read_text().replace("\n", "\r\n")
    other = tmp_path / "votes.csv.zst"
    other.write_bytes(zstandard.compress(("\ufeff" + text + "\r\n\r\n").encode()))
    assert ranked(other) == ranked(file)


def test_left_and_right_are_understood(file: Path, tmp_path: Path) -> None:
    words = {"model_a": "left", "model_b": "right"}
    rows = [
        {
            "left": row["model_a"],
            "right": row["model_b"],
            "winner": words.get(row["winner"], row["winner"]),
            "worker": row["annotator"],
            "question_id": row["prompt_id"],
        }
        for row in votes()
    ]
    assert ranked(write(tmp_path / "other.csv", rows)) == ranked(file)


@pytest.mark.parametrize("winner", ["Tie", "model_c", "TIE", "draw", "", "A", " tie"])
def test_an_unknown_outcome_is_refused_with_its_line_and_value(winner: str, tmp_path: Path) -> None:
    rows = votes(20)
    rows[3]["prompt_id"] = "two\nlines"
    rows[7]["winner"] = winner
    for name, place in (("v.csv", "line 10"), ("v.jsonl", "line 8"), ("v.parquet", "row 8")):
        error = run(write(tmp_path / name, rows), "--json").exception
        assert isinstance(error, Problem)
        shown = repr(winner) if winner or name != "v.csv" else "missing"
        assert f"{name}, {place}: winner is {shown}; expected one of model_a" in error.detail


def test_a_model_against_itself_or_without_a_name_is_refused(tmp_path: Path) -> None:
    rows = votes(10)
    rows[4]["model_b"] = rows[4]["model_a"]
    error = run(write(tmp_path / "v.csv", rows)).exception
    assert isinstance(error, Problem)
    assert f"line 6: '{rows[4]['model_a']}' is compared with itself." in error.detail
    rows[4]["model_b"] = ""
    error = run(write(tmp_path / "v.csv", rows)).exception
    assert isinstance(error, Problem)
    assert "line 6: model_b is missing." in error.detail


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("v.csv", f"{HEAD}x,y,tie\nx,y\n", "v.csv, line 3: 2 values where the header has 3 columns."),
        ("v.csv", f"{HEAD}x,y,tie,more\n", "v.csv, line 2: 4 values where the header has 3 columns."),
        (
            "v.csv",
            f"{HEAD}{'x' * 200_000},y,tie\nx,y,draw\n",
            "v.csv, row 2: winner is 'draw'; expected one of",
        ),
        ("v.csv", "x" * 200_000, "v.csv cannot be read: field larger than field limit"),
        ("v.csv", f"{HEAD}nan,nan,tie\n", "v.csv, line 2: 'nan' is compared with itself."),
        ("v.csv", HEAD, "v.csv holds no votes"),
        ("v.csv", "", "found none."),
        ("v.jsonl", "", "found none."),
        ("v.jsonl", "winner\n", "v.jsonl, line 1: no JSON (Expecting value at character 1)."),
        ("v.jsonl", "[1, 2]\n", "v.jsonl, line 1: a vote must be an object, not a list."),
        (
            "v.jsonl",
            '{"model_a": 1, "model_b": "y", "winner": "tie"}\n{"model_a": "x", "model_b": "y"}\n',
            "v.jsonl, line 2: model_a is a text, and above it was a number.",
        ),
        (
            "v.jsonl",
            '{"model_a": "x", "model_b": "y", "winner": NaN}\n',
            "v.jsonl, line 1: winner is missing",
        ),
        (
            "v.jsonl",
            '{"model_a": "x", "model_b": NaN, "winner": "tie"}\n',
            "v.jsonl, line 1: model_b is missing.",
        ),
        (
            "v.jsonl",
            '{"model_a": "x", "model_b": NaN, "winner": "tie"}\n{"model_b": "y"}\n',
            "v.jsonl, line 1: model_b is missing.",
        ),
        (
            "v.jsonl",
            '{"model_a": "x", "model_b": "y", "winner": "tie"}\n{"model_b": NaN}\n',
            "v.jsonl, line 2: model_b is missing.",
        ),
        (
            "v.jsonl",
            '{"model_a": "x", "model_b": null, "winner": "tie"}\n',
            "v.jsonl, line 1: model_b is missing.",
        ),
        (
            "v.jsonl",
            '{"model_a": ["x"], "model_b": "y", "winner": "tie"}\n',
            "v.jsonl: model_a holds lists or objects, where a word was expected.",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(name: str, text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    # As in a process that has imported nothing yet.
    csv.field_size_limit(2**17)
    error = run(tmp_path / name).exception
    assert isinstance(error, Problem)
    assert told in error.detail


@pytest.mark.parametrize("after", [0, 20_000])
@pytest.mark.parametrize(
    ("name", "row", "bad"),
    [
        ("v.csv", b"x,y,tie\n", b"caf\xe9,y,tie\n"),
        (
            "v.jsonl",
            b'{"model_a":"x","model_b":"y","winner":"tie"}\n',
            b'{"model_a":"caf\xe9","model_b":"y","winner":"tie"}\n',
        ),
    ],
)
def test_text_of_another_encoding_is_told_in_words(
    name: str, row: bytes, bad: bytes, after: int, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes((HEAD.encode() if name == "v.csv" else b"") + row * after + bad)
    told = str(run(file).exception)
    assert (
        told
        == f"{name} is not UTF-8 text: save it as UTF-8. The name of a compressed file ends in .gz or .zst."
    )
    packed = tmp_path / "packed.csv"
    packed.write_bytes(b"\x1f\x8b\x08")
    assert "packed.csv is not UTF-8 text" in str(run(packed).exception)
    packed.rename(tmp_path / "packed.parquet")
    assert (
        str(run(tmp_path / "packed.parquet").exception)
        == "packed.parquet is no Parquet file, or not all of one."
    )


def test_a_file_that_is_no_votes_is_refused_with_what_was_found(tmp_path: Path) -> None:
    error = run(write(tmp_path / "v.csv", [{"prompt": "x", "response": "y"}])).exception
    assert isinstance(error, Problem)
    assert "expected the columns model_a, model_b, winner" in error.detail
    assert "found prompt, response" in error.detail
    (tmp_path / "v.txt").write_text("x")
    error = run(tmp_path / "v.txt").exception
    assert isinstance(error, Problem)
    assert ".csv" in error.detail


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    bare = [{key: row[key] for key in ("model_a", "model_b", "winner")} for row in votes(50)]
    file = write(tmp_path / "v.csv", bare)
    assert ranked(file)["parameters"]["cluster"] == "none"
    for options, word in ((("--cluster", "prompt"), "prompt_id"), (("--by", "topic"), "'topic'")):
        error = run(file, *options).exception
        assert isinstance(error, Problem)
        assert word in error.detail


def test_more_models_than_can_be_ranked_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"m{n},n{n},tie\n" for n in range(1_001))
    file = tmp_path / "votes.csv"
    file.write_text(f"model_a,model_b,winner\n{rows}")
    done = CliRunner().invoke(rank, [str(file)])
    assert done.exit_code == 1
    assert "2,002 models" in str(done.exception)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_columns_may_be_apart_as_spreadsheets_write_them(tmp_path: Path, delimiter: str) -> None:
    comma, other = (write(tmp_path / name, votes()) for name in ("comma.csv", "other.csv"))
    other.write_text(other.read_text().replace(",", delimiter))
    assert (
        json.loads(run(other, "--json").stdout)["models"] == json.loads(run(comma, "--json").stdout)["models"]
    )
    other.write_text(
        delimiter.join(("model_a", "model_b", "winner")) + f"\nHeron{delimiter}Lark{delimiter}nobody\n"
    )
    assert "line 2" in str(run(other).exception)


@pytest.mark.parametrize("name", ["votes.csv", "votes.parquet"])
def test_a_header_alone_is_no_ranking(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".csv":
        path.write_text("model_a,model_b,winner\n")
    else:
        parquet.write_table(
            pa.table({name: pa.array([], pa.string()) for name in ("model_a", "model_b", "winner")}), path
        )
    refused = run(path).exception
    assert isinstance(refused, Problem)
    assert f"{name} holds no votes" in refused.detail
