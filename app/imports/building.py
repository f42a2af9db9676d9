"""Checked rows turned into items, by one function for each shape of record.

Each is given the row's number, the row as its model checked it and the record as it was read, and
raises ValueError, with the reason, for a row that is refused.
"""

from typing import Any

import orjson

from app.imports import fields, turns
from app.imports.items import Answer, Item, Vote, answer, dumped, dumped_text, prompt_key
from app.imports.sources import Record
from app.models import AnnotatorKind, Message, Outcome
from app.pairing.names import pair_id

# Rows of preferences that do not say which models wrote them: pairs of one model are not ranked.
UNNAMED = "unnamed"


# What the shapes have in common


def _item(number: int, row: fields.Row, prompt: bytes, answers: list[Answer]) -> Item:
    return Item(
        number,
        row.prompt_id or prompt_key(prompt),
        prompt,
        answers,
        category=row.category,
        language=row.language,
        tags=dumped(row.tags) if row.tags else None,
        meta=dumped(row.metadata) if row.metadata else None,
    )


def _prompt(row: fields.Prompted) -> bytes:
    if row.messages is not None:
        return dumped(row.messages)
    if row.prompt is None:
        raise ValueError("prompt is missing (or messages)")
    return turns.dumped_prompt(row.prompt)


# Each model's last plain response. Rows that compare several models on one prompt repeat them.
_last: dict[tuple[str, int | None], tuple[str, Answer]] = {}


def forget() -> None:
    """Let go of the texts that were kept in case the next row repeats them."""
    for repeated in (turns.dumped_question, prompt_key):
        repeated.cache_clear()
    _last.clear()


def _answer(model: str, response: str | list[Message], sample: int | None = 0) -> Answer:
    if not isinstance(response, str):
        return _new_answer(model, response, sample)
    last = _last.get((model, sample))
    if last is None or last[0] != response:
        last = _last[model, sample] = response, _new_answer(model, response, sample)
    return last[1]


def _new_answer(model: str, response: str | list[Message], sample: int | None) -> Answer:
    if turns.is_empty(response):
        # As if it had come without a text: its votes rank, and nobody is shown it or trains on it.
        return Answer(model, sample=sample, empty=True)
    return answer(model, turns.dumped_response(response), sample)


def _identity(*parts: Any) -> bytes:
    return orjson.dumps(parts, default=bytes.hex)


def _judged(item: Item, vote: Vote, *more: Any) -> Item:
    """Add a vote on texts; its identity is what was judged, by whom, and how."""
    a, b = item.answers
    item.paired = True
    item.vote = vote
    # Two of a file that names nobody may be two people's, and of two without texts the texts may differ.
    vote.replaces = vote.annotator is not None and all(one.digest or one.empty for one in item.answers)
    vote.identity = _identity(
        item.key,
        a.model,
        a.digest,
        b.model,
        b.digest,
        vote.outcome,
        vote.preference,
        vote.annotator,
        vote.at,
        *more,
    )
    return item


# The shapes


def response(number: int, row: fields.ResponseRow, _record: Record) -> Item:
    """One response to one prompt."""
    return _item(number, row, _prompt(row), [_answer(row.model, row.response, row.sample)])


def wide(number: int, row: fields.WideRow, _record: Record) -> Item:
    """A prompt with the responses of several models."""
    answers = [_answer(model, response) for model, response in row.responses.items()]
    return _item(number, row, _prompt(row), answers)


def comparison(number: int, row: fields.ComparisonRow, _record: Record) -> Item:
    """Two responses to a prompt: to be judged, judged, or gold."""
    # Two responses of one model are told apart by their text alone.
    sample = None if row.model_a == row.model_b else 0
    a = _answer(row.model_a, row.response_a, sample if row.sample_a is None else row.sample_a)
    b = _answer(row.model_b, row.response_b, sample if row.sample_b is None else row.sample_b)
    item = _item(number, row, _prompt(row), [a, b])
    item.gold, item.paired = row.gold, True
    if row.winner is not None:
        return _judged(
            item, Vote(row.winner, b"", row.annotator, row.annotator_kind, at=row.timestamp), row.id
        )
    if a.empty or b.empty:
        raise ValueError(f"response_{'a' if a.empty else 'b'} is empty; there is nothing to compare")
    if a.digest == b.digest and not row.gold:
        raise ValueError("response_a and response_b are the same text; there is nothing to compare")
    return item


def judgment(number: int, row: fields.JudgmentRow, _record: Record) -> Item:
    sides = ((row.model_a, row.response_a, row.sample_a), (row.model_b, row.response_b, row.sample_b))
    # A vote without texts is one by itself, also where its annotator gave several.
    answers = [_answer(model, said, sample) if said else Answer(model) for model, said, sample in sides]
    item = _item(number, row, dumped(row.prompt) if row.prompt else b"", answers)
    item.messages = item.messages or None
    if row.retired_at is not None:
        return item
    item.gold = row.gold
    given = Vote(row.outcome, b"", row.annotator, row.annotator_kind, row.preference, at=row.created_at)
    given.strength = row.strength if row.outcome in (Outcome.A, Outcome.B) else None
    given.simulated = row.simulated
    given.swapped = None if row.first_shown is None else row.first_shown == "b"
    pair = pair_id(item.key, (row.model_a, row.sample_a), (row.model_b, row.sample_b))
    given.exported = row.judgment_id, pair
    return _judged(item, given, row.judgment_id)


