"""Preferences in the columns of trainers' formats."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from app.exports.fitness import Messages
from app.exports.forms import Format
from app.exports.lines import as_json
from app.exports.seen import Preferences
from app.words import N_

# Reasons in the words the page and the manifest show, beside the verdicts' and the texts' own.
ONE_ANSWER = N_("the answer is more than one message")
TURNS = N_("turns do not alternate between user and assistant")
SYSTEM_LATER = N_("a system turn is not the first")

# JSON, a text for each row.
Column = Sequence[str]
Columns = tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Some rows: a format's own columns, which a trainer reads, and the preferences they say."""

    own: Columns
    preferences: Preferences

    def __len__(self) -> int:
        return len(self.preferences.prompt)

    def one_by_one(self) -> Iterator["Pairs"]:
        """Each row by itself."""
        for place in range(len(self)):
            row = slice(place, place + 1)
            preferences = Preferences._make(column[row] for column in self.preferences)
            yield Pairs(tuple(column[row] for column in self.own), preferences)

    @property
    def size(self) -> int:
        """Characters of the own columns."""
        return sum(sum(map(len, column)) for column in self.own)


def paired(wanted: Format, pairs: Preferences) -> Pairs:
    """Pairs that the format can say, in its columns; at least one."""
    return Pairs(WRITTEN[wanted](pairs.prompt, pairs.chosen, pairs.rejected), pairs)


def sayable(wanted: Format, pairs: Preferences, excluded: Counter[str]) -> Preferences:
    """The pairs that a format can say; the others are counted by their reason."""
    problem_of = PROBLEMS.get(wanted)
    if problem_of is None or all(pairs.is_plain):
        return pairs
    kept: list[bool] = []
    for prompt, chosen, rejected, *_, is_plain in pairs.rows():
        problem = None if is_plain else problem_of(*map(orjson.loads, (prompt, chosen, rejected)))
        kept.append(problem is None)
        if problem is not None:
            excluded[problem] += 1
    return pairs.only(kept)


def _openai_problem(prompt: Messages, *answers: Messages) -> str | None:
    if any(turn["role"] == "system" for turn in prompt[1:]):
        return SYSTEM_LATER
    return _answers_problem(prompt, *answers)


def _llamafactory_problem(prompt: Messages, *answers: Messages) -> str | None:
    turns = prompt[1:] if prompt[0]["role"] == "system" else prompt
    alternate = all(turn["role"] == ("user", "assistant")[place % 2] for place, turn in enumerate(turns))
    return _answers_problem(prompt, *answers) or (None if alternate else TURNS)


def _answers_problem(_prompt: Messages, *answers: Messages) -> str | None:
    return ONE_ANSWER if any(len(answer) > 1 for answer in answers) else None


# Of formats that cannot say every preference, why not this one; one plain turn each all of them can say.
PROBLEMS: dict[Format, Callable[..., str | None]] = {
    Format.OPENAI: _openai_problem,
    Format.LLAMAFACTORY: _llamafactory_problem,
    Format.MESSAGES: _answers_problem,
}


def _trl(prompt: Column, chosen: Column, rejected: Column) -> Columns:
    return prompt, chosen, rejected


def _trl_implicit(prompt: Column, chosen: Column, rejected: Column) -> Columns:
    return list(map(conversation, prompt, chosen)), list(map(conversation, prompt, rejected))


def _openai(prompt: Column, chosen: Column, rejected: Column) -> Columns:
    asked = [f'{{"messages":{text},"tools":[],"parallel_tool_calls":true}}' for text in prompt]
    return asked, chosen, rejected


def _llamafactory(prompt: Column, chosen: Column, rejected: Column) -> Columns:
    asked: list[str] = []
    systems: list[str] = []
    for turns in map(orjson.loads, prompt):
        systems.append(as_json(turns.pop(0)["content"] if turns[0]["role"] == "system" else ""))
        asked.append(as_json(list(map(_sharegpt, turns))))
    answers = [[as_json(_sharegpt(orjson.loads(text)[0])) for text in side] for side in (chosen, rejected)]
    return asked, *answers, systems


def _sharegpt(message: dict[str, str]) -> dict[str, str]:
    return {"from": {"user": "human", "assistant": "gpt"}[message["role"]], "value": message["content"]}


def _messages(prompt: Column, chosen: Column, rejected: Column) -> Columns:
    return prompt, *([as_json(orjson.loads(text)[0]) for text in side] for side in (chosen, rejected))


def _nemo(prompt: Column, chosen: Column, rejected: Column) -> Columns:
    ranked = '[{{"rank":0,"completion":{}}},{{"rank":1,"completion":{}}}]'
    return prompt, list(map(ranked.format, chosen, rejected))


def conversation(prompt: str, response: str) -> str:
    """Two JSON lists as one, without parsing them."""
    return f"{prompt.rstrip()[:-1]},{response.lstrip()[1:]}"


# How prompts, chosen and rejected are written.
WRITTEN: dict[Format, Callable[[Column, Column, Column], Columns]] = {
    Format.TRL: _trl,
    Format.TRL_IMPLICIT: _trl_implicit,
    Format.OPENAI: _openai,
    Format.LLAMAFACTORY: _llamafactory,
    Format.MESSAGES: _messages,
    Format.NEMO: _nemo,
}
