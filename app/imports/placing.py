"""Prompts and responses: which are there, which are new, and which contradict what is there."""

from collections.abc import Sequence
from operator import attrgetter

import orjson

from app.imports import bulk, known
from app.imports.items import Answer, Item
from app.imports.known import PromptState, Side
from app.imports.naming import Names
from app.imports.writing import Pending

# What a prompt may come without and a later row may know; judgments are counted by some of it.
FILLED = ("messages", "category", "language", "tags", "meta")
FILED_BY = frozenset({"category", "language"})
_all_of = attrgetter(*FILLED)


class ConflictError(Exception):
    """A row contradicts what is there; the message is the reason it is refused for."""


class Places:
    """The prompts of a chunk and the responses to them, as they are or as they will be after it."""

    def __init__(self, pending: Pending, names: Names, items: Sequence[Item]) -> None:
        self.pending = pending
        self.names = names
        # Rows that file their prompt otherwise than it is filed.
        self.differing = 0
        self.prompts = known.prompts(pending.connection, pending.project_id, {item.key for item in items})
        self.responses = known.responses(pending.connection, [prompt.id for prompt in self.prompts.values()])

    def place(self, item: Item) -> tuple[list[Side], bool]:
        """The item's responses by (model id, sample), and whether anything of it is new."""
        prompt = self.prompts.get(item.key)
        is_new = prompt is None
        is_known = prompt is not None and _all_of(item) == _all_of(prompt)
        if prompt is None:
            prompt = PromptState(
                self.pending.new_id("prompts"),
                item.messages,
                item.category,
                item.language,
                item.tags,
                item.meta,
                new=True,
            )
        elif not is_known:
            _check_prompt(item, prompt)
        sides, missing = self._resolve(item.answers, prompt.id)
        if item.paired and sides[0] == sides[1]:
            raise ConflictError("the two responses are the same one")
        if is_new:
            self.prompts[item.key] = prompt
        filled = not (is_new or is_known) and self._fill(item, prompt)
        added = [self.add_response(prompt.id, *pair) for pair in missing]
        return sides, is_new or filled or any(added)

    def _resolve(self, answers: list[Answer], prompt_id: int) -> tuple[list[Side], list[tuple[Answer, Side]]]:
        """The answers' sides, and those whose text is not there."""
        sides: list[Side] = []
        missing: list[tuple[Answer, Side]] = []
        for answer in answers:
            model_id = self.names.model(answer.model)
            samples = self.responses.get((prompt_id, model_id), {})
            sample = answer.sample
            if sample is None:
                taken = {sample for model, sample in sides if model == model_id}
                sample = _sample_of(answer, samples, taken)
            there = samples.get(sample)
            if there is None:
                missing.append((answer, (model_id, sample)))
            elif answer.digest is not None and there != answer.digest:
                raise ConflictError(
                    f"{answer.model} already has another response to this prompt"
                    + (f" as sample {sample}" if sample else "")
                )
            sides.append((model_id, sample))
        return sides, missing

    def add_response(self, prompt_id: int, answer: Answer, side: Side) -> bool:
        """Add a response, or its text to one known from votes; whether either was new."""
        model_id, sample = side
        samples = self.responses.setdefault((prompt_id, model_id), {})
        if sample not in samples:
            samples[sample] = answer.digest
            row = (
                self.pending.new_id("responses"),
                prompt_id,
                model_id,
                sample,
                answer.messages,
                answer.digest,
            )
            self.pending.rows["responses"].append(row)
            return True
        if samples[sample] is None and answer.digest is not None:
            samples[sample] = answer.digest
            self.pending.updates["responses filled"].append(
                {
                    "prompt": prompt_id,
                    "model": model_id,
                    "sample": sample,
                    "messages": bulk.text(answer.messages),
                    "digest": answer.digest,
                }
            )
            return True
        return False

    def _fill(self, item: Item, prompt: PromptState) -> bool:
        """Give a prompt what only this row knows of it, each value for itself; what is there stays."""
        missing = []
        differs = False
        for name in FILLED:
            there, given = getattr(prompt, name), getattr(item, name)
            if given is None or given == there:
                continue
            if there is None:
                missing.append(name)
            elif name != "messages":
                differs = differs or name in FILED_BY or orjson.loads(given) != orjson.loads(there)
        self.differing += differs
        if prompt.filed_as is None and not FILED_BY.isdisjoint(missing):
            prompt.filed_as = prompt.category, prompt.language
        for name in missing:
            setattr(prompt, name, getattr(item, name))
            prompt.changed = True
        return bool(missing)

    def add_repeated(self, prompt_id: int, answer: Answer, side: Side) -> None:
        """Add a response that only carries a further vote, unless it is there."""
        samples = self.responses.setdefault((prompt_id, side[0]), {})
        if side[1] not in samples and known.has_response(self.pending.connection, prompt_id, side):
            samples[side[1]] = None
        self.add_response(prompt_id, answer, side)


def _check_prompt(item: Item, prompt: PromptState) -> None:
    if item.messages is None or prompt.messages is None or item.messages == prompt.messages:
        return
    if orjson.loads(item.messages) != orjson.loads(prompt.messages):
        raise ConflictError(f"prompt {item.key} is already there with another text")


def _sample_of(answer: Answer, samples: dict[int, bytes | None], taken: set[int]) -> int:
    """The sample that has this text, else the first that is free."""
    for sample, digest in samples.items():
        if digest == answer.digest:
            return sample
    return next(
        sample
        for sample in range(len(samples) + len(taken) + 1)
        if sample not in samples | dict.fromkeys(taken)
    )
