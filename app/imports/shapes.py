"""The shapes a file may have: how each is recognised, checked, and turned into items."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from app.errors import Invalid
from app.imports import fields, turns
from app.imports.items import Answer, Item, Vote, answer, dumped, dumped_text, prompt_key
from app.imports.sources import Record, Refusal, Source, refused
from app.models import AnnotatorKind, Message, Outcome
from app.words import N_

# So many records are looked at before a file is said to fit no shape.
SAMPLED = 20

# Rows of preferences that do not say which models wrote them: pairs of one model are not ranked.
UNNAMED = "unnamed"


@dataclass(frozen=True)
class Shape:
    """One kind of record: ``fits`` looks at a record's keys only, ``row`` checks its values."""

    name: str
    title: str
    about: str
    example: str
    fits: Callable[[set[str]], bool]
    row: type[BaseModel]
    build: Callable[[int, Any, Record], Item]

    def read(self, number: int, record: Record) -> Item | Refusal:
        """A record as an item, or why it is refused."""
        try:
            return self.build(number, self.row.model_validate(record), record)
        except ValidationError as error:
            return refused(number, _reason(error), record)
        except ValueError as error:
            return refused(number, str(error), record)


def _reason(error: ValidationError) -> str:
    # Of a union's findings the last is of its most particular kind.
    found = error.errors(include_url=False, include_context=False)[-1]
    where = ".".join(
        str(part) for part in found["loc"] if not str(part).startswith(("function-", "constrained-"))
    )
    if found["type"] == "missing":
        return f"{where} is missing"
    if found["type"] == "string_pattern_mismatch":
        return f"{where} {_unfit(found['input'])}"
    message = found["msg"].removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}" if where else message


def _unfit(given: str) -> str:
    if "\0" in given:
        return "has a NUL character"
    return f"has characters that cannot be in it: {given[:60]!r}" if given.strip() else "must not be empty"


def find(source: Source, wanted: str | None) -> Shape:
    """The shape a file's first records have, or the one asked for.

    Raises Invalid, saying what was expected and what was found.
    """
    if wanted:
        return SHAPES[wanted]
    seen: Record | Refusal | None = None
    for (_number, record), _ in zip(source.records(), range(SAMPLED), strict=False):
        if isinstance(record, dict):
            keys = record.keys() - {key for key, value in record.items() if value is None}
            shape = next((shape for shape in SHAPES.values() if shape.fits(keys)), None)
            if shape:
                return shape
        seen = seen or record
    if isinstance(seen, Refusal):
        where = f"{source.unit.capitalize()} {seen.number}"
        raise Invalid(f"{source.name}: nothing could be read of it. {where}: {seen.reason}.")
    raise Invalid(f"{source.name} fits no known shape. {_found(seen)} {_expected()}")


def _found(seen: Record | None) -> str:
    if seen is None:
        return "It holds no records."
    return f"Found the fields {', '.join(sorted(seen)[:20]) or '(none)'}."


def _expected() -> str:
    return "Expected one of: " + "; ".join(f"{shape.name} ({shape.about})" for shape in SHAPES.values()) + "."


# What the shapes have in common


def _item(number: int, row: fields.Prompted, prompt: bytes, answers: list[Answer]) -> Item:
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


def _answer(model: str, response: str | list[Message], sample: int | None = 0) -> Answer:
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


def _response(number: int, row: fields.ResponseRow, _record: Record) -> Item:
    return _item(number, row, _prompt(row), [_answer(row.model, row.response, row.sample)])


def _wide(number: int, row: fields.WideRow, _record: Record) -> Item:
    answers = [_answer(model, response) for model, response in row.responses.items()]
    return _item(number, row, _prompt(row), answers)


def _comparison(number: int, row: fields.ComparisonRow, _record: Record) -> Item:
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


def _vote(number: int, row: fields.VoteRow, record: Record) -> Item:
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


def _alpaca_output(number: int, row: fields.AlpacaOutputRow, _record: Record) -> Item:
    prompt = turns.dumped_prompt(row.instruction)
    answers = [_answer(row.generator, row.output)]
    return Item(number, prompt_key(prompt), prompt, answers, category=row.dataset)


def _alpaca_annotation(number: int, row: fields.AlpacaAnnotationRow, _record: Record) -> Item:
    # 1 is wholly for the first, 2 for the second; older files write 0 for a draw.
    weight = 2 - row.preference if row.preference >= 1 else 0.5
    if 0 < row.preference < 1:
        raise ValueError("preference must be between 1 and 2, or 0 for a draw")
    outcome = Outcome.A if weight > 0.5 else Outcome.B if weight < 0.5 else Outcome.TIE
    prompt = turns.dumped_prompt(row.instruction)
    answers = [_answer(row.generator_1, row.output_1), _answer(row.generator_2, row.output_2)]
    item = Item(number, prompt_key(prompt), prompt, answers, category=row.dataset)
    return _judged(item, Vote(outcome, b"", row.annotator, AnnotatorKind.MODEL, weight))


def _arena_hard_question(number: int, row: fields.ArenaHardQuestionRow, _record: Record) -> Item:
    first = row.prompt
    if first is None and row.turns:
        turn = row.turns[0]
        first = turn if isinstance(turn, str) else fields.plain_text(turn.get("content"))
    prompt = turns.dumped_prompt(first or "")
    tags = dumped([row.cluster]) if row.cluster else None
    return Item(number, row.uid, prompt, [], category=row.category, language=row.language, tags=tags)


def _arena_hard_answer(number: int, row: fields.ArenaHardAnswerRow, _record: Record) -> Item:
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


