"""Single responses with a label, for KTO: what was preferred more often than not is wanted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson

from app.exports.lines import Piece, joined
from app.exports.pairs import Columns
from app.exports.preferences import told
from app.exports.seen import Preference, Preferences
from app.words import N_

MIXED = N_("response preferred as often as not")

# Where a row comes from.
Row = dict[str, Any]


@dataclass
class _Response:
    """One response to a prompt, and where the preferences it was in come from."""

    model: str
    won: list[Row] = field(default_factory=list)
    lost: list[Row] = field(default_factory=list)


def labelled(chunks: Iterator[Preferences], excluded: Counter[str]) -> Iterator[tuple[Columns, list[Piece]]]:
    """Each response once for its prompt: their columns, and where they come from as JSON without its braces.

    One that won as often as it lost is left out and counted.
    """
    for pairs in _whole_prompts(chunks):
        made: list[tuple[str, str, str, str]] = []
        for prompt, same in groupby(pairs, key=_prompt):
            for text, response in _responses(same).items():
                if len(response.won) == len(response.lost):
                    excluded[MIXED] += 1
                    continue
                label = "true" if len(response.won) > len(response.lost) else "false"
                made.append((prompt, text, label, orjson.dumps(_provenance(response)).decode()[1:-1]))
        if made:
            *own, sources = zip(*made, strict=True)
            yield tuple(own), [sources]


def _whole_prompts(chunks: Iterator[Preferences]) -> Iterator[list[Preference]]:
    """The same pairs, cut only between prompts."""
    held: list[Preference] = []
    for pairs in chunks:
        held += pairs.rows()
        cut = len(held)
        while cut and _prompt(held[cut - 1]) == _prompt(held[-1]):
            cut -= 1
        yield held[:cut]
        held = held[cut:]
    yield held


def _prompt(pair: Preference) -> str:
    return pair[0]


def _responses(pairs: Iterator[Preference]) -> dict[str, _Response]:
    found: dict[str, _Response] = {}
    columns = Preferences(*zip(*pairs, strict=True))
    texts = joined(len(columns.prompt), *told(columns, margin=False))
    for chosen, rejected, text in zip(columns.chosen, columns.rejected, texts, strict=True):
        source = orjson.loads(f"{{{text}}}")
        found.setdefault(chosen, _Response(source["chosen_model"])).won.append(source)
        found.setdefault(rejected, _Response(source["rejected_model"])).lost.append(source)
    return found


def _provenance(response: _Response) -> Row:
    sources = [*response.won, *response.lost]
    first = sources[0]
    return {
        "prompt_id": first["prompt_id"],
        "model": response.model,
        "won": len(response.won),
        "lost": len(response.lost),
        "pair_ids": sorted({pair["pair_id"] for pair in sources}),
        "votes": sum(pair["votes"] for pair in sources),
        "annotators": sorted({who for pair in sources for who in pair["annotators"]}),
        "human_votes": sum(pair["human_votes"] for pair in sources),
        "model_votes": sum(pair["model_votes"] for pair in sources),
        "simulated_votes": sum(pair["simulated_votes"] for pair in sources),
        "adjudicated": any(pair["adjudicated"] for pair in sources),
        "guideline_version": max(pair["guideline_version"] for pair in sources),
        "judged_at": max(pair["judged_at"] for pair in sources),
        "language": first["language"],
        "category": first["category"],
        "split": first["split"],
    }
