"""The programs on the page of examples run as they are shown, against a server that runs."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.accounts import tokens
from app.examples.recipes import FOLDER, RECIPES
from app.models import Account, Annotator, AnnotatorKind, Job, Judgment, Scope
from app.projects.commands import project
from app.settings import Settings
from app.snapshots import verify
from app.webhooks import signing
from tests.annotation.arrange import ask, queue
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.faults.servers import served

ClientOf = Callable[[Account | None], FlaskClient]
PAGE = "/p/birds/programs"
EVERYTHING = {
    "points": 7,
    "both_bad": False,
    "criteria": [
        {"key": "truth", "name": "Truth", "required": True},
        {"key": "tone", "name": "Tone", "judged": "rated", "required": True},
        {"key": "care", "name": "Care"},
    ],
    "rationale": "required",
    "rationale_min": 40,
    "better_answer": "required",
    "confidence": "required",
    "questions": [
        {
            "key": "known",
            "text": "Did you know “it”?",
            "answered": "one",
            "options": ["Yes", "No"],
            "required": True,
        },
        {
            "key": "seen",
            "text": "Seen?",
            "answered": "several",
            "options": ["Here", "There"],
            "required": True,
        },
        {"key": "else", "text": "What else?", "required": True},
    ],
}


class Programs(HTMLParser):
    """What a reader copies off the page: the text of each block, by its id."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] = {}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "pre":
            self._inside = dict(attrs).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[self._inside] = self.found.get(self._inside, "") + data


@dataclass
class Live:
    """A server, and a way to run a program of the page with a token that is for no more than it says."""

    address: str
    folder: Path
    page: str
    secrets: dict[str, str]

    def run(self, name: str) -> str:
        """What it prints, once it has done what it should."""
        (scope,) = (recipe.scope for recipe in RECIPES if recipe.name == name)
        done = self.try_to(name, self.secrets[scope])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_to(self, name: str, secret: str) -> subprocess.CompletedProcess[str]:
        """How it ends with any token."""
        program = Programs(self.page).found[name].replace("http://localhost", self.address)
        start = [sys.executable, "-c"] if name.endswith("-py") else ["bash", "-c"]
        return subprocess.run(
            [*start, program],
            cwd=self.folder,
            env={**os.environ, "TIEBREAK_TOKEN": secret},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def live(
    settings: Settings, session: Session, cast: Cast, client_of: ClientOf, tmp_path: Path
) -> Iterator[Live]:
    for number, comparison in enumerate(queue(session, cast.project, 6, wanted=2)):
        judge(session, cast.project, cast.ann, comparison, "ab"[number % 2])
    ask(session, cast.project, **EVERYTHING)
    people = {Scope.READ: cast.rosa, Scope.ANNOTATE: cast.ben, Scope.MANAGE: cast.lena}
    secrets = {
        scope.value: tokens.create(session, who, "program", by=who, scopes=(scope,))[1]
        for scope, who in people.items()
    }
    session.commit()
    page = client_of(cast.lena).get(PAGE).text
    folder = tmp_path / "reader"
    folder.mkdir()
    with served(settings) as (port, _):
        yield Live(f"http://127.0.0.1:{port}", folder, page, secrets)


def long_filters(live: Live) -> None:
    """Nearly eight thousand characters of an address are read, and answered by the application itself."""
    names = ",".join(f"category-{number:03}" for number in range(570))
    address = f"{live.address}/api/v1/projects/birds/export/preview?category={names}"
    bearer = {"Authorization": f"Bearer {live.secrets[Scope.READ]}"}
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(address, headers=bearer))  # noqa: S310 -- our own server
    assert refused.value.status == 422


def unlike_its_receipt(live: Live) -> None:
    """Bytes that changed on the way do not take the place of the last good file."""
    file = live.folder / "birds-trl.jsonl"
    good = file.read_bytes()
    changed = live.page.replace("receipt=$(", "echo >> &#34;$file.part&#34;\nreceipt=$(")
    failed = replace(live, page=changed).try_to("download-sh", live.secrets[Scope.READ])
    assert failed.returncode == 1
    assert "Not whole" in failed.stderr
    assert file.read_bytes() == good
    (live.folder / "birds-trl.jsonl.part").unlink()


def fetched_whatever_is_there_already(live: Live, client: FlaskClient) -> None:
    """A snapshot, by the lines on its page: nothing, a part or something else may be there."""
    client.post("/p/birds/snapshots", data={"name": "birds", "formats": "openai"})
    on_page = replace(live, page=client.get("/p/birds/snapshots/birds-v1").text)
    for program in ("whole", "fetch"):
        refused = on_page.try_to(program, "tb_wrong")
        assert refused.returncode != 0
        assert "401" in refused.stderr
    folder, secret = live.folder / "birds-v1", live.secrets[Scope.READ]
    packed = live.folder / "birds-v1.tar"
    packed.touch()
    for there in (0, 700):
        packed.write_bytes(packed.read_bytes()[:there])
        shutil.rmtree(folder, ignore_errors=True)
        assert on_page.try_to("whole", secret).returncode == 0
        assert verify.differences(folder) == []
    shutil.rmtree(folder)
    assert on_page.try_to("fetch", secret).returncode == 0
    whole = (folder / "README.md").read_bytes()
    for there in (whole[:100], b"x" * len(whole), b"x" * (len(whole) + 1)):
        (folder / "README.md").write_bytes(there)
        assert on_page.try_to("fetch", secret).returncode == 0
        assert (folder / "README.md").read_bytes() == whole