def _lmarena(number: int, row: fields.LMArenaRow, _record: Record) -> Item:
    item = _conversations(number, row.conversation_a, row.conversation_b, row.model_a, row.model_b)
    item.language = row.language
    item.category = "code" if row.is_code else None
    return _judged(item, Vote(row.winner, b"", row.judge, at=row.timestamp), row.id)


def _conversations(number: int, a: list[Message], b: list[Message], model_a: str, model_b: str) -> Item:
    shared = turns.shared_prompt(a, b)
    prompt = dumped(a[:shared])
    answers = [_answer(model_a, a[shared:], None), _answer(model_b, b[shared:], None)]
    return Item(number, prompt_key(prompt), prompt, answers)


def _preference(number: int, row: fields.PreferenceRow, _record: Record) -> Item:
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


def _has(*names: str) -> Callable[[set[str]], bool]:
    return lambda keys: keys.issuperset(names)


def _any(*names: str) -> Callable[[set[str]], bool]:
    return lambda keys: not keys.isdisjoint(names)


def _all(*tests: Callable[[set[str]], bool]) -> Callable[[set[str]], bool]:
    return lambda keys: all(test(keys) for test in tests)


def _table(shapes: Iterable[Shape]) -> dict[str, Shape]:
    return {shape.name: shape for shape in shapes}


# The first that fits is taken, so those with more particular fields come first.
SHAPES = _table(
    [
        Shape(
            "lmarena",
            N_("LMArena human preference"),
            "model_a, model_b, winner, conversation_a, conversation_b",
            '{"id": "f1", "model_a": "heron", "model_b": "wren", "winner": "model_a", '
            '"conversation_a": [{"role": "user", "content": "Hi"}, '
            '{"role": "assistant", "content": "Hello!"}], '
            '"conversation_b": [{"role": "user", "content": "Hi"}, '
            '{"role": "assistant", "content": "Yes?"}]}',
            _has("model_a", "model_b", "winner", "conversation_a", "conversation_b"),
            fields.LMArenaRow,
            _lmarena,
        ),
        Shape(
            "alpaca-annotations",
            N_("AlpacaEval annotations"),
            "instruction, output_1, generator_1, output_2, generator_2, preference",
            '{"instruction": "Name a bird.", "output_1": "Heron.", "generator_1": "heron", '
            '"output_2": "Cat.", "generator_2": "wren", "annotator": "a-judge-model", "preference": 1.02}',
            _has("instruction", "output_1", "output_2", "preference"),
            fields.AlpacaAnnotationRow,
            _alpaca_annotation,
        ),
        Shape(
            "alpaca-outputs",
            N_("AlpacaEval model outputs"),
            "instruction, output, generator",
            '{"instruction": "Name a bird.", "output": "Heron.", "generator": "heron", "dataset": "birds"}',
            _has("instruction", "output", "generator"),
            fields.AlpacaOutputRow,
            _alpaca_output,
        ),
        Shape(
            "comparisons",
            N_("Comparisons"),
            N_("prompt or messages, model_a, response_a, model_b, response_b; gold or winner if known"),
            '{"prompt": "Name a bird.", "model_a": "heron", "response_a": "Heron.", "model_b": "wren", '
            '"response_b": "Cat.", "gold": "a"}',
            _has("model_a", "response_a", "model_b", "response_b"),
            fields.ComparisonRow,
            _comparison,
        ),
        Shape(
            "votes",
            N_("Votes"),
            N_("model_a, model_b (or left, right), winner; prompt_id, annotator, timestamp if known"),
            "model_a,model_b,winner,prompt_id,annotator\nheron,wren,model_a,q1,kim\nwren,heron,tie,q2,kim",
            _all(_has("winner"), lambda keys: {"model_a", "model_b"} <= keys or {"left", "right"} <= keys),
            fields.VoteRow,
            _vote,
        ),
        Shape(
            "preferences",
            N_("Preferences (TRL, HH-RLHF, UltraFeedback)"),
            N_("chosen, rejected; prompt, chosen_model, rejected_model, annotator if known"),
            '{"prompt": "Name a bird.", "chosen": "Heron.", "rejected": "Cat."}',
            lambda keys: {"chosen", "rejected"} <= keys or {"chosen_response", "rejected_response"} <= keys,
            fields.PreferenceRow,
            _preference,
        ),
        Shape(
            "responses-wide",
            N_("Responses, wide"),
            N_("prompt or messages, responses: {model: text}"),
            '{"prompt": "Name a bird.", "responses": {"heron": "Heron.", "wren": "Cat."}}',
            _all(_has("responses"), _any("prompt", "messages")),
            fields.WideRow,
            _wide,
        ),
        Shape(
            "responses",
            N_("Responses"),
            N_("prompt or messages, model, response"),
            '{"prompt": "Name a bird.", "model": "heron", "response": "Heron.", "category": "birds"}',
            _all(_has("model", "response"), _any("prompt", "messages")),
            fields.ResponseRow,
            _response,
        ),
        Shape(
            "arena-hard-answers",
            N_("Arena-Hard model answers"),
            N_("uid or question_id, model or model_id, messages or choices"),
            '{"uid": "q1", "model": "heron", "messages": [{"role": "user", "content": "Name a bird."}, '
            '{"role": "assistant", "content": {"answer": "Heron."}}]}',
            _all(_any("uid", "question_id"), _any("model", "model_id"), _any("messages", "choices")),
            fields.ArenaHardAnswerRow,
            _arena_hard_answer,
        ),
        Shape(
            "arena-hard-questions",
            N_("Arena-Hard questions"),
            N_("uid or question_id, prompt or turns"),
            '{"uid": "q1", "category": "arena-hard-v0.1", "cluster": "Birds", "prompt": "Name a bird."}',
            _all(_any("uid", "question_id"), _any("prompt", "turns")),
            fields.ArenaHardQuestionRow,
            _arena_hard_question,
        ),
    ]
)
