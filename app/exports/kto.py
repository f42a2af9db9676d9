"""Single responses with a label, for KTO: what was preferred more often than not is wanted."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from app.exports.seen import Preference

MIXED = "response preferred as often as not"

Row = dict[str, Any]


@dataclass
class _Response:
    """One response to a prompt, and the preferences it was in."""

    model: str
    won: list[Preference] = field(default_factory=list)
    lost: list[Preference] = field(default_factory=list)


def labelled(
    chunks: Iterator[list[Preference]], wrap: Callable[[str], Any], excluded: Counter[str]
) -> Iterator[list[tuple[Row, Row]]]:
    """Each response once for its prompt; one that won as often as it lost is left out and counted."""
    for pairs in _whole_prompts(chunks):
        made: list[tuple[Row, Row]] = []
        for prompt, same in groupby(pairs, key=itemgetter("prompt")):
            for text, response in _responses(same).items():
                if len(response.won) == len(response.lost):
                    excluded[MIXED] += 1
                    continue
                label = len(response.won) > len(response.lost)
                row = {"prompt": wrap(prompt), "completion": wrap(text), "label": label}
                made.append((row, _provenance(response)))
        yield made


def _whole_prompts(chunks: Iterator[list[Preference]]) -> Iterator[list[Preference]]:
    """The same pairs, cut only between prompts."""
    held: list[Preference] = []
    for pairs in chunks:
        held += pairs
        cut = len(held)
        while cut and held[cut - 1]["prompt"] == held[-1]["prompt"]:
            cut -= 1
        yield held[:cut]
        held = held[cut:]
    yield held


def _responses(pairs: Iterator[Preference]) -> dict[str, _Response]:
    found: dict[str, _Response] = {}
    for pair in pairs:
        found.setdefault(pair["chosen"], _Response(pair["chosen_model"])).won.append(pair)
        found.setdefault(pair["rejected"], _Response(pair["rejected_model"])).lost.append(pair)
    return found


def _provenance(response: _Response) -> Row:
    told = [*response.won, *response.lost]
    first = told[0]
    return {
        "prompt_id": first["prompt_id"],
        "model": response.model,
        "won": len(response.won),
        "lost": len(response.lost),
        "pair_ids": sorted({pair["pair_id"] for pair in told}),
        "votes": sum(pair["votes"] for pair in told),
        "annotators": sorted({who for pair in told for who in pair["annotators"]}),
        "human_votes": sum(pair["human_votes"] for pair in told),
        "model_votes": sum(pair["model_votes"] for pair in told),
        "simulated_votes": sum(pair["simulated_votes"] for pair in told),
        "adjudicated": any(pair["adjudicated"] for pair in told),
        "guideline_version": max(pair["guideline_version"] for pair in told),
        "judged_at": max(pair["judged_at"] for pair in told),
        "language": first["language"],
        "category": first["category"],
        "split": first["split"],
    }
