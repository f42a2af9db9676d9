"""Turns judged comparisons into preferences a model can be trained on, and into battles.

Whatever would poison training is left out, and counted by its reason.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from app.exports.forms import Aggregate, ExportSpec, Split
from app.exports.records import Chunk, Compared, Vote, iso, names, read_votes
from app.exports.seen import Preference, Seen
from app.exports.verdicts import NEITHER, Decisions, Verdict
from app.leaderboard import bias
from app.models import Project

# Reasons in the words the page and the manifest show; the others are the verdicts'.
GOLD = "gold comparison, a test of annotators"
TEXTLESS = "came as a vote without texts"
SAME_TEXT = "both responses say the same"
EMPTY = "a side is empty"
UNSUPPORTED = "holds more than text turns"
NOT_ASKED = "prompt does not end with a question to answer"
OUTVOTED = "contradicts the majority on the same pair"

TRAIN, TEST = Split.TRAIN.value, Split.TEST.value

# How one plain turn begins when it is stored.
ASKS = '[{"role":"user","content":"'
ANSWERS = '[{"role":"assistant","content":"'

TEXT_ROLES = frozenset({"system", "user", "assistant"})


class Side(NamedTuple):
    """A model and its response, a JSON list of messages as text."""

    model: str
    response: str


class Battle(NamedTuple):
    """A verdict on two texts, ties and all; whose it is, and whether b was on the left of the screen."""

    prompt_id: str
    prompt: str
    a: Side
    b: Side
    outcome: str
    judge: str
    swapped: bool
    provenance: dict[str, Any]


Decided = tuple[Compared, Verdict, list[Vote]]


def iter_preferences(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[list[Preference]]:
    """The preferences in stable order, some at a time; ``excluded`` counts what was left out, by reason.

    All of a prompt's follow one another. The caller's transaction is the snapshot.
    """
    reading = _Reading(connection, project, spec, excluded)
    seen = Seen()
    for chunk in reading.chunks:
        yield reading.preferences(chunk, seen)


def iter_battles(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[list[Battle]]:
    """The same for every verdict, also those for neither side."""
    reading = _Reading(connection, project, spec, excluded)
    for chunk in reading.chunks:
        yield list(reading.battles(chunk))


class _Reading:
    """One pass over a project's comparisons, by a spec's rules."""

    def __init__(
        self, connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
    ) -> None:
        self.spec = spec
        self.excluded = excluded
        self.each = spec.aggregating is Aggregate.EACH
        self.has_gold = spec.has_gold
        self.names = names(connection, project)
        self.decisions = Decisions(spec, self.names, weights(connection, project, spec))
        self.splits = Splits(spec)
        self.chunks = read_votes(connection, project, spec)

    def preferences(self, chunk: Chunk[Vote], seen: Seen) -> list[Preference]:
        made: list[Preference] = []
        models, margin = self.names.models, self.spec.margin
        for comparison, verdict, votes in self._decided(chunk):
            prompt, a, b = comparison.prompt, comparison.response_a, comparison.response_b
            if prompt is None or a is None or b is None:
                self.excluded[TEXTLESS] += 1
                continue
            problem = unfit(prompt, a, b)
            if problem is not None:
                self.excluded[problem] += 1
                continue
            model, other = models[comparison.model_a_id], models[comparison.model_b_id]
            if verdict.outcome == "b":
                a, b, model, other = b, a, other, model
            pair = {
                "prompt": prompt,
                "chosen": a,
                "rejected": b,
                "pair_id": comparison.pair_id,
                "prompt_id": comparison.prompt_id,
                "chosen_model": model,
                "rejected_model": other,
                **verdict.votes,
                "judged_at": _latest(votes),
                "language": comparison.language or "",
                "category": comparison.category or "",
                "split": self.splits.of(prompt),
            }
            if margin:
                pair["margin"] = verdict.margin
            made.append(pair)
        return seen.new(made, self.excluded)

    def battles(self, chunk: Chunk[Vote]) -> Iterator[Battle]:
        models = self.names.models
        for comparison, verdict, votes in self._decided(chunk):
            prompt, a, b = comparison.prompt, comparison.response_a, comparison.response_b
            if prompt is None or a is None or b is None:
                self.excluded[TEXTLESS] += 1
                continue
            told = {
                "pair_id": comparison.pair_id,
                **verdict.votes,
                "judged_at": _latest(votes),
                "language": comparison.language or "",
                "category": comparison.category or "",
                "split": self.splits.of(prompt),
            }
            yield Battle(
                comparison.prompt_id,
                prompt,
                Side(models[comparison.model_a_id], a),
                Side(models[comparison.model_b_id], b),
                verdict.outcome or "",
                told["annotators"][0] if self.each else self.spec.aggregating.value,
                self.each and bool(votes[0].swapped),
                told,
            )

    def _decided(self, chunk: Chunk[Vote]) -> Iterator[Decided]:
        """The comparisons of the wanted split whose judgments come to something that can be written."""
        for comparison in chunk.comparisons:
            if not self.splits.wants(comparison.prompt):
                continue
            votes = chunk.judgments.get(comparison.id, [])
            verdict = self.decisions.of(votes, comparison.adjudicated)
            reason = verdict.reason if comparison.gold is None or self.has_gold else GOLD
            if reason is not None:
                self.excluded[reason] += len(votes) or 1 if self.each else 1
            elif self.each:
                yield from self._one_by_one(comparison, verdict, votes)
            else:
                yield comparison, verdict, votes

    def _one_by_one(self, comparison: Compared, majority: Verdict, votes: list[Vote]) -> Iterator[Decided]:
        for vote in votes:
            if self.spec.format.for_training and vote.outcome != majority.outcome:
                self.excluded[NEITHER.get(vote.outcome, OUTVOTED)] += 1
            else:
                yield comparison, self.decisions.of([vote], None), [vote]


def _latest(votes: list[Vote]) -> str:
    if not votes:
        return ""
    return iso(votes[0].created_at if len(votes) == 1 else max(vote.created_at for vote in votes))


def weights(connection: sa.Connection, project: Project, spec: ExportSpec) -> dict[int, float]:
    """How much annotators' votes count: by their reliability in the whole project, never below nothing."""
    if spec.aggregating is not Aggregate.WEIGHTED:
        return {}
    with Session(connection) as session:
        found = bias.weighted(session, project)
    if found is None:
        return {}
    return dict(zip(found.annotators.tolist(), found.reliability.clip(0).tolist(), strict=True))


