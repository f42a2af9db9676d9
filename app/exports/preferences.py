"""Turns judged comparisons into preferences a reward model can be trained on.

A comparison gives at most one preference: its live judgments' majority, or the reviewer's verdict
where there is one. Whatever would poison training is left out, and counted by its reason.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from app.exports.forms import ExportSpec
from app.exports.records import Compared, Names, Record, iso, names, read
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


class Preference(NamedTuple):
    """One training pair: JSON lists of messages as text, and where the pair comes from."""

    prompt: str
    chosen: str
    rejected: str
    provenance: dict[str, Any]
    margin: float


def iter_preferences(
    connection: sa.Connection, project: Project, spec: ExportSpec, excluded: Counter[str]
) -> Iterator[Preference]:
    """The preferences in stable order; ``excluded`` counts what was left out, by reason."""
    seen: dict[int, bool] = {}
    known = names(connection, project)
    for record in read(connection, project, spec, live=True):
        found = _preference(record, spec, known)
        if isinstance(found, Preference):
            repeated = _repeats(seen, found)
            if repeated is None:
                yield found
                continue
            found = repeated
        excluded[found] += 1


def _repeats(seen: dict[int, bool], preference: Preference) -> str | None:
    """Whether the same texts were written before, the same way round or the other."""
    chosen, rejected = preference.chosen, preference.rejected
    forward = chosen < rejected
    # Hashes rather than texts, so that a million pairs stay below 100 MB.
    key = hash((preference.prompt, *((chosen, rejected) if forward else (rejected, chosen))))
    before = seen.get(key)
    if before is None:
        seen[key] = forward
        return None
    return DUPLICATE if before == forward else CONTRADICTS


def _preference(record: Record, spec: ExportSpec, known: Names) -> Preference | str:
    verdict = _verdict(record, spec)
    if verdict not in ("a", "b"):
        return verdict
    return _unfit(record.comparison) or _written(record, verdict, spec, known)


def _verdict(record: Record, spec: ExportSpec) -> str:
    """The outcome "a" or "b", or the reason why there is none."""
    comparison, judgments = record.comparison, record.judgments
    if comparison.gold is not None:
        return GOLD
    if comparison.adjudicated is not None:
        return _REASONS.get(comparison.adjudicated, comparison.adjudicated)
    if not judgments:
        return NOT_JUDGED
    if len(judgments) < spec.min_votes:
        return FEW_VOTES
    majority = _majority([judgment.outcome for judgment in judgments], spec.min_agreement)
    return _REASONS.get(majority, majority)


def _majority(outcomes: list[str], min_agreement: float) -> str:
    """The most frequent outcome, or why there is no clear one."""
    counts = sorted(((outcomes.count(outcome), outcome) for outcome in set(outcomes)), reverse=True)
    if len(counts) > 1 and counts[0][0] == counts[1][0]:
        return DIVIDED
    if counts[0][0] < min_agreement * len(outcomes):
        return LOW_AGREEMENT
    return counts[0][1]


_REASONS = {"tie": TIED, "both_bad": BOTH_BAD}


def _unfit(comparison: Compared) -> str | None:
    """Why these texts cannot be a training row, if they cannot."""
    if comparison.prompt is None or comparison.response_a is None or comparison.response_b is None:
        return TEXTLESS
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
    for message in messages:
        if (
            len(message) != 2
            or message.get("role") not in TEXT_ROLES
            or type(message.get("content")) is not str
        ):
            return False
    return bool(messages)


def _written(record: Record, verdict: str, spec: ExportSpec, known: Names) -> Preference:
    comparison, judgments = record
    prompt, a, b = comparison.prompt or "", comparison.response_a or "", comparison.response_b or ""
    model_a, model_b = known.models[comparison.model_a_id], known.models[comparison.model_b_id]
    chosen, rejected = (a, b) if verdict == "a" else (b, a)
    votes = len(judgments)
    outcomes = [judgment.outcome for judgment in judgments]
    strengths = [judgment.strength for judgment in judgments if judgment.strength is not None]
    versions = [known.guidelines[row.guideline_id] for row in judgments if row.guideline_id is not None]
    people = [known.annotators[judgment.annotator_id] for judgment in judgments]
    judges = sum([who.is_model and not who.simulated for who in people])
    simulated = sum([who.simulated for who in people])
    agreeing = outcomes.count(verdict)
    provenance = {
        "pair_id": comparison.pair_id,
        "prompt_id": comparison.prompt_id,
        "chosen_model": model_a if verdict == "a" else model_b,
        "rejected_model": model_b if verdict == "a" else model_a,
        "votes": votes,
        "agreement": agreeing / votes if votes else 1.0,
        "strength": sum(strengths) / len(strengths) if strengths else 0.0,
        "annotators": [who.uid for who in people],
        "human_votes": votes - judges - simulated,
        "model_votes": judges,
        "simulated_votes": simulated,
        "adjudicated": comparison.adjudicated is not None,
        "guideline_version": max(versions, default=0),
        "judged_at": iso(max([judgment.created_at for judgment in judgments])) if judgments else "",
        "language": comparison.language or "",
        "category": comparison.category or "",
        "split": split_of(prompt, spec),
    }
    against = outcomes.count("b" if verdict == "a" else "a")
    margin = (agreeing - against) / votes if votes else 1.0
    return Preference(prompt, chosen, rejected, provenance, margin)


def split_of(prompt: str, spec: ExportSpec) -> str:
    """ "train" or "test", drawn by the prompt's own text and the salt.

    A prompt stays where it is whatever is added, and two prompts with the same text stay together.
    """
    digest = hashlib.blake2b(f"{spec.salt}\0{prompt}".encode(), digest_size=8).digest()
    return "test" if int.from_bytes(digest, "big") < spec.held_out * 2**64 else "train"