def test_the_programs_do_what_they_say(
    live: Live, session: Session, cast: Cast, client_of: ClientOf, app: Flask
) -> None:
    """One server for all of them: it takes longer to start than they to run."""
    long_filters(live)
    assert live.run("download-py").startswith("6 rows")
    file = live.folder / "birds-trl.jsonl"
    assert len(file.read_text().splitlines()) == 6
    if shutil.which("curl"):
        file.write_bytes(good := file.read_bytes() + b"from yesterday")
        for program in ("download-sh", "leaderboard-sh", "import-sh"):
            refused = live.try_to(program, "tb_wrong")
            assert refused.returncode != 0
            assert '"status":401' in refused.stdout + refused.stderr
        assert file.read_bytes() == good, "the last good file stays"
        said = live.run("download-sh")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert len(file.read_text().splitlines()) == 6
        assert f"Whole: birds-trl.jsonl has the receipt's digest, {digest}." in said
        unlike_its_receipt(live)
        assert [path.name for path in live.folder.glob("birds-trl.jsonl*")] == ["birds-trl.jsonl"]
        assert len(json.loads(live.run("leaderboard-sh"))["models"]) == 2
        job = json.loads(live.run("import-sh"))
        assert session.exec(select(Job.kind).where(Job.uid == job["job"])).one() == "import"
        fetched_whatever_is_there_already(live, client_of(cast.lena))
        session.rollback()
    refused = live.try_to("judge-py", "tb_wrong")
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["status"] == 401
    told = re.search("# tiebreak project (.+)", Programs(live.page).found["judge-py"])
    assert told is not None
    said = told[1].replace("EMAIL", cast.ben.email).split()
    with app.app_context():
        assert CliRunner().invoke(project, said).exit_code == 0
    assert live.run("judge-py") == "6 judged\n"
    session.rollback()
    kinds = session.exec(select(Annotator.kind).join(Judgment)).all()
    assert Counter(kinds) == {"human": 6, "model": 6}


def test_a_signature_is_recognised(cast: Cast, client_of: ClientOf) -> None:
    code = Programs(client_of(cast.lena).get(PAGE).text).found["webhook-py"]
    known: dict[str, Callable[..., bool]] = {}
    exec(code, known)  # noqa: S102 -- our own program
    secret, moment = signing.new_secret(), int(time.time())
    headers = signing.signed(secret, "m1", moment, b"{}")
    assert known["is_ours"](secret, headers, b"{}")
    assert not known["is_ours"](secret, headers, b"{ }")
    assert not known["is_ours"](signing.new_secret(), headers, b"{}")
    assert not known["is_ours"](secret, signing.signed(secret, "m1", moment - 600, b"{}"), b"{}")
    for odd in ({"webhook-timestamp": "now"}, {"webhook-signature": "v1,ñ"}, {"webhook-id": "\udcff"}):
        assert known["is_ours"](secret, headers | odd, b"{}") is False
    assert known["is_ours"](secret, {}, b"{}") is False


def test_those_that_need_a_trainer_are_python_at_least(cast: Cast, client_of: ClientOf) -> None:
    found = Programs(client_of(cast.rosa).get(PAGE).text).found
    for name in ("datasets-py", "trl-py"):
        ast.parse(found[name])
        assert "birds-trl.jsonl" in found[name]


def test_everybody_sees_what_they_may_do(cast: Cast, client_of: ClientOf) -> None:
    def names(who: Account) -> set[str]:
        return set(Programs(client_of(who).get(PAGE).text).found) - {"token"}

    assert names(cast.ann) == {"judge-py"}
    assert names(cast.vic) == {"leaderboard-sh"}
    assert names(cast.lena) == {recipe.name for recipe in RECIPES}
    assert client_of(cast.otto).get(PAGE).status_code == 404


def test_a_judge_models_project_leads_to_its_program(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    session.add(Annotator(project_id=cast.project.id, account_id=cast.ben.id, kind=AnnotatorKind.MODEL))
    session.commit()
    assert PAGE in client_of(cast.ben).get("/p/birds/").text
    assert PAGE not in client_of(cast.ann).get("/p/birds/").text


def test_every_program_is_shown() -> None:
    assert {recipe.file for recipe in RECIPES} == {path.name for path in FOLDER.iterdir()}