class Splits:
    """Tells prompts to train with from prompts to test with, by their own text and the salt.

    A prompt stays where it is whatever is added, and two prompts with the same text stay together.
    """

    def __init__(self, spec: ExportSpec) -> None:
        self.salt = f"{spec.salt}\0"
        self.bound = int(spec.held_out * 2**64).to_bytes(8)
        self.wanted = spec.split
        self._prompt: str | None = ""
        self._split = ""

    def of(self, prompt: str | None) -> str:
        """ "train" or "test"."""
        # A prompt's comparisons follow one another.
        if prompt != self._prompt:
            lot = blake2b(f"{self.salt}{prompt}".encode(), digest_size=8).digest()
            self._prompt, self._split = prompt, TEST if lot < self.bound else TRAIN
        return self._split

    def wants(self, prompt: str | None) -> bool:
        """Whether the prompt is in the split that was asked for."""
        return self.wanted is None or self.of(prompt) == self.wanted


def unfit(prompt: str, a: str, b: str) -> str | None:
    """Why these messages cannot be a training row, if they cannot."""
    if a == b:
        return SAME_TEXT
    if _is_turn(prompt, ASKS) and _is_turn(a, ANSWERS) and _is_turn(b, ANSWERS):
        return None
    asked, said = orjson.loads(prompt), (orjson.loads(a), orjson.loads(b))
    if not (_plain(asked) and all(map(_plain, said))):
        return UNSUPPORTED
    if asked[-1]["role"] != "user" or any(answer[-1]["role"] != "assistant" for answer in said):
        return NOT_ASKED
    if any(not message["content"].strip() for part in (asked, *said) for message in part):
        return EMPTY
    return None


def _is_turn(messages: str, opening: str) -> bool:
    """Whether this is surely one turn with a text, and not blank, told without parsing it.

    What opens as one, and has no quote after that but the last, can hold nothing else.
    """
    begin = len(opening)
    if not messages.startswith(opening) or messages.find('"', begin) != len(messages) - 3:
        return False
    first = messages[begin]
    return first != '"' and first != "\\" and not first.isspace()


def _plain(messages: list[dict[str, Any]]) -> bool:
    """Whether every message is just a role and a text, so that all rows have the same type."""
    for message in messages:
        if (
            len(message) != 2
            or message.get("role") not in TEXT_ROLES
            or type(message.get("content")) is not str
        ):
            return False
    return bool(messages)
