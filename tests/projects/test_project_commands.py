"""Projects at a terminal, and as files."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from flask import Flask
from sqlmodel import Session, select

from app.asking import rubrics
from app.errors import Conflict, Invalid, NotFound
from app.models import Annotator, AuditEvent, Guideline, Membership, Project, Role
from app.projects.commands import project
from app.rubric import USUAL_TAGS
from tests.conftest import Cast

FILE = """
name: House assistants
description: Which one helps?
settings: {visibility: public, wanted: 2, daily_goal: 120}
rubric:
  points: 7
  criteria:
    - {key: accuracy, name: Accuracy, description: "Which is more correct?", judged: rated}
    - {key: tone, name: Tone}
  tags: usual
  questions: [{key: sure, text: "Sure?", answered: one, options: [Quite, Hardly]}]
guideline_file: guideline.md
members:
  - {email: ann@example.org, role: annotator}
"""


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """Runs ``tiebreak project …`` in the app's context."""

    def run_command(*arguments: str) -> Result:
        with app.app_context():
            return CliRunner().invoke(project, arguments)

    return run_command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "guideline.md").write_text("Be *kind*.\n")
    (tmp_path / "house.yaml").write_text(FILE)
    return tmp_path / "house.yaml"


def test_add_from_a_file(run: Callable[..., Result], cast: Cast, session: Session, file: Path) -> None:
    answer = run("add", "house", "--from", str(file), "--lead", "lena@example.org")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == ""
    made = session.exec(select(Project).where(Project.slug == "house")).one()
    assert (made.name, made.wanted, made.daily_goal) == ("House assistants", 2, 120)
    version, rubric = rubrics.live(session, made)
    assert (version, rubric.points, [item.key for item in rubric.criteria]) == (1, 7, ["accuracy", "tone"])
    assert rubric.tags == USUAL_TAGS
    assert session.exec(select(Guideline.text)).one() == "Be *kind*."
    roles = select(Membership.account_id, Membership.role).where(Membership.project_id == made.id)
    assert dict(session.exec(roles).all()) == {cast.ann.id: Role.ANNOTATOR, cast.lena.id: Role.LEAD}


def test_what_show_prints_makes_the_same_project(run: Callable[..., Result], cast: Cast, file: Path) -> None:
    run("add", "house", "--from", str(file))
    shown = run("show", "house")
    assert "0 prompts, 0 models" in shown.stderr
    again = file.with_name("again.yaml")
    again.write_text(shown.stdout)
    assert run("add", "copy", "--from", str(again)).exit_code == 0
    first, second = yaml.safe_load(shown.stdout), yaml.safe_load(run("show", "copy").stdout)
    assert first | {"slug": "copy"} == second


def test_add_with_a_slug_only(run: Callable[..., Result], cast: Cast) -> None:
    assert run("add", "big-fish").exit_code == 0
    assert run("list").stdout == "big-fish\topen\tBig fish\nbirds\topen\tBirds\n"


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ("settings: {wanted: 0}", "/settings/wanted"),
        ("settings: {colour: red}", "/settings/colour"),
        ("surprise: yes", "/surprise"),
        ("rubric: {criteria: [{key: tone}]}", "/rubric/criteria/0/name"),
        ("rubric: {tags: [{key: x, name: X}, {key: x, name: Y}]}", "/rubric/tags"),
        (
            "rubric: {questions: [{key: x, text: X, answered: one, options: [y]}]}",
            "/rubric/questions/0/options",
        ),
        ("rubric: {points: 4}", "/rubric/points"),
        ("guideline_file: missing.md", "/guideline_file"),
        ("members:", "/members"),
        ("- a list", None),
        ("a: [", None),
    ],
)
def test_a_refused_file_leaves_nothing(
    run: Callable[..., Result], session: Session, tmp_path: Path, content: str, pointer: str | None
) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    problem = run("add", "fish", "--from", str(tmp_path / "bad.yaml"), "--lead", "lena@example.org").exception
    assert isinstance(problem, Invalid)
    assert [item.pointer for item in problem.errors] == ([pointer] if pointer else [])
    assert not session.exec(select(Project)).all()


def test_a_lead_that_is_no_address_is_told_as_such(run: Callable[..., Result], session: Session) -> None:
    answer = run("add", "fish", "--lead", "lena")
    assert answer.exit_code == 2
    assert "This is not an email address." in answer.output
    assert not session.exec(select(Project)).all()


def test_a_member_without_an_account_leaves_nothing(
    run: Callable[..., Result], session: Session, file: Path
) -> None:
    problem = run("add", "house", "--from", str(file)).exception
    assert isinstance(problem, NotFound)
    assert problem.detail == "There is no account of ann@example.org."
    assert not session.exec(select(Project)).all()


def test_a_file_whose_viewer_is_a_judge_model_says_which(
    run: Callable[..., Result], cast: Cast, session: Session, tmp_path: Path
) -> None:
    file, people = tmp_path / "two.yaml", [("lena", "lead"), ("ann", "viewer")]
    members = [{"email": f"{name}@example.org", "role": role, "kind": "model"} for name, role in people]
    file.write_text(yaml.safe_dump({"members": members}))
    problem = run("add", "house", "--from", str(file)).exception
    assert isinstance(problem, Invalid)
    assert [item.pointer for item in problem.errors] == ["/members/1/kind"]
    session.rollback()
    assert session.exec(select(Project.slug)).all() == ["birds"]


def test_a_judge_model_joins_without_a_browser(
    run: Callable[..., Result], cast: Cast, session: Session
) -> None:
    otto = ("member", "birds", "otto@example.org", "--role")

    def there() -> tuple[Role | None, list[str]]:
        session.rollback()
        found = session.get(Membership, (cast.otto.id, cast.project.id))
        kinds = session.exec(select(Annotator.kind).where(Annotator.account_id == cast.otto.id))
        return (found.role if found else None), [kind.value for kind in kinds]

    for role in ("viewer", "researcher"):
        refused = run(*otto, role, "--judge-model").exception
        assert isinstance(refused, Invalid)
        assert [item.pointer for item in refused.errors] == ["/kind"]
        assert there() == (None, [])
    for options, kinds in (
        (("viewer",), []),
        (("annotator", "--judge-model"), ["model"]),
        (("annotator", "--judge-model"), ["model"]),
        (("reviewer",), ["model"]),
    ):
        answer = run(*otto, *options)
        assert answer.exit_code == 0, answer.output
        assert there() == (options[0], kinds)
    shown = yaml.safe_load(run("show", "birds").stdout)["members"]
    assert {"email": "otto@example.org", "role": "reviewer", "kind": "model"} in shown
    for _ in range(2):
        assert run(*otto, "viewer", "--judge-model").exit_code == 0, "it is one"
    shown = yaml.safe_load(run("show", "birds").stdout)["members"]
    assert {"email": "otto@example.org", "role": "viewer"} in shown, "as a file that can be read again"
    assert run(*otto, "annotator", "--person").exit_code == 0
    assert there() == ("annotator", ["human"])
    verbs = session.exec(select(AuditEvent.verb)).all()
    assert [verbs.count(verb) for verb in ("member.add", "member.role", "annotator.kind")] == [1, 4, 2]
    assert isinstance(run("member", "birds", "nobody@example.org", "--role", "viewer").exception, NotFound)
    assert isinstance(run("member", "birds", "lena@example.org", "--role", "viewer").exception, Conflict)


def test_taken_and_unknown(run: Callable[..., Result], cast: Cast) -> None:
    assert isinstance(run("add", "birds").exception, Invalid)
    assert isinstance(run("show", "fish").exception, NotFound)
