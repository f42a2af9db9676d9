"""Tallies: the kept counts are what the judgments say, in any order of models and of the screen."""

import random
from collections import Counter, defaultdict

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlmodel import Session, col, select

from app import counting, db, divided, tallies
from app.asking import rubrics
from app.models import (
    Annotator,
    AnnotatorKind,
    AuditEvent,
    Comparison,
    Judgment,
    Outcome,
    Project,
    Prompt,
    Source,
    Tally,
    now,
)
from app.operations.commands import counts
from app.projects import lifecycle
from app.projects.forms import ChangeIn
from app.rubric import Rubric
from app.tallies import Counted, Key
from tests.annotation.arrange import annotator_of, queue
from tests.conftest import Cast

HERON_BEATS_LARK = Counted(
    1,
    2,
    Outcome.A,
    7,
    AnnotatorKind.HUMAN,
    "safety",
    "de",
    swapped=False,
    group="experts",
    criteria=(("tone", Outcome.B), ("accuracy", Outcome.A)),
)


def test_a_judgment_is_counted_in_each_slice() -> None:
    found = {(key.slice_by, key.slice_value) for key in tallies.keys(HERON_BEATS_LARK)}
    assert found == {
        ("kind", "human"),
        ("category", "safety"),
        ("language", "de"),
        ("group", "experts"),
        ("criterion", "tone"),
        ("criterion", "accuracy"),
    }


def test_a_criterion_is_counted_by_its_own_verdict() -> None:
    found = {key.slice_value: key.outcome for key in tallies.keys(HERON_BEATS_LARK)}
    assert (found["human"], found["tone"], found["accuracy"]) == (Outcome.A, Outcome.B, Outcome.A)


@pytest.mark.parametrize("swapped", [True, False, None])
@pytest.mark.parametrize("outcome", Outcome)
def test_the_stored_order_of_a_comparison_does_not_change_its_counts(
    outcome: Outcome, swapped: bool | None
) -> None:
    one = HERON_BEATS_LARK._replace(outcome=outcome, swapped=swapped, criteria=(("tone", outcome),))
    turned = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}.get(outcome, outcome)
    other = one._replace(
        model_a_id=2,
        model_b_id=1,
        outcome=turned,
        swapped=None if swapped is None else not swapped,
        criteria=(("tone", turned),),
    )
    assert tallies.keys(one) == tallies.keys(other)


def test_what_is_not_known_is_in_no_slice() -> None:
    bare = HERON_BEATS_LARK._replace(category=None, language=None, swapped=None, group=None, criteria=())
    assert [(key.slice_by, key.shown) for key in tallies.keys(bare)] == [("kind", "")]


def test_two_samples_of_one_model_say_nothing_about_models() -> None:
    assert tallies.keys(HERON_BEATS_LARK._replace(model_b_id=1)) == []


def test_counts_go_up_and_down(session: Session, cast: Cast) -> None:
    counted = _counted_of(session, queue(session, cast.project)[0], cast, Outcome.TIE)
    for delta in (3, -1):
        counting.add(session, cast.project.id or 0, dict.fromkeys(tallies.keys(counted), delta), {})
        session.commit()
    assert {row.n for row in session.exec(select(Tally))} == {2}


def _counted_of(session: Session, pair: Comparison, cast: Cast, outcome: Outcome) -> Counted:
    prompt = session.get(Prompt, pair.prompt_id)
    who = annotator_of(session, cast.project, cast.ann)
    assert prompt is not None
    return Counted(
        pair.model_a_id,
        pair.model_b_id,
        outcome,
        who.cluster,
        who.kind,
        prompt.category,
        prompt.language,
        False,
    )


@pytest.fixture
def voted(session: Session, cast: Cast) -> Counter[Key]:
    """Votes of all sorts in the database, and the counts that ``keys`` gives for them."""
    chance = random.Random(5)
    pairs = queue(session, cast.project, 12, models=("c", "a", "b"), category="code", language="en")
    pairs += queue(session, cast.project, 4)
    gold = queue(session, cast.project, 2, gold=Outcome.A)
    judge = Annotator(project_id=cast.project.id, kind=AnnotatorKind.MODEL, name="judge", cluster=3)
    session.add(judge)
    people = [annotator_of(session, cast.project, who) for who in (cast.ann, cast.ben)]
    people[0].group_name = "experts"
    for pair in pairs[::2]:
        pair.model_a_id, pair.model_b_id = pair.model_b_id, pair.model_a_id
    session.flush()
    prompts = {row.id: row for row in session.exec(select(Prompt))}
    expected: Counter[Key] = Counter()
    for pair in [*pairs, *gold]:
        for who in (*people, judge):
            outcome, swapped = chance.choice(list(Outcome)), chance.choice([True, False, None])
            retired = chance.random() < 0.3
            criteria = {
                key: chance.choice(list(Outcome)) for key in ("accuracy", "tone") if chance.random() < 0.4
            }
            session.add(
                Judgment(
                    submission_id=f"{pair.id}-{who.id}",
                    project_id=cast.project.id,
                    comparison_id=pair.id,
                    annotator_id=who.id,
                    outcome=outcome,
                    swapped=swapped,
                    criteria=criteria or None,
                    source=Source.PAGE,
                    retired_at=now() if retired else None,
                )
            )
            if pair.gold is None and not retired:
                prompt = prompts[pair.prompt_id]
                counted = Counted(
                    pair.model_a_id,
                    pair.model_b_id,
                    outcome,
                    who.cluster,
                    who.kind,
                    prompt.category,
                    prompt.language,
                    swapped,
                    who.group_name,
                    tuple(criteria.items()),
                )
                expected.update(tallies.keys(counted))
    session.commit()
    return expected


