"""The schema: migrations lead to the models, from empty and from an older schema with data."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask
from sqlmodel import Session, select

from app import audit, db, tallies
from app.accounts import invitations
from app.accounts.forms import InvitationIn
from app.asking import rubrics
from app.models import (
    Account,
    Comparison,
    Guideline,
    Judgment,
    Outcome,
    Project,
    Prompt,
    Role,
    Slot,
    Snapshot,
    SnapshotState,
    Tally,
    TextSize,
    metadata,
    now,
)
from app.settings import Settings
from tests.annotation.arrange import ask, queue
from tests.conftest import Cast, make_settings
from tests.exports.arrange import judge


def test_migrations_and_models_agree(app: Flask) -> None:
    command.check(db.alembic_config(app.extensions["engine"]))


def test_an_older_database_is_upgraded_with_its_data(app: Flask, session: Session, cast: Cast) -> None:
    """Down to before there were tallies, with judgments in it, and up again."""
    first, second, gold = queue(session, cast.project, 3, category="code", language="en")
    judge(session, cast.project, cast.ann, first, "a", swapped=True, criteria={"tone": "b"})
    judge(session, cast.project, cast.ben, first, "tie", answers={"tags": ["odd"]})
    judge(session, cast.project, cast.ann, second, "both_bad", swapped=False)
    clarity = {"key": "clarity", "name": "Clarity"}
    ask(session, cast.project, criteria=[{"key": "tone", "name": "Tone"}, clarity])
    ask(session, cast.project, criteria=[clarity], points=7, rationale="required")
    gold.gold = Outcome.A
    judge(session, cast.project, cast.ann, gold, "a")
    audit.record(session, "comparison.retire", f"comparison:{second.pair_id}", by=None, project=cast.project)
    session.delete(session.get_one(Slot, second.id))
    session.commit()
    session.close()
    engine = app.extensions["engine"]
    # Twice: a table that an upgrade made anew must come down again, too.
    for _ in range(2):
        db.upgrade(engine)
        command.downgrade(db.alembic_config(engine), "0001")
    assert not sa.inspect(engine).has_table("tallies")
    assert db.misfit(engine) == db.OUTDATED
    db.upgrade(engine)
    assert db.misfit(engine) is None
    with Session(engine) as after:
        project = after.get_one(Project, cast.project.id)
        kept = "SELECT slice_by, slice_value, outcome, n, straight, swapped FROM tallies"
        rows = after.execute(sa.text(kept)).all()
        assert ("kind", "human", "tie", 1, 0, 0) in [tuple(row) for row in rows]
        assert ("kind", "human", "a", 1, 0, 1) in [tuple(row) for row in rows]
        assert ("kind", "human", "both_bad", 1, 1, 0) in [tuple(row) for row in rows]
        assert ("criterion", "tone", "b", 1, 0, 1) in [tuple(row) for row in rows]
        assert sum(row.n for row in rows if row.slice_by == "kind") == 3
        assert tallies.differences(after, project.id or 0) == []
        assert rubrics.criteria(after, project) == {"clarity": "Clarity", "tone": "Tone"}
        _, rubric = rubrics.live(after, project)
        assert (rubric.points, rubric.rationale, len(rubric.criteria)) == (7, "optional", 1)
        said = [
            (row.answers, row.rubric_id is None) for row in after.exec(select(Judgment).order_by(Judgment.id))
        ]  # type: ignore[arg-type]
        assert said[:2] == [(None, False), ({"tags": ["odd"]}, True)]
        out = after.exec(select(Comparison.id).where(Comparison.retired_at != None)).all()  # noqa: E711
        assert out == [second.id], "taken out of the queue before that was remembered"


def test_how_somebody_reads_moves_with_them(app: Flask, session: Session, cast: Cast) -> None:
    cast.ann.text_size, cast.ann.differences = TextSize.LARGE, True
    session.commit()
    session.close()
    engine = app.extensions["engine"]
    command.downgrade(db.alembic_config(engine), "0014")
    with engine.connect() as before:
        kept = before.execute(
            sa.text("SELECT text_size, differences FROM readings WHERE account_id = :id"), {"id": cast.ann.id}
        ).one()
    assert tuple(kept) == ("large", True)
    db.upgrade(engine)
    with Session(engine) as after:
        ann, ben = (after.get_one(Account, person.id) for person in (cast.ann, cast.ben))
        assert (ann.text_size, ann.differences, ann.stacked) == (TextSize.LARGE, True, False)
        assert (ben.text_size, ben.differences) == (TextSize.NORMAL, False)


def test_snapshots_are_still_there_once_they_can_be_withdrawn(
    app: Flask, session: Session, cast: Cast
) -> None:
    made = Snapshot(project_id=cast.project.id or 0, name="birds", version=1, digest="d", ready_at=now())
    made.state, made.note = SnapshotState.READY, "For the paper."
    made.withdrawn_at, made.withdrawn_reason = now(), "Half of it is missing."
    session.add(made)
    session.commit()
    session.close()
    engine = app.extensions["engine"]
    command.downgrade(db.alembic_config(engine), "0027")
    db.upgrade(engine)
    with Session(engine) as after:
        kept = after.exec(select(Snapshot)).one()
        assert (kept.label, kept.digest, kept.note) == ("birds-v1", "d", "")
        assert (kept.withdrawn_at, kept.withdrawn_reason) == (None, None)


def test_a_blank_category_of_an_older_import_is_none(app: Flask, session: Session, cast: Cast) -> None:
    blank, named = queue(session, cast.project, 1, language="\u3000"), queue(session, cast.project, 1)
    for category, (comparison,) in (("", blank), ("code", named)):
        session.get_one(Prompt, comparison.prompt_id).category = category
        judge(session, cast.project, cast.ann, comparison, "a")
    tallies.rebuild(session, cast.project.id or 0)
    session.commit()
    revision = cast.project.revision
    session.close()
    engine = app.extensions["engine"]
    command.downgrade(db.alembic_config(engine), "0028")
    db.upgrade(engine)
    with Session(engine) as after:
        prompts = after.exec(select(Prompt).order_by(Prompt.id)).all()  # type: ignore[arg-type]
        assert [(one.category, one.language) for one in prompts] == [(None, None), ("code", None)]
        values = after.exec(select(Tally.slice_value)).all()
        assert set(values) == {"human", "code"}
        assert tallies.differences(after, cast.project.id or 0) == []
        assert after.get_one(Project, cast.project.id).revision > revision


def test_an_invitation_made_before_it_kept_a_name_is_still_good(
    app: Flask, session: Session, cast: Cast
) -> None:
    form = InvitationIn(role=Role.VIEWER, name="Zoë", email="zoe@example.org")
    _, token = invitations.invite(session, form, by=cast.lena, project=cast.project)
    session.commit()
    session.close()
    engine = app.extensions["engine"]
    command.downgrade(db.alembic_config(engine), "0031")
    db.upgrade(engine)
    with Session(engine) as after:
        [open_] = invitations.pending(after, after.get_one(Project, cast.project.id))
        assert invitations.find(after, token).uid == open_.uid
        assert (open_.name, open_.email, open_.role) == (None, "zoe@example.org", Role.VIEWER)


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database without any table."""
    url = ""
    if request.config.getoption("--database") == "postgresql":
        cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("CREATE DATABASE empty")
        url = cluster.url("empty")
    engine = db.make_engine(make_settings(tmp_path, url))
    yield engine
    engine.dispose()
    if url:
        cluster.execute("DROP DATABASE empty WITH (FORCE)")


def test_an_empty_database_is_told_apart(empty: sa.Engine) -> None:
    assert db.misfit(empty) == db.EMPTY
    db.upgrade(empty)
    assert db.misfit(empty) is None


def test_every_step_down_leads_back_up(new_database: Callable[[Path], str], tmp_path: Path) -> None:
    settings: Settings = make_settings(tmp_path, new_database(tmp_path))
    engine = db.make_engine(settings)
    command.downgrade(db.alembic_config(engine), "base")
    db.upgrade(engine)
    command.check(db.alembic_config(engine))
    engine.dispose()


def test_what_the_models_check_the_database_checks(app: Flask) -> None:
    """Alembic's own comparison passes over check constraints."""
    found = sa.inspect(app.extensions["engine"])
    for name, table in metadata.tables.items():
        named = {str(check.name) for check in table.constraints if isinstance(check, sa.CheckConstraint)}
        assert {check["name"] for check in found.get_check_constraints(name)} == named, name


def test_references_are_checked_again_after_an_upgrade(empty: sa.Engine) -> None:
    db.upgrade(empty)
    with Session(empty) as session, pytest.raises(sa.exc.IntegrityError):
        session.add(Guideline(project_id=1, version=1, text="of no project"))
        session.commit()
