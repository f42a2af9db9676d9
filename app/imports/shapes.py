"""The shapes a file may have: how each is recognised, and what checks and builds its items."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from app.errors import Invalid
from app.imports import building, fields
from app.imports.items import Item
from app.imports.sources import Record, Refusal, Source, refused
from app.words import N_, written_out

# So many records are looked at before a file is said to fit no shape.
SAMPLED = 20


@dataclass(frozen=True)
class Shape:
    """One kind of record: ``fits`` looks at a record's keys only, ``row`` checks its values.

    ``fields`` are those that tell of it in a file that fits none, one and the other of alternatives.
    """

    name: str
    title: str
    about: str
    fields: tuple[str, ...]
    example: str
    fits: Callable[[set[str]], bool]
    row: type[BaseModel]
    build: Callable[[int, Any, Record], Item]

    def read(self, number: int, record: Record) -> Item | Refusal:
        """A record as an item, or why it is refused."""
        try:
            item = self.build(number, self.row.model_validate(record), record)
        except ValidationError as error:
            return refused(number, _reason(error), record)
        except ValueError as error:
            return refused(number, str(error), record)
        # An empty cell names none.
        item.category, item.language = _named(item.category), _named(item.language)
        return item


def _named(value: str | None) -> str | None:
    return value if value and not value.isspace() else None


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
            keys = _filled(record)
            shape = next((shape for shape in SHAPES.values() if shape.fits(keys)), None)
            if shape:
                return shape
        seen = seen or record
    if isinstance(seen, Refusal):
        where = f"{source.unit.capitalize()} {seen.number}"
        raise Invalid(f"{source.name}: nothing could be read of it. {where}: {seen.reason}.")
    raise Invalid(f"{source.name} fits no known shape. {_found(seen)} {_expected(_filled(seen or {}))}")


def _filled(record: Record) -> set[str]:
    return {key for key, value in record.items() if value is not None}


def _found(seen: Record | None) -> str:
    if seen is None:
        return "It holds no records."
    return f"Found the fields {', '.join(written_out(name) for name in sorted(seen)[:20]) or '(none)'}."


def _expected(keys: set[str]) -> str:
    known = f"Known are {', '.join(shape.name for shape in SHOWN)}: see docs/imports.md or the page Import."
    near = max(SHOWN, key=lambda shape: (len(keys.intersection(shape.fields)), -len(shape.fields)))
    return f"Nearest is {near.name}: {near.about}. {known}" if keys.intersection(near.fields) else known


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
            ("model_a", "model_b", "winner", "conversation_a", "conversation_b"),
            '{"id": "f1", "model_a": "heron", "model_b": "wren", "winner": "model_a", '
            '"conversation_a": [{"role": "user", "content": "Hi"}, '
            '{"role": "assistant", "content": "Hello!"}], '
            '"conversation_b": [{"role": "user", "content": "Hi"}, '
            '{"role": "assistant", "content": "Yes?"}]}',
            _has("model_a", "model_b", "winner", "conversation_a", "conversation_b"),
            fields.LMArenaRow,
            building.lmarena,
        ),
        Shape(
            "alpaca-annotations",
            N_("AlpacaEval annotations"),
            "instruction, output_1, generator_1, output_2, generator_2, preference",
            ("instruction", "output_1", "generator_1", "output_2", "generator_2", "preference"),
            '{"instruction": "Name a bird.", "output_1": "Heron.", "generator_1": "heron", '
            '"output_2": "Cat.", "generator_2": "wren", "annotator": "a-judge-model", "preference": 1.02}',
            _has("instruction", "output_1", "output_2", "preference"),
            fields.AlpacaAnnotationRow,
            building.alpaca_annotation,
        ),
        Shape(
            "alpaca-outputs",
            N_("AlpacaEval model outputs"),
            "instruction, output, generator",
            ("instruction", "output", "generator"),
            '{"instruction": "Name a bird.", "output": "Heron.", "generator": "heron", "dataset": "birds"}',
            _has("instruction", "output", "generator"),
            fields.AlpacaOutputRow,
            building.alpaca_output,
        ),
        Shape(
            "judgments",
            N_("Judgments"),
            "judgment_id, outcome, annotator, prompt, model_a, response_a, model_b, response_b",
            ("judgment_id", "outcome", "annotator", "model_a", "model_b"),
            '{"judgment_id": "1f3a", "outcome": "a", "annotator": "x7Kd", "annotator_kind": "human", '
            '"simulated": false, "created_at": "2026-03-01T09:30:00+00:00", "prompt_id": "q1", '
            '"model_a": "heron", "model_b": "wren", "prompt": [{"role": "user", "content": "Name a bird."}], '
            '"response_a": [{"role": "assistant", "content": "Heron."}], '
            '"response_b": [{"role": "assistant", "content": "Cat."}]}',
            _has("judgment_id", "outcome", "annotator", "model_a", "model_b"),
            fields.JudgmentRow,
            building.judgment,
        ),
        Shape(
            "comparisons",
            N_("Comparisons"),
            N_("prompt or messages, model_a, response_a, model_b, response_b; gold or winner if known"),
            ("prompt", "messages", "model_a", "response_a", "model_b", "response_b"),
            '{"prompt": "Name a bird.", "model_a": "heron", "response_a": "Heron.", "model_b": "wren", '
            '"response_b": "Cat.", "gold": "a"}',
            _has("model_a", "response_a", "model_b", "response_b"),
            fields.ComparisonRow,
            building.comparison,
        ),
        Shape(
            "votes",
            N_("Votes"),
            N_("model_a, model_b (or left, right), winner; prompt_id, annotator, timestamp if known"),
            ("model_a", "model_b", "left", "right", "winner"),
            "model_a,model_b,winner,prompt_id,annotator\nheron,wren,model_a,q1,kim\nwren,heron,tie,q2,kim",
            _all(_has("winner"), lambda keys: {"model_a", "model_b"} <= keys or {"left", "right"} <= keys),
            fields.VoteRow,
            building.vote,
        ),
        Shape(
            "preferences",
            N_("Preferences (TRL, HH-RLHF, UltraFeedback)"),
            N_("chosen, rejected; prompt, chosen_model, rejected_model, annotator if known"),
            ("chosen", "rejected"),
            '{"prompt": "Name a bird.", "chosen": "Heron.", "rejected": "Cat."}',
            lambda keys: {"chosen", "rejected"} <= keys or {"chosen_response", "rejected_response"} <= keys,
            fields.PreferenceRow,
            building.preference,
        ),
        Shape(
            "responses-wide",
            N_("Responses, wide"),
            N_("prompt or messages, responses: {model: text}"),
            # Of a prompt alone the plain shape is nearer.
            ("responses",),
            '{"prompt": "Name a bird.", "responses": {"heron": "Heron.", "wren": "Cat."}}',
            _all(_has("responses"), _any("prompt", "messages")),
            fields.WideRow,
            building.wide,
        ),
        Shape(
            "responses",
            N_("Responses"),
            N_("prompt or messages, model, response"),
            ("prompt", "messages", "model", "response"),
            '{"prompt": "Name a bird.", "model": "heron", "response": "Heron.", "category": "birds"}',
            _all(_has("model", "response"), _any("prompt", "messages")),
            fields.ResponseRow,
            building.response,
        ),
        Shape(
            "arena-hard-answers",
            N_("Arena-Hard model answers"),
            N_("uid or question_id, model or model_id, messages or choices"),
            ("uid", "question_id", "model", "model_id", "messages", "choices"),
            '{"uid": "q1", "model": "heron", "messages": [{"role": "user", "content": "Name a bird."}, '
            '{"role": "assistant", "content": {"answer": "Heron."}}]}',
            _all(_any("uid", "question_id"), _any("model", "model_id"), _any("messages", "choices")),
            fields.ArenaHardAnswerRow,
            building.arena_hard_answer,
        ),
        Shape(
            "arena-hard-questions",
            N_("Arena-Hard questions"),
            N_("uid or question_id, prompt or turns"),
            ("uid", "question_id", "prompt", "turns"),
            '{"uid": "q1", "category": "arena-hard-v0.1", "cluster": "Birds", "prompt": "Name a bird."}',
            _all(_any("uid", "question_id"), _any("prompt", "turns")),
            fields.ArenaHardQuestionRow,
            building.arena_hard_question,
        ),
    ]
)

# As they are told: what most files hold first, the shapes of other tools last.
_OUR_OWN = ("comparisons", "responses", "responses-wide", "votes", "preferences", "judgments")
SHOWN = (
    *(SHAPES[name] for name in _OUR_OWN),
    *(shape for shape in SHAPES.values() if shape.name not in _OUR_OWN),
)
