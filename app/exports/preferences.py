"""Turns judged comparisons into preferences a reward model can be trained on.

A comparison gives at most one preference: its live judgments' majority, or the reviewer's verdict
where there is one. Whatever would poison training is left out, and counted by its reason.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from app.exports.forms import ExportSpec
from app.exports.records import Record, read
from app.models import Project

# Reasons in the words the page and the manifest show.
NOT_JUDGED = "not judged yet"
GOLD = "gold comparison, a test of annotators"
TEXTLESS = "came as a vote without texts"
TIED = "judged a tie"
BOTH_BAD = "judged both bad"
DIVIDED = "annotators divided"
FEW_VOTES = "fewer votes than asked for"
LOW_AGREEMENT = "less agreement than asked for"
SAME_TEXT = "both responses say the same"
EMPTY = "a side is empty"
UNSUPPORTED = "holds more than text turns"
NOT_ASKED = "prompt does not end with a question to answer"
DUPLICATE = "repeats an earlier row"
CONTRADICTS = "contradicts an earlier row"

TEXT_ROLES = frozenset({"system", "user", "assistant"})


@dataclass(frozen=True, slots=True)
class Preference:
    """One training pair; ``prompt``, ``chosen`` and ``rejected`` are JSON lists of messages, as text."""

    prompt: str
    chosen: str
    rejected: str
    pair_id: str
    prompt_id: str
    chosen_model: str
    rejected_model: str
    votes: int
    agreement: float
    strength: float
    annotators: list[str]
    human_votes: int
    model_votes: int
    simulated_votes: int
    adjudicated: bool
    guideline_version: int
    judged_at: str
    language: str
    category: str
    split: str
    margin: float


def iter_preferences(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[Preference]:
    """The preferences in stable order; ``excluded`` counts what was left out, by reason."""
    seen: dict[int, bool] = {}
    for record in read(connection, project, spec, live=True):
        found = _preference(record, spec)
        if isinstance(found, Preference):
            repeated = _repeats(seen, found)
            if repeated is None:
                yield found
                continue
            found = repeated
        excluded[found] += 1


def _repeats(seen: dict[int, bool], preference: Preference) -> str | None:
    """Whether the same texts were written before, the same way round or the other."""
    forward = preference.chosen < preference.rejected
    texts = sorted((preference.chosen, preference.rejected))
    digest = hashlib.blake2b("\0".join((preference.prompt, *texts)).encode(), digest_size=8)
    # Eight bytes a row rather than the texts: a million pairs stay below 100 MB.
    key = int.from_bytes(digest.digest(), "big")
    before = seen.get(key)
    if before is None:
        seen[key] = forward
        return None
    return DUPLICATE if before == forward else CONTRADICTS


def _preference(record: Record, spec: ExportSpec) -> Preference | str:
    comparison = record.comparison
    verdict = _verdict(record, spec)
    if verdict not in ("a", "b"):
        return verdict
    if comparison.prompt is None or comparison.response_a is None or comparison.response_b is None:
        return TEXTLESS
    unfit = _unfit(comparison)
    if unfit:
        return unfit
    return _written(record, verdict, spec)


def _verdict(record: Record, spec: ExportSpec) -> str:
    """The outcome "a" or "b", or the reason why there is none."""
    if record.comparison.gold is not None:
        return GOLD
    adjudicated: str | None = record.comparison.adjudicated
    if adjudicated is not None:
        return _REASONS.get(adjudicated, adjudicated)
    if not record.judgments:
        return NOT_JUDGED
    if len(record.judgments) < spec.min_votes:
        return FEW_VOTES
    counts = Counter(judgment.outcome for judgment in record.judgments).most_common()
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        return DIVIDED
    if counts[0][1] / len(record.judgments) < spec.min_agreement:
        return LOW_AGREEMENT
    majority: str = counts[0][0]
    return _REASONS.get(majority, majority)


_REASONS = {"tie": TIED, "both_bad": BOTH_BAD}


def _unfit(comparison: sa.Row[Any]) -> str | None:
    """Why these texts cannot be a training row, if they cannot."""
    if comparison.response_a == comparison.response_b:
        return SAME_TEXT
    prompt = orjson.loads(comparison.prompt)
    a, b = orjson.loads(comparison.response_a), orjson.loads(comparison.response_b)
    if not (_plain(prompt) and _plain(a) and _plain(b)):
        return UNSUPPORTED
    if prompt[-1]["role"] != "user" or a[-1]["role"] != "assistant" or b[-1]["role"] != "assistant":
        return NOT_ASKED
    if not all(message["content"].strip() for message in (*prompt, *a, *b)):
        return EMPTY
    return None


def _plain(messages: list[dict[str, Any]]) -> bool:
    """Whether every message is just a role and a text, so that all rows have the same type."""
    return bool(messages) and all(
        len(message) == 2 and message.get("role") in TEXT_ROLES and isinstance(message.get("content"), str)
        for message in messages
    )


def _written(record: Record, verdict: str, spec: ExportSpec) -> Preference:
    comparison, judgments = record.comparison, record.judgments
    a = (comparison.response_a, comparison.model_a)
    b = (comparison.response_b, comparison.model_b)
    (chosen, chosen_model), (rejected, rejected_model) = (a, b) if verdict == "a" else (b, a)
    votes = len(judgments)
    outcomes = Counter(judgment.outcome for judgment in judgments)
    strengths = [judgment.strength for judgment in judgments if judgment.strength is not None]
    against = outcomes["b" if verdict == "a" else "a"]
    return Preference(
        prompt=comparison.prompt,
        chosen=chosen,
        rejected=rejected,
        pair_id=comparison.pair_id,
        prompt_id=comparison.prompt_id,
        chosen_model=chosen_model,
        rejected_model=rejected_model,
        votes=votes,
        agreement=outcomes[verdict] / votes if votes else 1.0,
        strength=sum(strengths) / len(strengths) if strengths else 0.0,
        annotators=[judgment.annotator for judgment in judgments],
        human_votes=sum(judgment.kind == "human" for judgment in judgments),
        model_votes=sum(judgment.kind == "model" for judgment in judgments),
        simulated_votes=sum(judgment.simulated for judgment in judgments),
        adjudicated=comparison.adjudicated is not None,
        guideline_version=max((judgment.guideline_version or 0 for judgment in judgments), default=0),
        judged_at=max(judgment.created_at for judgment in judgments).isoformat() if judgments else "",
        language=comparison.language or "",
        category=comparison.category or "",
        split=split_of(comparison.prompt, spec),
        margin=(outcomes[verdict] - against) / votes if votes else 1.0,
    )


def split_of(prompt: str, spec: ExportSpec) -> str:
    """ "train" or "test", drawn by the prompt's own text and the salt.

    A prompt stays where it is whatever is added, and two prompts with the same text stay together.
    """
    digest = hashlib.blake2b(f"{spec.salt}\0{prompt}".encode(), digest_size=8).digest()
    return "test" if int.from_bytes(digest, "big") < spec.held_out * 2**64 else "train"
