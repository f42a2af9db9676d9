"""Turns judged comparisons into preferences a model can be trained on, and into battles.

Whatever would poison training is left out, and counted by its reason.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from app.exports.forms import Aggregate, ExportSpec, Split
from app.exports.lines import Piece
from app.exports.records import (
    ADJUDICATED,
    BY,
    BY_NOBODY,
    BY_SIMULATED,
    CREATED_AT,
    GOLD_VERDICT,
    NUMBER,
    PROMPT,
    SETTLED_AT,
    SWAPPED,
    Chunk,
    Compared,
    Vote,
    iso,
    names,
    read_votes,
)
from app.exports.seen import Preference, Preferences, Seen
from app.exports.verdicts import NEITHER, NOT_JUDGED, UNPASSED, UNREAL, Decisions, Verdict
from app.leaderboard import bias
from app.models import Project
from app.words import N_

# Reasons in the words the page and the manifest show; the others are the verdicts'.
GOLD = N_("gold comparison, a test of annotators")
TEXTLESS = N_("came as a vote without texts, or as one more on its pair by nobody named")
SAME_TEXT = N_("both responses say the same")
EMPTY = N_("a side is empty")
UNSUPPORTED = N_("holds more than text turns")
NOT_ASKED = N_("prompt does not end with a question to answer")
OTHER_SPLIT = N_("prompt of the other split")
OUTVOTED = N_("contradicts the majority on the same pair")

TRAIN, TEST = Split.TRAIN.value, Split.TEST.value

# How one plain turn begins when it is stored, where its words do, and what follows them.
ASKS = '[{"role":"user","content":"'
ANSWERS = '[{"role":"assistant","content":"'
ASKED, ANSWERED = len(ASKS), len(ANSWERS)
ENDS = '"}]'
# Looked at one by one in what is said; of more, parsing is the quicker way.
QUOTES = 8

Messages = list[dict[str, Any]]

# Not a set: what is stored as a role may be unhashable.
TEXT_ROLES = ("system", "user", "assistant")


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
    verdict: Verdict
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

    def preferences(self, chunk: Chunk, seen: Seen) -> list[Preference]:
        made: list[Preference] = []
        models, split = self.names.models, self.splits.of
        for comparison, verdict, votes in self._decided(chunk):
            (_, _, prompt, chosen, rejected, _, _, pair_id, prompt_id, model, other,
             category, language, _) = comparison  # fmt: skip
            plain, problem = fitness(prompt, chosen, rejected)
            if problem is not None:
                self.excluded[problem] += 1
                continue
            if verdict.outcome == "b":
                chosen, rejected, model, other = rejected, chosen, other, model
            made.append(
                (prompt, chosen, rejected, pair_id, prompt_id, models[model], models[other], verdict,
                 _latest(votes) if votes else iso(comparison[SETTLED_AT]),
                 language or "", category or "", split(prompt), plain)
            )  # fmt: skip
        return seen.new(made, self.excluded)

    def battles(self, chunk: Chunk) -> Iterator[Battle]:
        models = self.names.models
        for comparison, verdict, votes in self._decided(chunk):
            (_, _, prompt, a, b, _, _, pair_id, prompt_id, model_a, model_b,
             category, language, _) = comparison  # fmt: skip
            if prompt is None or a is None or b is None:
                self.excluded[TEXTLESS] += 1
                continue
            if not all(map(_is_plain, (prompt, a, b))):
                self.excluded[UNSUPPORTED] += 1
                continue
            told = {
                "pair_id": pair_id,
                **verdict.votes,
                "judged_at": _latest(votes) if votes else iso(comparison[SETTLED_AT]),
                "language": language or "",
                "category": category or "",
                "split": self.splits.of(prompt),
            }
            yield Battle(
                prompt_id,
                prompt,
                Side(models[model_a], a),
                Side(models[model_b], b),
                verdict,
                told["annotators"][0] if self.each else self.spec.aggregating.value,
                self.each and bool(votes[0][SWAPPED]),
                told,
            )

    def _decided(self, chunk: Chunk) -> Iterator[Decided]:
        """The comparisons of the wanted split whose judgments come to something that can be written."""
        everything = self.splits.wanted is None
        for comparison in chunk.comparisons:
            votes = chunk.judgments.get(comparison[NUMBER], [])
            if not (everything or self.splits.wants(comparison[PROMPT])):
                self._leave_out(OTHER_SPLIT, comparison, votes)
                continue
            gold = comparison[GOLD_VERDICT]
            verdict = self.decisions.of(votes, comparison[ADJUDICATED])
            reason = verdict.reason if gold is None or self.has_gold else GOLD
            if reason is not None:
                self._leave_out(reason, comparison, votes)
            elif self.each:
                yield from self._one_by_one(comparison, verdict, votes)
            else:
                yield comparison, verdict, votes

    def _leave_out(self, reason: str, comparison: Compared, votes: list[Vote]) -> None:
        if self.each:
            leave_out(self.excluded, reason, comparison, len(votes))
        else:
            self.excluded[unpassed(comparison) if reason == UNPASSED else reason] += 1

    def _one_by_one(self, comparison: Compared, majority: Verdict, votes: list[Vote]) -> Iterator[Decided]:
        for vote in votes:
            _, _, outcome, *_ = vote
            if self.spec.format.for_training and outcome != majority.outcome:
                self.excluded[NEITHER.get(outcome, OUTVOTED)] += 1
            else:
                yield comparison, self.decisions.of([vote], comparison[ADJUDICATED]), [vote]


def unpassed(comparison: Compared) -> str:
    """Why no judgment of a comparison counts where they are filtered."""
    return {BY_NOBODY: NOT_JUDGED, BY_SIMULATED: UNREAL}.get(comparison[BY], UNPASSED)


def leave_out(excluded: Counter[str], reason: str, comparison: Compared, judgments: int) -> None:
    """Count a comparison's judgments, or where there is none to count that nobody judged it.

    Those that filters kept from being read are counted by these.
    """
    if judgments:
        excluded[reason] += judgments
    elif reason != OTHER_SPLIT and not comparison[BY]:
        excluded[NOT_JUDGED] += 1


def told(pairs: Preferences, *, margin: bool) -> list[Piece]:
    """Where each preference comes from, as JSON without its braces, in parts to be joined."""
    # Part by part for all of them: as many steps of Python a row would take twice as long.
    parts: list[Piece] = [
        '"pair_id":"', pairs.pair_id, '","prompt_id":', map(_quoted, pairs.prompt_id),
        map(_between, pairs.chosen_model, pairs.rejected_model), [verdict.told for verdict in pairs.verdict],
        ',"judged_at":"', pairs.judged_at,
        map(_among, pairs.language, pairs.category, pairs.split),
    ]  # fmt: skip
    if margin:
        parts += [',"margin":', [str(verdict.margin) for verdict in pairs.verdict]]
    return parts


def _quoted(text: str) -> str:
    """As JSON."""
    return f'"{text}"' if text.isalnum() else orjson.dumps(text).decode()


# What many rows have in common.
@lru_cache(10_000)
def _between(chosen: str, rejected: str) -> str:
    return f',"chosen_model":{_quoted(chosen)},"rejected_model":{_quoted(rejected)},'


@lru_cache(1_000)
def _among(language: str, category: str, split: str) -> str:
    return f'","language":{_quoted(language)},"category":{_quoted(category)},"split":"{split}"'


def _latest(votes: list[Vote]) -> str:
    return iso(votes[0][CREATED_AT] if len(votes) == 1 else max(vote[CREATED_AT] for vote in votes))


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
        self._salted = blake2b(f"{spec.salt}\0".encode(), digest_size=8)
        self.bound = int(spec.held_out * 2**64).to_bytes(8)
        self.wanted = spec.split
        self._prompt: str | None = ""
        self._split = ""

    def of(self, prompt: str | None) -> str:
        """ "train" or "test"."""
        # A prompt's comparisons follow one another.
        if prompt != self._prompt:
            lot = self._salted.copy()
            lot.update(str(prompt).encode())
            self._prompt, self._split = prompt, TEST if lot.digest() < self.bound else TRAIN
        return self._split

    def wants(self, prompt: str | None) -> bool:
        """Whether the prompt is in the split that was asked for."""
        return self.wanted is None or self.of(prompt) == self.wanted


def fitness(prompt: str | None, a: str | None, b: str | None) -> tuple[bool, str | None]:
    """Whether each of these is one plain turn, and why they cannot be a training row, if they cannot.

    The first is told without parsing most; it may be false of some that are.
    """
    if prompt is None or a is None or b is None:
        return False, TEXTLESS
    if a == b:
        return False, SAME_TEXT
    if _is_one(prompt, ASKS) and _is_one(a, ANSWERS) and _is_one(b, ANSWERS):
        return True, None
    return False, _trouble(orjson.loads(prompt), orjson.loads(a), orjson.loads(b))


def _is_one(messages: str, begins: str) -> bool:
    """Whether messages are one plain turn that says something; it may be false of some that are."""
    if not (messages.startswith(begins) and messages.endswith(ENDS)):
        return False
    said = messages[len(begins) : -len(ENDS)]
    if not (said[:1].isalnum() or _begins_words(said[:1])):
        return False
    return '"' not in said or _are_quotes(said) or _has_one_turn(messages)


def _begins_words(first: str) -> bool:
    """Not where nothing follows, nor blanks or an escape, which may be one."""
    return bool(first) and first not in '"\\' and not first.isspace()


def _are_quotes(said: str) -> bool:
    """Whether marks within are what a turn quotes, and none ends it; false also where there are many."""
    words, _, rest = said.partition('"')
    for _ in range(QUOTES):
        # Not even escaped, or by a backslash that may be escaped itself.
        if words[-1:] != "\\" or words[-2:-1] == "\\":
            return False
        words, mark, rest = rest.partition('"')
        if not mark:
            return True
    return False


def _has_one_turn(messages: str) -> bool:
    turns = orjson.loads(messages)
    return len(turns) == 1 and len(turns[0]) == 2


def _is_plain(messages: str) -> bool:
    """Whether stored messages are plain turns."""
    return _is_one(messages, ASKS) or _is_one(messages, ANSWERS) or _plain(orjson.loads(messages))


def _trouble(prompt: Messages, *answers: Messages) -> str | None:
    """The same of messages that were parsed."""
    if not (_plain(prompt) and all(map(_plain, answers))):
        return UNSUPPORTED
    if prompt[-1]["role"] != "user" or any(answer[-1]["role"] != "assistant" for answer in answers):
        return NOT_ASKED
    if any(not message["content"].strip() for part in (prompt, *answers) for message in part):
        return EMPTY
    return None


def _plain(messages: Messages) -> bool:
    """Whether every message is just a role and a text, so that all rows have the same type."""
    for message in messages:
        if (
            len(message) != 2
            or message.get("role") not in TEXT_ROLES
            or type(message.get("content")) is not str
        ):
            return False
    return bool(messages)
