"""Queueing comparisons: which pairs, in which order, and that asking again adds nothing."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from app.errors import Invalid
from app.models import AuditEvent, Comparison, Model, Prompt, Slot
from app.pairing import pairs
from app.pairing.forms import PairingIn
from app.pairing.names import pair_id
from app.pairing.pairs import PairingResult
from tests.conftest import Cast
from tests.imports.arrange import Importer, comparison, response, vote

MODELS = ("heron", "wren", "lark")


@pytest.fixture
def importer(app: Flask, cast: Cast, tmp_path: Path) -> Importer:
    made = Importer(app, cast.project, tmp_path)
    made([response(number, model) for number in range(4) for model in MODELS])
    return made


def queue(importer: Importer, **asked: Any) -> PairingResult:
    return pairs.queue_pairs(importer.engine, importer.project, PairingIn.model_validate(asked), by=None)


def queued(session: Session) -> list[tuple[str, frozenset[str]]]:
    """Prompt keys and model names in the order of the queue."""
    session.rollback()
    names = {model.id: model.name for model in session.exec(select(Model))}
    keys = {prompt.id: prompt.key for prompt in session.exec(select(Prompt))}
    rows = session.exec(select(Comparison).join(Slot).order_by(col(Slot.position)))
    return [(keys[row.prompt_id], frozenset({names[row.model_a_id], names[row.model_b_id]})) for row in rows]


def test_every_pair_of_every_prompt_once(importer: Importer, session: Session) -> None:
    assert queue(importer) == PairingResult(prompts=4, queued=12)
    found = queued(session)
    assert len(set(found)) == len(found) == 12
    assert queue(importer) == PairingResult(prompts=4, already_there=12)
    assert len(queued(session)) == 12
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "queue")).first()
    assert event is not None
    assert event.detail is not None
    assert event.detail["queued"] == 12


def test_what_a_cut_off_job_queued_is_on_record(
    importer: Importer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "CHUNK", 5)
    asked = PairingIn()

    def cut_off(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pairs.queue_pairs(importer.engine, importer.project, asked, by=None, progress=cut_off)
    assert len(queued(session)) == 12
    events = session.exec(select(AuditEvent).where(AuditEvent.verb == "queue.pairs")).all()
    assert [(event.detail or {})["queued"] for event in events] == [5, 5, 2]


def test_the_order_is_shuffled_and_the_seeds(importer: Importer, session: Session) -> None:
    queue(importer, seed=1)
    first = queued(session)
    assert [key for key, _ in first] != sorted(key for key, _ in first)
    session.exec(select(Slot)).all()
    for slot in session.exec(select(Slot)):
        session.delete(slot)
    session.commit()
    queue(importer, seed=2)
    second = queued(session)
    assert sorted(first, key=str) == sorted(second, key=str)
    assert first != second


def test_some_pairs_of_each_prompt_are_drawn_by_the_seed(importer: Importer, session: Session) -> None:
    assert queue(importer, per_prompt=1, seed=3) == PairingResult(prompts=4, queued=4)
    first = queued(session)
    assert len({key for key, _ in first}) == 4
    assert queue(importer, per_prompt=1, seed=3).queued == 0
    importer([response(number, model) for number in range(4, 8) for model in MODELS])
    assert queue(importer, per_prompt=1, seed=3) == PairingResult(prompts=8, queued=4, already_there=4)
    draws = {seed: queue_preview(importer, per_prompt=1, seed=seed).queued for seed in range(5)}
    assert max(draws.values()) > 0


def queue_preview(importer: Importer, **asked: Any) -> PairingResult:
    return pairs.preview(importer.engine, importer.project, PairingIn.model_validate(asked))


def test_a_baseline_meets_each_other_model(importer: Importer, session: Session) -> None:
    assert queue(importer, baseline="wren").queued == 8
    assert all("wren" in models for _, models in queued(session))


def test_chosen_models_only(importer: Importer, session: Session) -> None:
    queue(importer, models="heron, lark")
    assert {models for _, models in queued(session)} == {frozenset({"heron", "lark"})}
    with pytest.raises(Invalid) as caught:
        queue(importer, models=["heron,lark", "heron"])
    assert "twice" in str(caught.value.errors[0])


def test_a_model_is_named_whole_although_there_is_a_comma_in_its_name(
    importer: Importer, session: Session
) -> None:
    importer([response(0, "owl, v2")])
    queue(importer, models=["owl, v2", "heron,wren"])
    met = {models for _, models in queued(session)}
    assert met == {frozenset(two) for two in (("owl, v2", "heron"), ("owl, v2", "wren"), ("heron", "wren"))}
    told = session.exec(select(AuditEvent.detail).where(AuditEvent.verb == "queue")).one()
    assert told["models"] == ["owl, v2", "heron", "wren"]


def test_samples_of_one_model_meet_where_it_is_the_only_one(importer: Importer, session: Session) -> None:
    importer([{**response(1, "heron", "again"), "sample": 1}])
    assert queue(importer, models=["heron"]) == PairingResult(prompts=1, queued=1)
    assert queue(importer).queued == 14, "each sample meets the other models, not its own"


def test_identical_and_missing_texts_are_skipped_and_counted(importer: Importer, session: Session) -> None:
    importer([response(9, "heron", "the same"), response(9, "wren", "the same"), response(9, "lark")])
    importer([vote("tie", prompt_id="q1"), {**vote("tie"), "prompt_id": "q1", "annotator": "kim"}])
    result = queue(importer)
    assert (result.queued, result.identical_skipped, result.without_text) == (14, 1, 2)


def test_gold_stays_off_the_queue_and_judged_pairs_may_join_it(importer: Importer, session: Session) -> None:
    importer([comparison(20, gold="a"), comparison(21, winner="b"), comparison(22)])
    result = queue(importer, models=["heron", "wren"])
    assert (result.queued, result.gold, result.already_there) == (4 + 1, 1, 1)


def test_wanted_is_the_projects_unless_given(importer: Importer, session: Session, cast: Cast) -> None:
    cast.project.wanted = importer.project.wanted = 3
    session.add(cast.project)
    session.commit()
    queue(importer, models=["heron", "wren"])
    queue(importer, models=["heron", "lark"], wanted=5)
    assert sorted(session.exec(select(Slot.wanted))) == [3, 3, 3, 3, 5, 5, 5, 5]


def test_a_preview_counts_and_writes_nothing(importer: Importer, session: Session) -> None:
    previewed = queue_preview(importer, per_prompt=2)
    assert queued(session) == []
    assert previewed == queue(importer, per_prompt=2)


def test_chunks_make_no_difference(
    importer: Importer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "PROMPTS", 3)
    monkeypatch.setattr(pairs, "CHUNK", 2)
    told: list[tuple[int, int]] = []
    result = pairs.queue_pairs(
        importer.engine,
        importer.project,
        PairingIn(),
        by=None,
        progress=lambda *told_now: told.append(told_now),
    )
    assert result == PairingResult(prompts=4, queued=12)
    assert len(set(queued(session))) == 12
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize(
    ("asked", "field"), [({"models": ["heron", "dodo"]}, "models"), ({"baseline": "dodo"}, "baseline")]
)
def test_unknown_models_are_told_with_those_there_are(
    importer: Importer, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        queue(importer, **asked)
    assert (
        refused.value.by_field()[field] == "There is no model 'dodo' here. The models are: heron, lark, wren."
    )


def test_a_pair_has_one_name_whichever_side_comes_first() -> None:
    name = pair_id("q1", ("heron", 0), ("wren", 2))
    assert name == pair_id("q1", ("wren", 2), ("heron", 0)) == "57fa10965e8b0880e22a2a21"
    assert (
        len({name, pair_id("q2", ("heron", 0), ("wren", 2)), pair_id("q1", ("heron", 2), ("wren", 0))}) == 3
    )
