"""Whatever texts are stored and however people judged them, no training file is poisoned."""

from collections import defaultdict
from typing import Any

import orjson
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from app.errors import NotFound
from app.exports import stream
from app.exports.fitness import ANSWERED, ASKED, fitness
from app.exports.forms import ExportSpec, Format
from app.exports.preferences import TEST, Splits
from app.models import Project, Prompt, Response
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

slow = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Few, so that pairs repeat, contradict each other and say nothing; awkward ones among them.
TEXTS = st.sampled_from(["a", "b", "", " ", "\n", 'say "no"', "鳥", "\\", '\\"', '"\\', "a\u2028b"])
TURN = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": TEXTS})
CONTENT = st.recursive(TEXTS | st.none() | st.integers(0, 9), lambda inner: st.lists(inner, max_size=2))
PROMPT = st.text(min_size=1, max_size=8)
ANSWER = st.lists(TURN | st.dictionaries(st.sampled_from(["role", "content", "name"]), CONTENT), max_size=2)
JUDGED = st.tuples(TEXTS, TEXTS, TEXTS, st.sampled_from(["a", "b", "tie", "both_bad"]))
# An empty one is refused, as every empty value.
SALT = st.text(min_size=1, max_size=100).filter(str.strip)


def ask(words: str) -> dict[str, str]:
    return {"role": "user", "content": words}


def say(words: str) -> dict[str, str]:
    return {"role": "assistant", "content": words}


def rows(app: Flask, project: Project, **asked: Any) -> list[dict[str, Any]]:
    """The file as a program reads it."""
    with app.app_context():
        blocks = stream.stream(
            app.extensions["engine"], project, ExportSpec(**asked), stream.Receipt(), by=None
        )
        try:
            return [orjson.loads(line) for line in b"".join(blocks).splitlines()]
        except NotFound:
            return []


def shape(value: Any) -> Any:
    """What a loader takes the type of a value to be."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value)


@given(st.lists(JUDGED, min_size=1, max_size=6))
@slow
def test_no_file_holds_what_poisons_training(
    app: Flask, session: Session, cast: Cast, judged: list[tuple[str, str, str, str]]
) -> None:
    # On top of what the tries before left there: repeats across them count too.
    for comparison, (asked, one, other, outcome) in zip(
        queue(session, cast.project, len(judged)), judged, strict=True
    ):
        prompt = session.get_one(Prompt, comparison.prompt_id)
        prompt.messages = [{"role": "user", "content": asked}]
        answers = session.exec(select(Response).where(Response.prompt_id == prompt.id))
        for answer, text in zip(answers, (one, other), strict=True):
            answer.messages = [{"role": "assistant", "content": text}]
        judge(session, cast.project, cast.ann, comparison, outcome, commit=False)
    session.commit()
    found = rows(app, cast.project)
    written = [tuple(orjson.dumps(row[name]) for name in ("prompt", "chosen", "rejected")) for row in found]
    pairs = [(prompt, frozenset(sides)) for prompt, *sides in written]
    assert len(set(pairs)) == len(pairs)
    assert all(len(sides) == 2 for _, sides in pairs)
    for row in found:
        assert all(turn["content"].strip() for side in ("prompt", "chosen", "rejected") for turn in row[side])
    splits: dict[bytes, set[str]] = defaultdict(set)
    for row in found:
        splits[orjson.dumps(row["prompt"])].add(row["split"])
    assert all(len(sides) == 1 for sides in splits.values())
    for name in (one for one in Format if one.for_training):
        shapes = [shape(row) for row in rows(app, cast.project, format=name)]
        assert all(one == shapes[0] for one in shapes)


@given(st.lists(TURN, max_size=3), ANSWER, ANSWER)
@example([{"role": [], "content": "a"}], [], [])
@example([ask('a"\\')], [say('b\\"')], [say('c\\\\"')])
@example([ask("a"), {}], [{**say("b"), "name": '"'}], [])
@example([ask('x","y":"' * 5)], [say('x","y":"' * 5)], [say("n")])
@settings(max_examples=200, deadline=None)
def test_the_quick_look_at_texts_says_what_parsing_says(prompt: Any, one: Any, other: Any) -> None:
    texts = [orjson.dumps(part).decode() for part in (prompt, one, other)]
    sound = (
        all(part and all(_is_text(turn) for turn in part) for part in (prompt, one, other))
        and prompt[-1]["role"] == "user"
        and all(side[-1]["role"] == "assistant" for side in (one, other))
        and one != other
    )
    (plain,), (problem,) = fitness(*([text] for text in texts))
    assert (problem is None) == sound
    if plain:
        said = zip((ASKED, ANSWERED, ANSWERED), texts, strict=True)
        roles = ("user", "assistant", "assistant")
        words = [orjson.loads(text[begin - 1 : -2]) for begin, text in said]
        turns = [[{"role": role, "content": word}] for role, word in zip(roles, words, strict=True)]
        assert turns == [prompt, one, other]


def _is_text(turn: dict[str, Any]) -> bool:
    return (
        set(turn) == {"role", "content"}
        and turn["role"] in ("system", "user", "assistant")
        and isinstance(turn["content"], str)
        and bool(turn["content"].strip())
    )


@given(st.lists(PROMPT, unique=True), st.lists(PROMPT), SALT, st.floats(0, 0.99))
@settings(max_examples=100, deadline=None)
def test_a_prompt_keeps_its_split_whatever_else_there_is(
    prompts: list[str], more: list[str], salt: str, share: float
) -> None:
    spec = ExportSpec(salt=salt, held_out=share)
    alone = {prompt: Splits(spec).of(prompt) for prompt in prompts}
    among = Splits(spec)
    order = [one for two in zip(prompts, more, strict=False) for one in two] + more + prompts
    assert all(among.of(one) == alone[one] for one in order if one in alone)
    wider = Splits(spec.model_copy(update={"held_out": min(0.99, share + 0.2)}))
    assert all(wider.of(one) == TEST for one, split in alone.items() if split == TEST)