def test_a_rebuild_counts_as_the_single_votes_do(session: Session, cast: Cast, voted: Counter[Key]) -> None:
    tallies.rebuild(session, cast.project.id or 0)
    session.commit()
    kept: Counter[Key] = Counter()
    for row in session.exec(select(Tally)):
        names = row.slice_by, row.slice_value, row.model_a_id, row.model_b_id, row.cluster
        unknown = row.n - row.straight - row.swapped
        for shown, n in (("", unknown), ("straight", row.straight), ("swapped", row.swapped)):
            kept[Key(*names, Outcome(row.outcome), shown)] = n
    assert +kept == voted
    assert tallies.differences(session, cast.project.id or 0) == []


def test_the_votes_of_a_comparison_are_counted_anew_and_a_wrong_count_is_found(
    session: Session, cast: Cast, voted: Counter[Key]
) -> None:
    project_id = cast.project.id or 0
    assert voted
    assert divided.differences(session, project_id) != [], "nobody counted them"
    divided.rebuild(session, project_id)
    session.commit()
    assert divided.differences(session, project_id) == []
    said: dict[int, set[Outcome]] = defaultdict(set)
    for row in session.exec(select(Judgment).where(col(Judgment.retired_at).is_(None))):
        said[row.comparison_id].add(row.outcome)
    found = session.scalars(divided.only(select(Comparison.id), project_id)).all()
    assert sorted(found) == sorted(number for number, outcomes in said.items() if len(outcomes) > 1)
    pair = session.exec(select(Comparison).where(Comparison.id == found[0])).one()
    counting.add(session, project_id, {}, {(found[0], Outcome.TIE): 5})
    (wrong,) = divided.differences(session, project_id)
    assert (wrong.pair_id, wrong.outcome, wrong.kept - wrong.counted) == (pair.pair_id, Outcome.TIE, 5)


def test_a_wrong_and_a_missing_count_are_found(session: Session, cast: Cast, voted: Counter[Key]) -> None:
    counting.add(session, cast.project.id or 0, voted, {})
    wrong, missing = sorted(voted)[:2]
    counting.add(session, cast.project.id or 0, {wrong: 2, missing: -voted[missing]}, {})
    session.commit()
    assert tallies.differences(session, cast.project.id or 0) == [
        (wrong, voted[wrong] + 2, voted[wrong]),
        (missing, 0, voted[missing]),
    ]


def test_an_annotators_counts_move_with_them_to_another_group(
    session: Session, cast: Cast, voted: Counter[Key]
) -> None:
    project_id = cast.project.id or 0
    counting.add(session, project_id, voted, {})
    ann = annotator_of(session, cast.project, cast.ann)
    for before, after in (("experts", "crew"), ("crew", None), (None, "experts")):
        tallies.refile(session, project_id, "group", [(ann.id or 0, before, after)])
        ann.group_name = after
        session.commit()
        assert tallies.differences(session, project_id) == []


def test_wrong_counts_are_told_and_made_anew_by_command(
    app: Flask, session: Session, cast: Cast, voted: Counter[Key]
) -> None:
    wrong = len(voted) + len(divided.differences(session, cast.project.id or 0))
    session.rollback()
    with app.app_context():
        told = CliRunner().invoke(counts, ["check", "birds"])
        assert f"{wrong:,} counts are wrong" in str(told.exception)
        assert told.stdout.splitlines()[0].startswith("birds\t")
        assert CliRunner().invoke(counts, ["rebuild"]).exit_code == 0
        assert CliRunner().invoke(counts, ["check"]).exit_code == 0
        unknown = CliRunner().invoke(counts, ["rebuild", "bees"])
    assert "no project bees" in str(unknown.exception)
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "tallies.rebuild")).one()
    assert event.detail == {"corrected": wrong}
    assert divided.differences(session, cast.project.id or 0) == []
    session.refresh(cast.project)
    assert cast.project.revision == 1


def test_two_changes_at_once_are_two_revisions(app: Flask, session: Session, cast: Cast) -> None:
    engine = app.extensions["engine"]
    before = cast.project.revision
    with db.new_session(engine, write=False) as one:
        read = one.exec(select(Project)).one()
        one.commit()
        with db.transaction(engine) as other:
            rubrics.publish(other, other.exec(select(Project)).one(), Rubric(points=5), by=None)
        lifecycle.change(one, read, ChangeIn.model_validate(read).model_copy(update={"wanted": 3}), by=None)
        one.commit()
    session.refresh(cast.project)
    assert cast.project.revision == before + 2
