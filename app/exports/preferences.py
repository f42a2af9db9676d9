"""Turns judged comparisons into preferences a model can be trained on, and into battles.

Whatever would poison training is left out, and counted by its reason.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import compress
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from app.exports.fitness import TEXTLESS, UNSUPPORTED, are_plain, fitness
from app.exports.forms import Aggregate, ExportSpec, Split
from app.exports.lines import Piece, as_json, quoted_each
from app.exports.records import (
    BY,
    BY_NOBODY,
    BY_SIMULATED,
    COMPARISON,
    CREATED_AT,
    DIGESTS,
    GOLD_VERDICT,
    OUTCOME,
    PROMPT,
    SETTLED_AT,
    SWAPPED,
    TEXTS,
    Compared,
    Row,
    iso,
    iso_each,
    judged,
    names,
    read_votes,
)
from app.exports.seen import Preferences, Seen
from app.exports.verdicts import NEITHER, NOT_JUDGED, UNPASSED, UNREAL, Decisions, Verdict
from app.imports.items import digest
from app.leaderboard import bias
from app.models import Project
from app.words import N_

# Reasons in the words the page and the manifest show; the others are the verdicts'.
GOLD = N_("gold comparison, a test of annotators")
OTHER_SPLIT = N_("prompt of the other split")
OUTVOTED = N_("contradicts the majority on the same pair")

TRAIN, TEST = Split.TRAIN.value, Split.TEST.value


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


def iter_preferences(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[Preferences]:
    """The preferences in stable order, some at a time; ``excluded`` counts what was left out, by reason.

    All of a prompt's follow one another. The caller's transaction is the snapshot.
    """
    reading = _Reading(connection, project, spec, excluded)
    seen = Seen()
    for chunk in reading.chunks:
        if made := reading.preferences(chunk):
            yield seen.new(made, excluded)


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

    def preferences(self, chunk: list[Compared]) -> Preferences | None:
        """The pairs that may be trained on, seen before or not; None where there is none."""
        decided, verdicts = self._decided(chunk)
        if not decided:
            return None
        columns = list(zip(*[compared[0] for compared in decided], strict=True))
        is_plain, problems = fitness(*columns[TEXTS])
        if any(problems):
            self.excluded.update(filter(None, problems))
            fit = [problem is None for problem in problems]
            columns = [tuple(compress(column, fit)) for column in columns]
            decided, verdicts = list(compress(decided, fit)), list(compress(verdicts, fit))
            is_plain = list(compress(is_plain, fit))
        return self._preferred(decided, columns, verdicts, is_plain) if decided else None

    def _preferred(
        self,
        decided: list[Compared],
        columns: list[tuple[Any, ...]],
        verdicts: list[Verdict],
        is_plain: list[bool],
    ) -> Preferences:
        """The same of those that are fit, from the columns of their comparisons."""
        _, _, prompt, a, b, _, pair_id, prompt_id, model_a, model_b, category, language = columns[COMPARISON]
        models = self.names.models
        digest_a, digest_b = map(_digests, columns[DIGESTS], (a, b))
        sides = [
            (two, one, of_two, of_one, models[second], models[first])
            if verdict.outcome == "b"
            else (one, two, of_one, of_two, models[first], models[second])
            for verdict, one, two, of_one, of_two, first, second in zip(
                verdicts, a, b, digest_a, digest_b, model_a, model_b, strict=True
            )
        ]
        chosen, rejected, chosen_digest, rejected_digest, winners, losers = zip(*sides, strict=True)
        return Preferences(
            prompt,
            chosen,
            rejected,
            chosen_digest,
            rejected_digest,
            pair_id,
            prompt_id,
            winners,
            losers,
            verdicts,
            _when_each(decided, columns),
            [known or "" for known in language],
            [known or "" for known in category],
            self.splits.of_each(prompt),
            is_plain,
        )

    def battles(self, chunk: list[Compared]) -> Iterator[Battle]:
        models = self.names.models
        for compared, verdict in zip(*self._decided(chunk), strict=True):
            (_, _, prompt, a, b, _, pair_id, prompt_id, model_a, model_b, category,
             language) = compared[0][COMPARISON]  # fmt: skip
            if prompt is None or a is None or b is None:
                self.excluded[TEXTLESS] += 1
                continue
            if not all(map(are_plain, (prompt, a, b))):
                self.excluded[UNSUPPORTED] += 1
                continue
            told = {
                "pair_id": pair_id,
                **verdict.votes,
                "judged_at": _when(compared),
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
                self.each and bool(compared[0][SWAPPED]),
                told,
            )

    def _decided(self, chunk: list[Compared]) -> tuple[list[Compared], list[Verdict]]:
        """The comparisons of the wanted split whose judgments come to something that can be written."""
        verdicts = self.decisions.of_each(chunk)
        reasons = self._reasons(chunk, verdicts)
        if any(reasons):
            for reason, compared in zip(reasons, chunk, strict=True):
                if reason is not None:
                    self._leave_out(reason, compared)
            wanted = [reason is None for reason in reasons]
            chunk, verdicts = list(compress(chunk, wanted)), list(compress(verdicts, wanted))
        return self._one_by_one(chunk, verdicts) if self.each else (chunk, verdicts)

    def _reasons(self, chunk: list[Compared], verdicts: list[Verdict]) -> list[str | None]:
        """Why comparisons are left out; None of those that are not."""
        reasons = [verdict.reason for verdict in verdicts]
        drops_gold = not self.has_gold and any(compared[0][GOLD_VERDICT] for compared in chunk)
        if self.splits.wanted is None and not drops_gold:
            return reasons
        return [self._reason(compared[0], reason) for compared, reason in zip(chunk, reasons, strict=True)]

    def _reason(self, comparison: Row, reason: str | None) -> str | None:
        if not self.splits.wants(comparison[PROMPT]):
            return OTHER_SPLIT
        return reason if comparison[GOLD_VERDICT] is None or self.has_gold else GOLD

    def _leave_out(self, reason: str, compared: Compared) -> None:
        if self.each:
            leave_out(self.excluded, reason, compared[0], len(judged(compared)))
        else:
            self.excluded[unpassed(compared[0]) if reason == UNPASSED else reason] += 1

    def _one_by_one(
        self, chunk: list[Compared], majorities: list[Verdict]
    ) -> tuple[list[Compared], list[Verdict]]:
        votes: list[Compared] = []
        for compared, majority in zip(chunk, majorities, strict=True):
            for vote in judged(compared):
                outcome = vote[OUTCOME]
                if self.spec.format.for_training and outcome != majority.outcome:
                    self.excluded[NEITHER.get(outcome, OUTVOTED)] += 1
                else:
                    votes.append((vote,))
        return votes, self.decisions.of_each(votes)


def _digests(stored: Sequence[bytes | None], texts: Sequence[str]) -> list[bytes]:
    """Of every text; imports have stored them."""
    return [there or digest(text.encode()) for there, text in zip(stored, texts, strict=True)]


def unpassed(comparison: Row) -> str:
    """Why no judgment of a comparison counts where they are filtered."""
    return {BY_NOBODY: NOT_JUDGED, BY_SIMULATED: UNREAL}.get(comparison[BY], UNPASSED)


def leave_out(excluded: Counter[str], reason: str, comparison: Row, judgments: int) -> None:
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
        '"pair_id":"', pairs.pair_id, '","prompt_id":', quoted_each(pairs.prompt_id),
        map(_between, pairs.chosen_model, pairs.rejected_model), [verdict.told for verdict in pairs.verdict],
        ',"judged_at":"', pairs.judged_at,
        map(_among, pairs.language, pairs.category, pairs.split),
    ]  # fmt: skip
    if margin:
        parts += [',"margin":', [str(verdict.margin) for verdict in pairs.verdict]]
    return parts


# What many rows have in common.
@lru_cache(10_000)
def _between(chosen: str, rejected: str) -> str:
    return f',"chosen_model":{as_json(chosen)},"rejected_model":{as_json(rejected)},'


@lru_cache(1_000)
def _among(language: str, category: str, split: str) -> str:
    return f'","language":{as_json(language)},"category":{as_json(category)},"split":"{split}"'


def _when(compared: Compared) -> str:
    """When the last judgment was, or without any the reviewer's verdict."""
    if len(compared) > 1:
        return iso(max(vote[CREATED_AT] for vote in compared))
    return iso(compared[0][CREATED_AT] or compared[0][SETTLED_AT])


def _when_each(decided: list[Compared], columns: list[tuple[Any, ...]]) -> list[str]:
    """The same of many."""
    created = columns[CREATED_AT]
    # Of what nobody judged the reviewer's moment is told.
    if all(created) and max(map(len, decided)) == 1:
        return iso_each(created)
    return list(map(_when, decided))


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

    def of_each(self, wanted: Sequence[str]) -> list[str]:
        """The same of prompts that are wanted."""
        return [self.wanted.value] * len(wanted) if self.wanted else list(map(self.of, wanted))

    def wants(self, prompt: str | None) -> bool:
        """Whether the prompt is in the split that was asked for."""
        return self.wanted is None or self.of(prompt) == self.wanted
