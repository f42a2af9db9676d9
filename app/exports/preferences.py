"""Turns judged comparisons into preferences a model can be trained on, and into battles.

Whatever would poison training is left out, and counted by its reason.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from app.exports.forms import Aggregate, ExportSpec, Split
from app.exports.records import Chunk, Compared, Vote, iso, names, read_votes
from app.exports.verdicts import NEITHER, NOT_JUDGED, Decisions, Verdict
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
DUPLICATE = "repeats an earlier row"
CONTRADICTS = "contradicts an earlier row"

TEXT_ROLES = frozenset({"system", "user", "assistant"})


class Preference(NamedTuple):
    """One training pair: JSON lists of messages as text, and where the pair comes from."""

    prompt: str
    chosen: str
    rejected: str
    provenance: dict[str, Any]
    margin: float


class Battle(NamedTuple):
    """A verdict on two texts, ties and all; whose it is, and whether b was on the left of the screen."""

    prompt: str
    response_a: str
    response_b: str
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
        self.names = names(connection, project)
        self.decisions = Decisions(spec, self.names, weights(connection, project, spec))
        self.splits = Splits(spec)
        self.chunks = read_votes(connection, project, spec)

    def preferences(self, chunk: Chunk[Vote], seen: "Seen") -> list[Preference]:
        made: list[Preference] = []
        last, problem = None, None
        for comparison, verdict, votes in self._decided(chunk):
            if comparison is not last:
                last, problem = comparison, self._problem(comparison, verdict.outcome, seen)
            if problem is not None:
                self.excluded[problem] += 1
            else:
                made.append(self._preference(comparison, verdict, votes))
        return made

    def battles(self, chunk: Chunk[Vote]) -> Iterator[Battle]:
        for comparison, verdict, votes in self._decided(chunk):
            prompt, a, b = comparison.prompt, comparison.response_a, comparison.response_b
            if prompt is None or a is None or b is None:
                self.excluded[TEXTLESS] += 1
                continue
            told = self._told(comparison, verdict, votes, "model_a", "model_b", first=True)
            judge, swapped = self.spec.aggregating.value, False
            if self.each:
                judge, swapped = told["annotators"][0], bool(votes[0].swapped)
            yield Battle(prompt, a, b, verdict.outcome or "", judge, swapped, told)

    def _decided(self, chunk: Chunk[Vote]) -> Iterator[Decided]:
        """The comparisons of the wanted split whose judgments come to something that can be written."""
        for comparison in chunk.comparisons:
            if not self.splits.wants(comparison.prompt):
                continue
            votes = chunk.judgments.get(comparison.id, [])
            verdict = self.decisions.of(votes, comparison.adjudicated)
            reason = self._reason(comparison, verdict)
            if reason is not None:
                self.excluded[reason] += len(votes) or 1 if self.each else 1
            elif self.each:
                yield from self._one_by_one(comparison, verdict, votes)
            else:
                yield comparison, verdict, votes

    def _reason(self, comparison: Compared, verdict: Verdict) -> str | None:
        """Why a comparison is left out whatever it says, if it is."""
        if comparison.gold is not None and not self.spec.has_gold:
            return GOLD
        if verdict.unmet is not None or verdict.undecided is None:
            return verdict.unmet
        if self.spec.format.for_training or verdict.undecided == NOT_JUDGED:
            return verdict.undecided
        return None if verdict.outcome or self.each else verdict.undecided

    def _one_by_one(self, comparison: Compared, majority: Verdict, votes: list[Vote]) -> Iterator[Decided]:
        for vote in votes:
            if self.spec.format.for_training and vote.outcome != majority.outcome:
                self.excluded[NEITHER.get(vote.outcome, OUTVOTED)] += 1
            else:
                yield comparison, self.decisions.of([vote], None), [vote]

    def _problem(self, comparison: Compared, outcome: str | None, seen: "Seen") -> str | None:
        """Why these texts cannot be a training row, if they cannot."""
        prompt, a, b = comparison.prompt, comparison.response_a, comparison.response_b
        if prompt is None or a is None or b is None:
            return TEXTLESS
        return unfit(prompt, a, b) or seen.repeats(prompt, *((a, b) if outcome == "a" else (b, a)))

    def _preference(self, comparison: Compared, verdict: Verdict, votes: list[Vote]) -> Preference:
        a, b, first = comparison.response_a or "", comparison.response_b or "", verdict.outcome == "a"
        told = self._told(comparison, verdict, votes, "chosen_model", "rejected_model", first=first)
        return Preference(comparison.prompt or "", a if first else b, b if first else a, told, verdict.margin)

    def _told(
        self, comparison: Compared, verdict: Verdict, votes: list[Vote], one: str, other: str, *, first: bool
    ) -> dict[str, Any]:
        """Where a row comes from; ``first`` if model a is the one."""
        model_a, model_b = self.names.models[comparison.model_a_id], self.names.models[comparison.model_b_id]
        return {
            "pair_id": comparison.pair_id,
            "prompt_id": comparison.prompt_id,
            one: model_a if first else model_b,
            other: model_b if first else model_a,
            **verdict.votes,
            "judged_at": iso(max([vote.created_at for vote in votes])) if votes else "",
            "language": comparison.language or "",
            "category": comparison.category or "",
            "split": self.splits.of(comparison.prompt),
        }


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
        self.bound = int(spec.held_out * 2**64)
        self.wanted = spec.split
        self._last: tuple[str | None, str] = ("", "")

    def of(self, prompt: str | None) -> str:
        """ "train" or "test"."""
        # A prompt's comparisons follow one another.
        if prompt is not self._last[0] and prompt != self._last[0]:
            digest = hashlib.blake2b(f"{self.salt}{prompt}".encode(), digest_size=8).digest()
            held_out = int.from_bytes(digest, "big") < self.bound
            self._last = prompt, (Split.TEST if held_out else Split.TRAIN).value
        return self._last[1]

    def wants(self, prompt: str | None) -> bool:
        """Whether the prompt is in the split that was asked for."""
        return self.wanted is None or self.of(prompt) == self.wanted


class Seen:
    """The texts written so far, so that no row is written twice, or both ways round."""

    def __init__(self) -> None:
        self._ways: dict[int, bool] = {}

    def repeats(self, prompt: str, chosen: str, rejected: str) -> str | None:
        """Why the row is not to be written, if the same texts were before."""
        forward = chosen < rejected
        # Hashes rather than texts, so that a million pairs stay below 100 MB.
        key = hash((prompt, chosen, rejected) if forward else (prompt, rejected, chosen))
        before = self._ways.get(key)
        if before is None:
            self._ways[key] = forward
            return None
        return DUPLICATE if before == forward else CONTRADICTS


def unfit(prompt: str, a: str, b: str) -> str | None:
    """Why these messages cannot be a training row, if they cannot."""
    if a == b:
        return SAME_TEXT
    asked, said = orjson.loads(prompt), (orjson.loads(a), orjson.loads(b))
    if not (_plain(asked) and all(map(_plain, said))):
        return UNSUPPORTED
    if asked[-1]["role"] != "user" or any(answer[-1]["role"] != "assistant" for answer in said):
        return NOT_ASKED
    if any(not message["content"].strip() for part in (asked, *said) for message in part):
        return EMPTY
    return None


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
