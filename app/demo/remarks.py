"""What simulated annotators say beside their verdicts: failures they mark, places, and reasons.

The invented models fail in their own ways, so that the pages that count failures have something to find.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp

from app.annotation.forms import Side, Span
from app.models import Outcome

SIDES: tuple[Side, Side] = ("a", "b")
# How each model fails, the likeliest first: failure and weight.
FAILURES = {
    "Heron": {"too_long": 6, "language": 2, "instruction_missed": 1},
    "Lark": {"language": 3, "factual_error": 3, "too_long": 2, "incomplete": 1},
    "Wren": {"incomplete": 6, "instruction_missed": 2, "language": 1},
    "Moth": {"factual_error": 5, "formatting": 4, "instruction_missed": 4, "over_refusal": 1, "made_up": 1},
}
# Why the other response is the better one. Neither model nor side is named: the screen may turn them round.
REASONS = {
    "factual_error": (
        "One of them gets a fact wrong that the answer hangs on.",
        "Only one of them is correct.",
    ),
    "formatting": ("The form gets in the way of what it says.", "Plain sentences would have done."),
    "instruction_missed": ("A limit that was stated is ignored.", "One answers another question."),
    "over_refusal": ("There was no harm in the question, and one of them refuses it.",),
    "made_up": ("One cites something that I cannot find anywhere.",),
    "incomplete": ("One stops before the part that was asked for.", "Half of the question is left open."),
    "too_long": ("Both are right; one says it in a third of the words.", "The answer is there, far down."),
    "language": ("Correct, but not how one speaks to somebody in this position.",),
}
# Where a failure stands, if it stands in one place: a claim in bold, a heading, a sentence.
PLACES = {
    "factual_error": re.compile(r"\*\*[^*\n]{3,80}\*\*"),
    "formatting": re.compile(r"^#{1,3} .+$", re.MULTILINE),
    "language": re.compile(r"\b[^.!?\n]{15,180}[.!?]"),
}


@dataclass(frozen=True)
class Remarks:
    """In the words of a judgment."""

    tags: dict[Side, list[str]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    rationale: str | None = None


def remark(
    care: float,
    outcome: Outcome,
    pair: tuple[str, str],
    qualities: tuple[float, float],
    sources: Mapping[Side, str],
    chance: random.Random,
) -> Remarks:
    """What somebody says who takes the trouble with so large a share of their verdicts."""
    if chance.random() > care:
        return Remarks()
    found = Remarks(tags={side: marked for side, marked in _tags(pair, qualities, chance) if marked})
    for side, marked in found.tags.items():
        places = [
            (tag, *place.span())
            for tag in marked
            if tag in PLACES
            for place in PLACES[tag].finditer(sources[side])
        ]
        if places and chance.random() < 0.7:
            tag, start, end = chance.choice(places)
            found.spans.append(Span(response=side, start=start, end=end, tag=tag))
    return Remarks(found.tags, found.spans, _reason(outcome, found.tags, chance))


def _tags(
    pair: tuple[str, str], qualities: tuple[float, float], chance: random.Random
) -> list[tuple[Side, list[str]]]:
    """The worse a response is, the likelier it is marked, and marked twice."""
    marked = []
    for side, name, quality in zip(SIDES, pair, qualities, strict=True):
        rate = 1 / (1 + exp(1 + 1.5 * quality))
        ways = FAILURES[name]
        drawn = [
            chance.choices(list(ways), list(ways.values()))[0] for _ in range(2) if chance.random() < rate
        ]
        marked.append((side, list(dict.fromkeys(drawn))))
    return marked


def _reason(outcome: Outcome, tags: Mapping[Side, list[str]], chance: random.Random) -> str | None:
    """Why the better response is the better one, where the other was marked."""
    worse: dict[Outcome, Side] = {Outcome.A: "b", Outcome.B: "a"}
    marked = tags.get(worse[outcome]) if outcome in worse else None
    return chance.choice(REASONS[marked[0]]) if marked and chance.random() < 0.6 else None
