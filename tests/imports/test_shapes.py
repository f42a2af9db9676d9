"""Shapes: each is recognised by its fields, checked, and turned into the same few things."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.errors import Invalid
from app.imports.building import UNNAMED
from app.imports.items import Item, answer, dumped, prompt_key
from app.imports.shapes import SHAPES, find
from app.imports.sources import MB, Refusal, open_source
from app.models import AnnotatorKind, Outcome

HI = [{"role": "user", "content": "Hi"}]


def read(shape: str, row: dict[str, Any]) -> Item:
    item = SHAPES[shape].read(7, row)
    assert isinstance(item, Item), item
    return item


def reason(shape: str, row: dict[str, Any]) -> str:
    refused = SHAPES[shape].read(7, row)
    assert isinstance(refused, Refusal), refused
    assert refused.number == 7
    return refused.reason


def texts(item: Item) -> list[str]:
    return [
        "".join(turn["content"] for turn in json.loads(answer.messages or b"[]")) for answer in item.answers
    ]


@pytest.mark.parametrize("name", SHAPES)
def test_each_example_on_the_page_is_recognised_and_taken(name: str, tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_text(SHAPES[name].example)
    source = open_source(path, "example", MB)
    assert find(source, None).name == name
    for number, record in source.records():
        assert isinstance(SHAPES[name].read(number, record), Item)


def test_a_file_that_fits_none_is_told_what_was_expected_and_found(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"question": "?", "reply": "!"}\n')
    with pytest.raises(Invalid) as refused:
        find(open_source(path, "x.jsonl", MB), None)
    assert "x.jsonl fits no known shape" in refused.value.detail
    assert "question, reply" in refused.value.detail
    assert "Known are comparisons, responses, " in refused.value.detail
    assert "Nearest" not in refused.value.detail
    path.write_text('{"model_a": "heron", "model_b": "wren", "won": "a"}\n')
    with pytest.raises(Invalid) as nearly:
        find(open_source(path, "x.jsonl", MB), None)
    assert "Nearest is votes: model_a, model_b (or left, right), winner" in nearly.value.detail


@pytest.mark.parametrize(
    ("row", "nearest"),
    [
        ({"prompt": "?", "model": "heron", "text": "!"}, "responses"),
        ({"prompt": "?", "completion": "!"}, "responses"),
        ({"messages": HI, "responses": None}, "responses"),
        ({"question": "?", "responses": {"heron": "!"}}, "responses-wide"),
        ({"prompt": "?", "response_a": "!", "response_b": "-"}, "comparisons"),
        ({"prompt": "?", "chosen": "!", "reject": "-"}, "preferences"),
        ({"prompt": "?", "outcome": "a", "annotator": "x7Kd"}, "judgments"),
        ({"text": "!"}, None),
        ({"response": None, "reply": "!"}, None),
    ],
)
def test_the_nearest_shape_is_the_one_that_lacks_least(
    row: dict[str, Any], nearest: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(Invalid) as refused:
        find(open_source(path, "x.jsonl", MB), None)
    assert re.findall(r"Nearest is ([\w-]+):", refused.value.detail) == ([nearest] if nearest else [])


def test_a_file_of_which_nothing_can_be_read_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"prompt": "' + "x" * 2**20 + '"}\n')
    with pytest.raises(Invalid) as refused:
        find(open_source(path, "x.jsonl", MB), None)
    said = "x.jsonl: nothing could be read of it. Line 1: longer than 1 MB, the most one record may have."
    assert refused.value.detail == said


def test_a_prompt_is_one_text_or_messages() -> None:
    text = read("responses", {"prompt": "Hi", "model": "heron", "response": "Hello"})
    messages = read(
        "responses",
        {"messages": HI, "model": "heron", "response": [{"role": "assistant", "content": "Hello"}]},
    )
    assert (text.key, text.messages, text.answers) == (messages.key, messages.messages, messages.answers)
    assert text.key == prompt_key(dumped(HI))


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_cell_names_no_category_or_language(blank: str) -> None:
    for shape, row in {
        "responses": {"prompt": "Hi", "model": "heron", "response": "Hello"},
        "votes": {"model_a": "heron", "model_b": "wren", "winner": "tie"},
    }.items():
        item = read(shape, {**row, "category": blank, "language": blank})
        assert (item.category, item.language) == (None, None)


def test_everything_a_response_may_say() -> None:
    row = {
        "prompt": "Hi",
        "prompt_id": 12,
        "model": "heron",
        "response": "Hello",
        "category": "greeting",
        "language": "en",
        "tags": ["short"],
        "metadata": {"source": "us"},
        "sample": 2,
        "unknown": 1,
    }
    item = read("responses", row)
    assert (item.key, item.category, item.language, item.tags, item.meta) == (
        "12",
        "greeting",
        "en",
        b'["short"]',
        b'{"source":"us"}',
    )
    assert item.answers == [answer("heron", dumped([{"role": "assistant", "content": "Hello"}]), 2)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"model": None}, "model: "),
        ({"model": "  "}, "model must not be empty"),
        ({"model": "x" * 201}, "model: "),
        ({"response": None}, "response: "),
        ({"response": 5}, "response: must be text or a list of messages"),
        ({"response": []}, "response: must not be empty"),
        ({"response": [{"role": "cook", "content": "x"}]}, "role must be one of"),
        (
            {"response": [{"role": "assistant", "content": [{"type": "image_url"}]}]},
            "an image must have its address",
        ),
        (
            {"prompt": [{"role": "user", "content": [{"type": "image", "image": "file:///etc/passwd"}]}]},
            "an image must have its address",
        ),
        (
            {"response": [{"role": "assistant", "content": [{"type": "input_audio"}]}]},
            "'input_audio', which cannot be compared",
        ),
        ({"response": [{"role": "assistant", "content": [{"type": ["image"]}]}]}, "cannot be compared"),
        ({"prompt": ""}, "prompt must not be empty"),
        ({"prompt": None}, "prompt is missing (or messages)"),
        ({"prompt": "nul \x00"}, "NUL"),
        ({"response": "nul \x00"}, "NUL"),
        ({"model": "nul\x00"}, "model has a NUL character"),
        ({"response": "half \ud800"}, "Unicode"),
        ({"sample": -1}, "sample: "),
        ({"category": "x" * 101}, "category: "),
        ({"tags": {"a": 1}}, "tags: "),
    ],
)
def test_a_row_that_does_not_fit_says_why(change: dict[str, Any], expected: str) -> None:
    row = {"prompt": "Hi", "model": "heron", "response": "Hello", **change}
    assert expected.lower() in reason("responses", row).lower()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://birds.example/h.png", "detail": "low"}},
        {"type": "image_url", "image_url": "https://birds.example/h.png"},
        {"type": "image", "image": "https://birds.example/h.png", "mimeType": "image/png"},
        {"type": "image", "url": "https://birds.example/h.png"},
    ],
)
def test_images_stay_where_they_stand_among_the_texts(part: dict[str, Any]) -> None:
    asked = [{"type": "text", "text": "Which is it?"}, part, "Look closely."]
    item = read(
        "responses",
        {
            "messages": [{"role": "user", "content": asked}],
            "model": "heron",
            "response": [{"role": "assistant", "content": [part]}],
        },
    )
    kept = {"type": "image_url", "image_url": {"url": "https://birds.example/h.png"}}
    assert orjson.loads(item.messages or b"")[0]["content"] == [
        {"type": "text", "text": "Which is it?"},
        kept,
        {"type": "text", "text": "Look closely."},
    ]
    assert orjson.loads(item.answers[0].messages or b"")[0]["content"] == [kept]
    assert not item.answers[0].empty


def test_parts_that_are_all_text_are_one_text() -> None:
    said = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo", "image": None}]
    row = {"prompt": "Hi", "model": "heron", "response": [{"role": "assistant", "content": said}]}
    assert texts(read("responses", row)) == ["Hello"]


def test_a_missing_field_is_named() -> None:
    assert reason("responses", {"prompt": "Hi", "model": "heron"}) == "response is missing"


def test_a_backslash_u0000_that_is_written_out_is_text() -> None:
    item = read("responses", {"prompt": "Hi", "model": "heron", "response": "the escape \\u0000 in JSON"})
    assert texts(item) == ["the escape \\u0000 in JSON"]


def test_wide_rows_hold_a_response_of_each_model() -> None:
    item = read("responses-wide", {"prompt": "Hi", "responses": {"heron": "Hello", "wren": "Yes?"}})
    assert [(answer.model, answer.sample) for answer in item.answers] == [("heron", 0), ("wren", 0)]
    assert not item.paired


COMPARISON = {
    "prompt": "Hi",
    "model_a": "heron",
    "response_a": "Hello",
    "model_b": "wren",
    "response_b": "Yes?",
}


def test_a_comparison_may_be_gold_or_judged() -> None:
    assert read("comparisons", COMPARISON).paired
    assert read("comparisons", {**COMPARISON, "gold": "both_bad"}).gold == Outcome.BOTH_BAD
    judged = read("comparisons", {**COMPARISON, "winner": "b", "annotator": "kim"}).vote
    assert judged is not None
    assert (judged.outcome, judged.annotator) == (Outcome.B, "kim")


def test_a_comparison_of_one_text_with_itself_is_refused() -> None:
    assert "same text" in reason("comparisons", {**COMPARISON, "response_b": "Hello"})


def test_two_responses_of_one_model_are_told_apart_by_their_text() -> None:
    item = read("comparisons", {**COMPARISON, "model_b": "heron"})
    assert [answer.sample for answer in item.answers] == [None, None]


@pytest.mark.parametrize(
    ("winner", "outcome"),
    [
        ("model_a", "a"),
        ("A", "a"),
        ("left", "a"),
        ("model_b", "b"),
        ("right", "b"),
        ("tie", "tie"),
        ("both_bad", "both_bad"),
        ("tie (bothbad)", "both_bad"),
    ],
)
def test_the_words_for_a_winner(winner: str, outcome: str) -> None:
    vote = read("votes", {"model_a": "heron", "model_b": "wren", "winner": winner}).vote
    assert vote is not None
    assert vote.outcome == outcome


def test_votes_that_say_left_and_right_say_what_was_shown_where() -> None:
    item = read("votes", {"left": "heron", "right": "wren", "winner": "right", "worker": 3, "prompt": 8})
    assert item.vote is not None
    assert (item.vote.swapped, item.vote.annotator, item.key, item.messages) == (False, "3", "8", None)


def test_a_votes_file_may_hold_the_prompts_text() -> None:
    item = read(
        "votes", {"model_a": "heron", "model_b": "wren", "winner": "tie", "prompt": "Which bird is it?"}
    )
    assert item.messages == dumped([{"role": "user", "content": "Which bird is it?"}])


@pytest.mark.parametrize(
    "said",
    [
        "2025-01-02",
        "2025-01-02t00:00:00z",
        "2025-01-02 02:00:00+02",
        1735776000,
        "1735776000.0",
        "1.735776e9",
        1735776000000,
    ],
)
def test_a_votes_time_is_understood_in_the_ways_files_have_it(said: str | int) -> None:
    item = read("votes", {"model_a": "heron", "model_b": "wren", "winner": "tie", "timestamp": said})
    assert item.vote
    assert item.vote.at == datetime(2025, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"winner": "c"}, "must be model_a"),
        ({"model_b": "heron"}, "both 'heron'"),
        ({"timestamp": "soon"}, "timestamp: must be an ISO time, or seconds since 1970"),
        ({"timestamp": "nan"}, "timestamp: must be an ISO time, or seconds since 1970"),
    ],
)
def test_a_vote_that_cannot_be_counted_is_refused(change: dict[str, Any], expected: str) -> None:
    assert expected in reason("votes", {"model_a": "heron", "model_b": "wren", "winner": "tie", **change})


@pytest.mark.parametrize(
    ("preference", "outcome", "weight"),
    [(1.0, "a", 1.0), (1.25, "a", 0.75), (1.5, "tie", 0.5), (2, "b", 0.0), (0, "tie", 0.5)],
)
def test_a_judge_models_graded_preference_is_kept(preference: float, outcome: str, weight: float) -> None:
    row = {
        "instruction": "Hi",
        "output_1": "Hello",
        "generator_1": "heron",
        "output_2": "Yes?",
        "generator_2": "wren",
    }
    vote = read("alpaca-annotations", {**row, "preference": preference, "annotator": "judge"}).vote
    assert vote is not None
    assert (vote.outcome, vote.preference, vote.kind) == (outcome, weight, AnnotatorKind.MODEL)
    assert "preference" in reason("alpaca-annotations", {**row, "preference": 0.5})
    assert "preference" in reason("alpaca-annotations", {**row, "preference": None})


def test_arena_hard_answers_of_both_ages() -> None:
    now = read(
        "arena-hard-answers",
        {
            "uid": "q1",
            "model": "heron",
            "messages": [*HI, {"role": "assistant", "content": {"answer": "Hello"}}],
        },
    )
    then = read(
        "arena-hard-answers",
        {
            "question_id": "q1",
            "model_id": "heron",
            "choices": [{"index": 0, "turns": [{"content": "Hello", "token_len": 2}]}],
        },
    )
    assert now.answers == then.answers
    assert (now.key, then.key) == ("q1", "q1")
    assert (now.messages is None, then.messages is None) == (False, True)


def test_arena_hard_questions_of_both_ages() -> None:
    now = read(
        "arena-hard-questions", {"uid": "q1", "prompt": "Hi", "cluster": "Greetings", "category": "hard"}
    )
    then = read(
        "arena-hard-questions", {"question_id": "q1", "turns": [{"content": "Hi"}], "category": "hard"}
    )
    assert now.messages == then.messages
    assert (now.tags, now.category, now.answers) == (b'["Greetings"]', "hard", [])


def turns(*said: str) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(said)]


def test_lmarena_rows_of_both_schemas() -> None:
    old = {
        "question_id": "f1",
        "model_a": "heron",
        "model_b": "wren",
        "winner": "tie (bothbad)",
        "judge": "arena_user_9",
        "conversation_a": turns("Hi", "Hello"),
        "conversation_b": turns("Hi", "Yes?"),
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.1,
    }
    parts = [
        {
            "role": said["role"],
            "content": [{"type": "text", "text": said["content"], "image": None, "mimeType": None}],
        }
        for said in turns("Hi", "Hello")
    ]
    new = {
        "id": "f1",
        "model_a": "heron",
        "model_b": "wren",
        "winner": "both_bad",
        "evaluation_session_id": "s1",
        "evaluation_order": 1,
        "conversation_a": parts,
        "conversation_b": turns("Hi", "Yes?"),
        "full_conversation": [],
        "conv_metadata": {},
        "language": "en",
        "is_code": True,
    }
    then, now = read("lmarena", old), read("lmarena", new)
    assert texts(then) == texts(now) == ["Hello", "Yes?"]
    assert then.key == now.key == prompt_key(dumped(HI))
    assert then.vote is not None
    assert now.vote is not None
    assert (then.vote.annotator, now.vote.annotator) == ("arena_user_9", "s1")
    assert then.vote.at is not None
    assert then.vote.at.year == 2023
    assert (now.category, then.language) == ("code", "English")


def test_conversations_share_the_prompt_up_to_where_they_part() -> None:
    row = {"model_a": "heron", "model_b": "wren", "winner": "model_a"}
    item = read(
        "lmarena",
        {
            **row,
            "conversation_a": turns("Hi", "Same", "More", "Left"),
            "conversation_b": json.dumps(turns("Hi", "Same", "More", "Right")),
        },
    )
    assert item.messages == dumped(turns("Hi", "Same", "More"))
    assert texts(item) == ["Left", "Right"]
    parted = read(
        "lmarena",
        {
            **row,
            "conversation_a": turns("Hi", "One", "More", "x"),
            "conversation_b": turns("Hi", "Two", "More", "y"),
        },
    )
    assert parted.messages == dumped(HI)
    assert texts(parted) == ["OneMorex", "TwoMorey"]
    assert "same prompt" in reason(
        "lmarena", {**row, "conversation_a": turns("Hi", "x"), "conversation_b": turns("Ho", "y")}
    )


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello", "rejected": "Yes?"},
        {"prompt": HI, "chosen": turns("Hi", "Hello")[1:], "rejected": turns("Hi", "Yes?")[1:]},
        {"chosen": turns("Hi", "Hello"), "rejected": turns("Hi", "Yes?")},
        {
            "prompt": "Hi",
            "prompt_id": None,
            "chosen": turns("Hi", "Hello"),
            "rejected": turns("Hi", "Yes?"),
            "messages": turns("Hi", "Hello"),
            "score_chosen": 8.0,
            "score_rejected": 6.5,
        },
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: Yes?"},
        {"prompt": "\n\nHuman: Hi\n\nAssistant:", "chosen": "Hello", "rejected": "Yes?"},
        {"instruction": "Hi", "chosen_response": "Hello", "rejected_response": "Yes?"},
    ],
)
def test_preference_rows_of_every_kind_say_the_same(row: dict[str, Any]) -> None:
    item = read("preferences", row)
    assert (item.key, item.messages) == (prompt_key(dumped(HI)), dumped(HI))
    assert texts(item) == ["Hello", "Yes?"]
    assert item.vote is not None
    assert item.vote.outcome == Outcome.A
    assert {answer.model for answer in item.answers} == {UNNAMED}


def test_preferences_that_name_their_models() -> None:
    item = read(
        "preferences",
        {
            "prompt": "Hi",
            "chosen": "Hello",
            "rejected": "Yes?",
            "chosen_model": "heron",
            "rejected_model": "wren",
        },
    )
    assert [answer.model for answer in item.answers] == ["heron", "wren"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"chosen": "Hello", "rejected": "Yes?"}, "prompt is missing"),
        ({"prompt": "Hi", "chosen": "Same", "rejected": "Same"}, "same text"),
        (
            {"chosen": "\n\nHuman: Hi\n\nAssistant: x", "rejected": "\n\nHuman: Ho\n\nAssistant: y"},
            "same prompt",
        ),
    ],
)
def test_preferences_nobody_could_train_on_are_refused(row: dict[str, Any], expected: str) -> None:
    assert expected in reason("preferences", row)
