"""What a snapshot's card tells, to `datasets` and to whoever reads it."""

import re
from collections import Counter
from collections.abc import Callable

import orjson
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import yaml
from flask import Flask
from markupsafe import escape
from sqlmodel import Session, select

from app.asking import rubrics
from app.exports import filters
from app.exports.filters import left_out
from app.exports.forms import ExportSpec, Format
from app.models import (
    Adjudication,
    Comparison,
    Guideline,
    Judgment,
    Outcome,
    Project,
    Response,
    RubricVersion,
)
from app.rubric import Criterion, Rubric
from app.snapshots import verify
from tests.annotation.arrange import annotator_of, queue
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.snapshots.arrange import API, PAGE, ClientOf, folder, make


@pytest.mark.usefixtures("judged")
def test_the_card_is_what_datasets_reads_and_tells_what_is_known(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(session, client_of(cast.rosa), min_votes="1")
    there = folder(app, cast, "birds-v1")
    front, _, card = (there / "README.md").read_text().removeprefix("---\n").partition("\n---\n")
    told = yaml.safe_load(front)
    # One configuration: datasets takes one kind of file for all of them.
    (default,) = told["configs"]
    assert {file["path"] for file in default["data_files"]} <= {"data/train.parquet", "data/test.parquet"}
    assert all((there / file["path"]).exists() for file in default["data_files"])
    assert told["language"] == ["en"]
    assert (told["license"], "license_name" in told) == ("unknown", False)
    assert "12 by people" in card
    assert told["tags"] == ["preference", "rlhf", "human-feedback"]
    assert "12 of 12 pairs rest on one judgment" in card
    assert "- In fewer than 30 pairs: `heron-9000`, `lark-9000`." in card
    assert "Not known: no judgment tells which response stood on the left." in card
    assert "Not stated" in card
    (example,) = re.findall(r'"DIRECTORY/(\S+\.jsonl\S*)"', card)
    page = client_of(cast.rosa).get(f"{PAGE}/birds-v1").text
    assert "pretty_name" not in page
    programs, _, card = page.partition("<h2>Card</h2>")
    assert "zstandard" in programs.partition("Fetch and load it")[2]
    assert f'data_files="birds-v1/{example}"' in programs
    assert ("SHA-256</th>" in programs, "How they agreed" in card) == (True, True), "the card comes last"
    folded = re.findall(r"<details[^>]*?( open)?><summary>([^<]+)</summary>", page)
    assert [said for is_open, said in folded if is_open] == ["Known gaps"]
    files = sum(path.is_file() for path in there.rglob("*"))
    assert {"How they agreed", f"{files} files"} <= {said for is_open, said in folded if not is_open}
    annotator_of(session, cast.project, cast.ann).simulated = True
    session.commit()
    (prose,) = queue(session, cast.project, category="prose")
    judge(session, cast.project, cast.ann, prose, "a")
    judge(session, cast.project, cast.ben, prose, "a")
    counts: list[Format] = []

    def count(connection: sa.Connection, project: Project, spec: ExportSpec) -> Counter[str]:
        counts.append(spec.format)
        return left_out(connection, project, spec)

    monkeypatch.setattr(filters, "left_out", count)
    cast.project.name = "<b>Ho & *stile*</b> $1$"
    session.commit()
    make(session, client_of(cast.rosa), category="code", licence="birds-1.0")
    assert len(counts) == 3, "comparisons, live judgments and all judgments, each once for all formats"
    there = folder(app, cast, "birds-v2")
    front, _, card = (there / "README.md").read_text().partition("\n---\n")
    # A name is words, whatever signs it has; only Markdown needs to be told.
    assert "\n# \\<b\\>Ho \\& \\*stile\\*\\</b\\> \\$1\\$: birds-v2\n" in card
    said = "judged side by side in the project <b>Ho & *stile*</b> $1$."
    assert said in orjson.loads((there / "croissant.json").read_bytes())["description"]
    assert str(escape(said)) in client_of(cast.rosa).get(f"{PAGE}/birds-v2").text
    told = yaml.safe_load(front.removeprefix("---\n"))
    assert told["tags"] == ["preference", "synthetic"]
    # Hugging Face refuses a name that is none of its own.
    assert (told["license"], told["license_name"]) == ("other", "birds-1.0")
    # Once, and not for each split; what is in the other one is not left out.
    assert "- 1 comparison left out: prompt of another category." in card
    manifest = orjson.loads((there / "manifest.json").read_bytes())
    # As it was told before it was frozen: the two who agree judged what this leaves out.
    shown = program(cast.rosa).get("/projects/birds/export/preview?category=code").json
    assert manifest["judged"] == shown["judged"]
    assert "12 judgments of 12 comparisons pass the filters" in card
    assert "12 by simulated annotators (12 as people, 0 as judge models). 1 annotator gave them" in card
    assert "none of these comparisons was judged by two" in card
    assert "judged no gold comparison" in card
    assert "- All judgments are simulated, not people's." in card
    told = {form: (manifest["excluded"][form], manifest["excluded_units"][form]) for form in ("trl", "arena")}
    reason = "prompt of another category"
    assert told["trl"] == ({reason: 1}, {reason: "comparisons"})
    assert told["arena"] == ({reason: 2}, {reason: "judgments"})
    changes = client_of(cast.rosa).get(f"{PAGE}/birds-v2/changes?since=birds-v1").text
    assert re.search(r"Category</th><td><bdi>–</bdi></td><td><bdi>code</bdi></td>", changes)


def test_the_card_tells_pairs_from_their_judgments(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    judged: list[Judgment],
) -> None:
    pairs = [session.get_one(Comparison, one.comparison_id) for one in judged]
    for comparison in pairs[:4]:
        judge(session, cast.project, cast.ben, comparison, "a")
        of_a = (Response.prompt_id == comparison.prompt_id, Response.model_id == comparison.model_a_id)
        longer = session.exec(select(Response).where(*of_a)).one()
        longer.messages = [{"role": "assistant", "content": "An answer that is longer than the other."}]
    judge(session, cast.project, cast.ben, pairs[4], "b")
    judge(session, cast.project, cast.ben, pairs[5], "tie")
    session.add(Adjudication(comparison_id=pairs[0].id, account_id=cast.rui.id, outcome=Outcome.A))
    session.commit()
    make(session, client_of(cast.rosa), aggregate="each")
    there = folder(app, cast, "birds-v1")
    card = (there / "README.md").read_text()
    assert "14 judgments of 10 pairs of responses of 2 models to 10 prompts" in card
    assert "14 judgments of these pairs: 14 by people" in card
    assert "0 pairs were decided by a reviewer's verdict" in card
    assert "6 of 10 pairs rest on one judgment" in card
    assert "4 judgments left out: annotators divided" in card
    # Each pair once: Wilson's interval of 4 out of 4.
    assert "preferred in 100.0 % of 4 pairs that differ in length (95 % interval 51.0 to 100.0)" in card
    assert orjson.loads((there / "manifest.json").read_bytes())["pairs"] == 10
    assert "do not tell how annotators agreed" in card
    imported = annotator_of(session, cast.project, cast.ben)
    annotator_of(session, cast.project, cast.ann).simulated = True
    imported.account_id, imported.name = None, "gpt-4o"
    last, known = queue(session, cast.project, 2)
    known.gold = Outcome.A
    judge(session, cast.project, cast.ann, known, "a", commit=False)
    judge(session, cast.project, cast.ann, last, "b")
    make(session, client_of(cast.rosa), held_out="0.2", salt="pep`per")
    card = (folder(app, cast, "birds-v2") / "README.md").read_text()
    rows = {
        path.stem: pq.read_metadata(path).num_rows
        for path in (folder(app, cast, "birds-v2") / "data").glob("*.parquet")
    }
    for split in ("train", "test"):
        assert re.search(rf"^- `{split}`: {rows.get(split, 0)} rows?$", card, re.MULTILINE)
    # A prompt has one row here.
    assert f" Of the 11 prompts written, {rows['test']} are in `test`.\n" in card
    assert "20 % of prompts are held out for `test`: those where a digest of the salt (`` pep`per ``)" in card
    assert "- `heron-9000`: 11 pairs, chosen in 10\n- `lark-9000`: 11 pairs, chosen in 1\n" in card
    assert "- `code`: 10 pairs\n- none: 1 pair\n" in card
    assert "4 of these judgments came with imported files" in card
    assert "Of the 11 pairs written, 4 have two judgments or more: on average 100.0 % of them are" in card
    assert "4 pairs are unanimous. Ties are left out, and divided pairs that nothing else decided.\n" in card
    named = re.findall(r"^\| `(\w+)` \|", card, re.MULTILINE)
    assert named == pq.read_schema(folder(app, cast, "birds-v2") / "data" / "train.parquet").names
    assert "11 preferences between responses of 2 models" in card
    assert "1 pair was decided by a reviewer's verdict" in card
    assert "these annotators are right in 100.0 % of 1 judgment (95 % interval 20.7 to" in card
    assert "on the 6 comparisons that two or more of them judged:\n\n|" in card
    assert "2 comparisons left out: annotators divided" in card
    assert "7 of 11 pairs rest on one judgment" in card
    assert "- Some judgments are simulated, not people's." in card
    make(session, client_of(cast.rosa), gold="only", formats="trl")
    there = folder(app, cast, "birds-v3")
    card = (there / "README.md").read_text()
    assert "1 judgment of 1 comparison passes the filters, in both splits, all on gold comparisons: " in card
    assert "these annotators are right in 100.0 % of 1 judgment" in card
    shown = program(cast.rosa).get("/projects/birds/export/preview?gold=only").json
    assert orjson.loads((there / "manifest.json").read_bytes())["judged"] == shown["judged"]


def test_what_was_asked_is_in_the_snapshot_in_full(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    judged: list[Judgment],
) -> None:
    text = "Read both.\nThen choose.\n\n" + "considerately " * 300
    first = Guideline(project_id=cast.project.id, version=1, text=text)
    session.add(first)
    wanted = Rubric(points=5, criteria=[Criterion(key="accuracy", name="Accuracy", description="Is it so?")])
    rubrics.publish(session, cast.project, wanted, by=cast.lena)
    session.flush()
    under = {"guideline_id": first.id, "rubric_id": session.exec(select(RubricVersion.id)).one()}
    for one in judged[1:]:
        one.sqlmodel_update(under)
    asks = program(cast.lena)
    rubric = asks.get("/projects/birds/rubric").json
    client = client_of(cast.rosa)
    session.add(Guideline(project_id=cast.project.id, version=2, text="Choose the shorter."))
    later = Rubric(points=3, criteria=[Criterion(key="tone", name="Tone")])
    rubrics.publish(session, cast.project, later, base=1, by=cast.lena)
    session.commit()
    make(session, client)
    there = folder(app, cast, "birds-v1")
    assert (there / "guidelines" / "v1.md").read_text() == text
    assert orjson.loads((there / "rubrics" / "v1.json").read_bytes()) == rubric
    assert verify.differences(there) == []
    manifest = orjson.loads((there / "manifest.json").read_bytes())
    held = {file["path"]: file["sha256"] for file in manifest["files"]}
    assert {path for path in held if path.startswith(("guidelines", "rubrics"))} == {
        "guidelines/v1.md",
        "rubrics/v1.json",
    }
    told = [(one["version"], one["judgments"], one.get("path")) for one in manifest["guidelines"]]
    assert told == [(1, 11, "guidelines/v1.md"), (2, 0, None)]
    assert [(one["rows"], held[one["path"]] == one["sha256"]) for one in manifest["guidelines"][:1]] == [
        (11, True)
    ]
    assert [one.get("path") for one in manifest["rubrics"]] == ["rubrics/v1.json", None]
    card = (there / "README.md").read_text()
    asked = card.partition("## What was asked")[2].partition("## Of whom")[0]
    assert "- Guideline, version 1: 11 rows ([its whole text](guidelines/v1.md)).\n- 1 row names no" in asked
    assert "- Rubric, version 1: 11 judgments of those read ([all that it asks](rubrics/v1.json))." in asked
    assert "Beside the verdict: Accuracy.\n" in asked
    assert ("version 2" in asked, "shorter" in asked) == (False, False)
    assert "> Read both.  \n> Then choose.\n>\n" in asked
    quoted = [line for line in asked.splitlines() if line.startswith("> ")]
    assert set(quoted[-1].split()) == {">", "considerately"}
    assert len("".join(quoted)) < 700, "a short excerpt, cut between words"
    assert f"The whole has {len(text):,} characters" in asked
    page = client.get(f"{PAGE}/birds-v1").text
    assert "Read both.<br" in page
    link = re.search(r'<a href="(\S+?)"[^>]*>its whole text', page)
    assert link is not None
    assert client.get(link[1]).text == text
    one = judged[0]
    one.guideline_id = session.exec(select(Guideline.id).where(Guideline.version == 2)).one()
    session.commit()
    make(session, client)
    card = (folder(app, cast, "birds-v2") / "README.md").read_text()
    assert "- Guideline, version 2: 1 row ([its whole text](guidelines/v2.md)).\n\nA row with" in card
    changes = program(cast.rosa).get(f"{API}/birds-v2/changes?since=birds-v1").json
    assert changes["rules"] == [{"name": "guidelines", "before": [1], "after": [1, 2]}]
    make(session, client, formats="trl", guideline="1", split="test")
    there = folder(app, cast, "birds-v3")
    assert not (there / "guidelines" / "v2.md").exists()
    code = re.search(r'data_files=\{"test": "DIRECTORY/(\S+?)"', (there / "README.md").read_text())
    assert code is not None
    assert (there / code[1]).exists()
    # Preferences are by the criterion, and judgments all that was said.
    judged[1].criteria, judged[2].criteria = {"accuracy": "b"}, {"accuracy": "tie"}
    session.commit()
    make(session, client, formats="judgments", criterion="accuracy", ties="drop")
    there = folder(app, cast, "birds-v4")
    files = orjson.loads((there / "manifest.json").read_bytes())["files"]
    rows = Counter({"data": 0, "judgments": 0})
    for file in files:
        rows[file["path"].partition("/")[0]] += file.get("rows", 0)
    assert (rows["data"], rows["judgments"]) == (1, 12)
