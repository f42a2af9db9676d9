"""A snapshot never changes; what a later one changed is told, its rules too."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from sqlmodel import Session, select

from app import db
from app.errors import Conflict
from app.exports.forms import ExportSpec
from app.models import AuditEvent, Comparison, Judgment, Project, Snapshot, now
from app.snapshots import reading, withdrawing
from app.snapshots.commands import snapshot
from app.snapshots.diff import compare
from app.snapshots.forms import SnapshotIn
from tests.annotation.arrange import queue
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.snapshots.arrange import API, PAGE, ClientOf, folder, make


@pytest.mark.usefixtures("judged")
def test_a_snapshot_stays_when_the_project_goes_on(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, judged: list[Judgment]
) -> None:
    client = client_of(cast.rosa)
    make(session, client)
    before = client.get(f"{PAGE}/birds-v1/files/SHA256SUMS").data
    first = judged[0]
    first.retired_at = now()
    session.commit()
    make(session, client, name="other", formats="trl")
    make(session, client, held_out="0.5")
    assert "<option selected>birds-v1</option>" in client.get(f"{PAGE}/birds-v2").text
    assert client.get(f"{PAGE}/birds-v1/files/SHA256SUMS").data == before
    page = client.get(f"{PAGE}/birds-v2/changes?since=birds-v1").text
    assert "Held-out share of prompts" in page
    assert "Pairs added" in page


@pytest.mark.usefixtures("judged")
def test_one_that_turned_out_wrong_is_withdrawn_and_put_back(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, program: Callable[..., Program]
) -> None:
    client, asks = client_of(cast.rosa), program(cast.lena)
    make(session, client, formats="trl")
    there, one = folder(app, cast, "birds-v1"), f"{PAGE}/birds-v1"
    files = {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    refused = client.post(f"{one}/withdraw", data={"reason": " "})
    assert (refused.status_code, 'id="reason-error"' in refused.text) == (422, True)
    assert client_of(cast.rui).post(f"{one}/withdraw", data={"reason": "I say so"}).status_code == 403
    assert "X-Tiebreak-Withdrawn" not in asks.get(f"{API}/birds-v1/manifest.json").headers
    client.post(f"{one}/withdraw", data={"reason": "Half of <it> is missing."})
    told = asks.get(f"{API}/birds-v1").json
    assert told["withdrawn_reason"] == "Half of <it> is missing."
    manifest = asks.get(f"{API}/birds-v1/manifest.json")
    assert manifest.headers["X-Tiebreak-Withdrawn"][:19] == told["withdrawn_at"][:19]
    assert manifest.data == files[there / "manifest.json"]
    make(session, client, formats="trl")
    pages = [client.get(address).text for address in (one, f"{PAGE}/birds-v2/changes?since=birds-v1")]
    assert ["Half of &lt;it&gt; is missing." in page for page in pages] == [True, True]
    assert re.search(r"birds-v1</a>\s*<span[^>]*>\s*withdrawn", client.get(PAGE).text)
    assert 'value="birds-v1">birds-v1 (withdrawn)<' in client.get(f"{PAGE}/birds-v2").text
    changes = asks.get(f"{API}/birds-v2/changes?since=birds-v1").json
    assert changes["withdrawn"] == [
        {name: told[name] for name in ("label", "withdrawn_at", "withdrawn_reason")}
    ]
    with app.app_context():
        differs = CliRunner().invoke(snapshot, ["diff", "birds", "birds-v2", "birds-v1", "--json"])
        assert differs.stderr == "birds-v1 is withdrawn: Half of <it> is missing.\n"
        assert orjson.loads(differs.stdout)["withdrawn"] == changes["withdrawn"]
        listed = CliRunner().invoke(snapshot, ["list", "birds"]).stdout
        assert "withdrawn: Half of <it> is missing." in listed.splitlines()[1]
        assert _told("put-back", "birds-v1") == "birds-v1 is put back.\n"
        assert _told("put-back", "birds-v1") == "birds-v1 is not withdrawn.\n"
        assert _told("withdraw", "birds-v2", "Too few.") == "birds-v2 is withdrawn.\n"
        assert "already, for this reason" in _told("withdraw", "birds-v2", " Too few. ")
        again = CliRunner().invoke(snapshot, ["withdraw", "birds", "birds-v2", "Old."])
        assert isinstance(again.exception, Conflict), "it would take the first reason's place unseen"
    late = client.post(f"{PAGE}/birds-v2/withdraw", data={"reason": "Typed by a second person."})
    assert late.status_code == 409
    said = ("To give another reason", "Too few.", 'value="Typed by a second person."')
    assert [part in late.text for part in said] == [True, True, True]
    assert 'name="reason"' not in client.get(f"{PAGE}/birds-v2").text
    assert asks.post(f"{API}/birds-v2/withdraw", {"reason": "Old."}).status_code == 409
    assert asks.get(f"{API}/birds-v2").json["withdrawn_reason"] == "Too few."
    assert "Half of" not in client.get(one).text
    odd = "Again.\x1b[31m\nbirds-v9"
    assert asks.post(f"{API}/birds-v1/withdraw", {"reason": odd}).json["withdrawn_reason"] == odd
    with app.app_context():
        listed = CliRunner().invoke(snapshot, ["list", "birds"]).stdout.splitlines()
        assert [line.partition("\t")[0] for line in listed] == ["birds-v2", "birds-v1"]
        assert "Again.\\x1b[31m\\nbirds-v9" in listed[1]
        differs = CliRunner().invoke(snapshot, ["diff", "birds", "birds-v2", "birds-v1", "--json"])
        assert "birds-v1 is withdrawn: Again.\\x1b[31m\\nbirds-v9" in differs.stderr.splitlines()
    assert asks.post(f"{API}/birds-v1/put-back").json["withdrawn_at"] is None
    client.post(f"{one}/note", data={"note": " For the paper. "})
    assert "For the paper." in client.get(PAGE).text
    assert asks("PATCH", f"{API}/birds-v1", json={"note": ""}).json["note"] == ""
    assert {path: path.read_bytes() for path in there.rglob("*") if path.is_file()} == files
    events = session.exec(select(AuditEvent).where(AuditEvent.subject == "snapshot:birds-v1")).all()
    by = [(event.verb.partition(".")[2], event.account_id) for event in events][1:]
    rosa, lena = cast.rosa.id, cast.lena.id
    assert by[:4] == [("withdraw", rosa), ("put_back", None), ("withdraw", lena), ("put_back", lena)]
    assert by[4:] == [("note", rosa), ("note", lena)]
    assert events[1].detail == {"withdrawn_reason": {"from": None, "to": told["withdrawn_reason"]}}


@pytest.mark.usefixtures("judged")
def test_another_reason_meets_one_that_was_put_back_meanwhile(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(cast.rosa)
    make(session, client, formats="trl")
    client.post(f"{PAGE}/birds-v1/withdraw", data={"reason": "Too few."})
    engine = app.extensions["engine"]
    with db.new_session(engine, write=False) as late:
        seen = reading.find(late, cast.project, "birds-v1")
        late.commit()
        client.post(f"{PAGE}/birds-v1/put-back")
        withdrawing.withdraw(late, cast.project, seen, "Far too few.", by=None)
        late.commit()
        assert (seen.withdrawn_at is not None, seen.withdrawn_reason) == (True, "Far too few.")
    find, meanwhile = reading.find, sa.update(Snapshot).execution_options(synchronize_session=False)
    for said, verb, *more in (
        ("is not withdrawn.", "put-back"),
        ("already, for this reason", "withdraw", "Few."),
    ):
        mark = {"withdrawn_at": now() if more else None, "withdrawn_reason": more[0] if more else None}

        def overtaken(
            session: Session, project: Project, label: str, mark: dict[str, Any] = mark
        ) -> Snapshot:
            """As it stood before somebody else did the same."""
            found = find(session, project, label)
            session.execute(meanwhile.values(mark))
            return found

        monkeypatch.setattr(reading, "find", overtaken)
        with app.app_context():
            assert said in _told(verb, "birds-v1", *more)


def _told(verb: str, label: str, *more: str) -> str:
    """What the command says, on stderr alone, when it did what it was asked."""
    done = CliRunner().invoke(snapshot, [verb, "birds", label, *more], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, "")
    return done.stderr


def test_a_diff_tells_added_removed_and_turned(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    judged: list[Judgment],
) -> None:
    client = client_of(cast.rosa)
    make(session, client)
    gone, turned = judged[:2]
    gone.retired_at = turned.retired_at = now()
    session.flush()
    comparisons = {one.comparison_id for one in judged}
    pair = {one.id: one for one in session.exec(select(Comparison)) if one.id in comparisons}
    judge(session, cast.project, cast.ann, pair[turned.comparison_id], "b")
    # One more vote rewrites nothing.
    judge(session, cast.project, cast.ben, pair[judged[2].comparison_id], "a")
    (new,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, new, "a")
    make(session, client)
    found = program(cast.rosa).get(f"{API}/birds-v2/changes?since=birds-v1").json
    assert found["added"] == [new.pair_id]
    assert found["removed"] == [pair[gone.comparison_id].pair_id]
    assert found["turned"] == [pair[turned.comparison_id].pair_id]
    assert (found["rewritten"], found["same"], found["rules"]) == ([], 10, [])


# For each rule another value than usual.
RULES: dict[str, Any] = {
    "category": ["code"],
    "language": ["en"],
    "model": ["heron-9000"],
    "split": "train",
    "gold": "in",
    "adjudicated": True,
    "kind": "human",
    "group": ["experts"],
    "guideline": [1],
    "criterion": "accuracy",
    "since": "2026-01-01",
    "until": "2026-01-01",
    "ties": "drop",
    "aggregate": "majority",
    "min_votes": 2,
    "min_agreement": 0.5,
    "min_strength": 1.5,
    "held_out": 0.5,
    "salt": "pepper",
    "margin": True,
}


def test_every_rule_is_in_the_manifest_and_named_where_it_changed() -> None:
    one_file = {"format", "file", "part"}
    assert set(RULES) == set(ExportSpec.model_fields) - one_file

    def manifest(**asked: Any) -> dict[str, Any]:
        wanted = SnapshotIn.model_validate({"name": "birds", **asked})
        about = {"code": {}, "guidelines": [], "files": [], "licence": wanted.licence}
        return {"filters": wanted.filters, "policy": wanted.policy, **about}

    usual = manifest()
    for name, value in RULES.items():
        changed = manifest(**{name: value})
        assert changed["policy"][name] == value, name
        named = {rule for rule, *_ in compare([], [], (usual, changed)).rules}
        assert named == ({name, "verdict"} if name == "aggregate" else {name}), name
    assert compare([], [], (usual, manifest(licence="mit"))).rules == [("licence", "unknown", "mit")]
    old = manifest(split="train")
    del old["policy"]["split"]
    assert compare([], [], (usual, old)).rules == [("split", None, "train")]
    # An old one does not say what its judgments were asked, so that nothing is compared with it.
    first, second = {"version": 1}, {"version": 2}
    old = usual | {"guidelines": [first, second]}
    new = old | {"guidelines": [first | {"path": "guidelines/v1.md"}, second], "rubrics": []}
    later = new | {"guidelines": [first, second | {"path": "guidelines/v2.md"}]}
    assert compare([], [], (old, new)).rules == []
    assert compare([], [], (new, later)).rules == [("guidelines", [1], [2])]