def vote(number: int, row: fields.VoteRow, record: Record) -> Item:
    """A verdict on two models, without their texts."""
    if row.model_a == row.model_b:
        raise ValueError(
            f"model_a and model_b are both {row.model_a!r}: a vote without texts only ranks, "
            "and no model is ranked against itself"
        )
    messages = dumped_text("user", row.prompt) if row.prompt and _is_text(row.prompt) else None
    key = row.prompt_id or (prompt_key(messages) if messages else row.prompt) or ""
    said = (
        row.model_a,
        row.model_b,
        row.winner,
        key,
        row.annotator,
        row.timestamp,
        row.id,
        row.language,
        row.category,
    )
    vote = Vote(
        row.winner,
        _identity(*said),
        row.annotator,
        row.annotator_kind,
        # Files that say left and right say what was shown where.
        swapped=False if "left" in record else None,
        at=row.timestamp,
    )
    answers = [Answer(row.model_a), Answer(row.model_b)]
    return Item(
        number,
        key,
        messages,
        answers,
        True,
        None,
        vote,
        row.category,
        row.language,
    )


def _is_text(prompt: str) -> bool:
    """Whether a votes file's prompt column holds a text, and not the name of one."""
    return len(prompt) > 64 or any(character.isspace() for character in prompt)


def alpaca_output(number: int, row: fields.AlpacaOutputRow, _record: Record) -> Item:
    """One of AlpacaEval's responses."""
    prompt = turns.dumped_prompt(row.instruction)
    answers = [_answer(row.generator, row.output)]
    return Item(number, prompt_key(prompt), prompt, answers, category=row.dataset)


def alpaca_annotation(number: int, row: fields.AlpacaAnnotationRow, _record: Record) -> Item:
    """A judge model's graded preference between two responses."""
    # 1 is wholly for the first, 2 for the second; older files write 0 for a draw.
    weight = 2 - row.preference if row.preference >= 1 else 0.5
    if 0 < row.preference < 1:
        raise ValueError("preference must be between 1 and 2, or 0 for a draw")
    outcome = Outcome.A if weight > 0.5 else Outcome.B if weight < 0.5 else Outcome.TIE
    prompt = turns.dumped_prompt(row.instruction)
    answers = [_answer(row.generator_1, row.output_1), _answer(row.generator_2, row.output_2)]
    item = Item(number, prompt_key(prompt), prompt, answers, category=row.dataset)
    return _judged(item, Vote(outcome, b"", row.annotator, AnnotatorKind.MODEL, weight))


def arena_hard_question(number: int, row: fields.ArenaHardQuestionRow, _record: Record) -> Item:
    """One of Arena-Hard's prompts."""
    first = row.prompt
    if first is None and row.turns:
        turn = row.turns[0]
        first = turn if isinstance(turn, str) else fields.plain_text(turn.get("content"))
    prompt = turns.dumped_prompt(first or "")
    tags = dumped([row.cluster]) if row.cluster else None
    return Item(number, row.uid, prompt, [], category=row.category, language=row.language, tags=tags)


def arena_hard_answer(number: int, row: fields.ArenaHardAnswerRow, _record: Record) -> Item:
    """A response to one of Arena-Hard's prompts, in its older form or its newer."""
    if row.messages is not None:
        last = (
            max((at for at, said in enumerate(row.messages) if said["role"] != "assistant"), default=-1) + 1
        )
        prompt, response = row.messages[:last], row.messages[last:]
    else:
        prompt, response = [], _choice_turns(row.choices or [])
    if not response:
        raise ValueError("there is no answer in it")
    return Item(number, row.uid, dumped(prompt) if prompt else None, [_answer(row.model, response)])


def _choice_turns(choices: list[dict[str, Any]]) -> list[Message]:
    said = choices[0].get("turns") if choices else None
    if not isinstance(said, list):
        raise ValueError("choices.0.turns is missing")  # noqa: TRY004 -- a refused row, not a wrong call
    texts = [turn if isinstance(turn, str) else fields.plain_text(turn.get("content")) for turn in said]
    return [{"role": "assistant", "content": text} for text in texts]


def lmarena(number: int, row: fields.LMArenaRow, _record: Record) -> Item:
    """A vote on two conversations that begin with the same prompt."""
    item = _conversations(number, row.conversation_a, row.conversation_b, row.model_a, row.model_b)
    item.language = row.language
    item.category = "code" if row.is_code else None
    return _judged(item, Vote(row.winner, b"", row.judge, at=row.timestamp), row.id)


def _conversations(number: int, a: list[Message], b: list[Message], model_a: str, model_b: str) -> Item:
    shared = turns.shared_prompt(a, b)
    prompt = dumped(a[:shared])
    answers = [_answer(model_a, a[shared:], None), _answer(model_b, b[shared:], None)]
    return Item(number, prompt_key(prompt), prompt, answers)


def preference(number: int, row: fields.PreferenceRow, _record: Record) -> Item:
    """A chosen and a rejected response, or whole conversations that end in them."""
    models = row.chosen_model or UNNAMED, row.rejected_model or UNNAMED
    chosen, rejected = _conversation(row.chosen), _conversation(row.rejected)
    if chosen and rejected:
        split = _conversations(number, chosen, rejected, *models)
        item = _item(number, row, split.messages or b"", split.answers)
    else:
        item = _item(number, row, _prompt(row), [])
        item.answers = [_answer(models[0], row.chosen, None), _answer(models[1], row.rejected, None)]
    if item.answers[0].digest == item.answers[1].digest:
        raise ValueError("chosen and rejected are the same text")
    return _judged(item, Vote(Outcome.A, b"", row.annotator, row.annotator_kind, at=row.timestamp), row.id)


def _conversation(said: str | list[Message]) -> list[Message]:
    """A whole conversation, prompt included; empty where it is an answer only."""
    messages = turns.hh_turns(said) if isinstance(said, str) else said
    return messages if messages and messages[0]["role"] != "assistant" else []
