"""What the judgments of one comparison come to, by the rules an export asks for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from app.exports.forms import Aggregate, ExportSpec
from app.exports.records import ADJUDICATED, SAID, Compared, Names, Row, judged
from app.words import N_

# Reasons in the words the page and the manifest show.
NOT_JUDGED = N_("not judged yet")
UNPASSED = N_("no judgment passes the filters")
UNREAL = N_("judged by simulated annotators alone")
TIED = N_("judged a tie")
BOTH_BAD = N_("judged both bad")
DIVIDED = N_("annotators divided")
FEW_VOTES = N_("fewer votes than asked for")
LOW_AGREEMENT = N_("less agreement than asked for")
WEAK = N_("less strength than asked for")

NEITHER = {"tie": TIED, "both_bad": BOTH_BAD}

# Decisions are kept for when the same annotators vote the same again, as most do; this many at most.
KEPT = 5_000


@dataclass(frozen=True, eq=False)
class Verdict:
    """An outcome, or the reason why the comparison is left out whatever it says.

    ``votes`` is what provenance tells of it; ``margin`` how far the winner is ahead, of all votes, 0 of
    none; ``weighed`` whether as many were for another outcome, so that only the votes' weights decided.
    """

    outcome: str | None
    reason: str | None
    votes: dict[str, Any]
    margin: float
    weighed: bool = False

    @cached_property
    def told(self) -> str:
        """The votes as JSON without its braces, which many rows have in common."""
        return orjson.dumps(self.votes).decode()[1:-1]


class Decisions:
    """Decides comparisons by a spec's rules. Annotators without a weight count as one."""

    def __init__(self, spec: ExportSpec, names: Names, weights: dict[int, float]) -> None:
        self.spec = spec
        self.names = names
        self.weights = weights
        # A reviewer's verdict is about the whole, not about one criterion.
        self.adjudicates = spec.aggregating is Aggregate.ADJUDICATED and spec.criterion is None
        self._made: dict[Any, Verdict] = {}

    def of(self, compared: Compared) -> Verdict:
        """The verdict of a comparison's judgments, or the reviewer's where there is one and it goes first."""
        key = _said(compared)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= KEPT:
                self._made.clear()
            made = self._made[key] = self._decide(judged(compared), compared[0][ADJUDICATED])
        return made

    def of_each(self, chunk: list[Compared]) -> list[Verdict]:
        """The same of many."""
        # Looked up here first: a call for each takes as long as all else of it.
        known = self._made.get
        return [known(_said(compared)) or self.of(compared) for compared in chunk]

    def _decide(self, votes: Sequence[Row], adjudicated: str | None) -> Verdict:
        # A reviewer decides between the votes that count: where filters leave none, nothing is decided.
        decides = self.adjudicates and (votes or not self.spec.filters_judgments)
        final = adjudicated if decides else None
        outcomes = [outcome for _, outcome, *_ in votes]
        outcome = final or self._majority(votes)
        agreed = [strength for _, said, strength, *_ in votes if said == outcome]
        strengths = [strength for strength in agreed if strength is not None]
        strength = sum(strengths) / len(strengths) if strengths else 0.0
        # Of divided ones no side's is greater.
        agreeing = outcomes.count(outcome) if outcome else max(map(outcomes.count, outcomes), default=0)
        against = outcomes.count("b" if outcome == "a" else "a")
        agreement = agreeing / len(votes) if votes else 0.0
        undecided = self._undecided(outcome, len(votes))
        unmet = None if final else self.unmet(len(votes), agreement, strength)
        return Verdict(
            outcome,
            # What no looser filter would bring back is told first.
            undecided or unmet,
            self._told(votes, agreement, strength, adjudicated=final is not None),
            (agreeing - against) / len(votes) if votes else 0.0,
            outcome is not None and bool(self.weights) and _is_divided(outcomes),
        )

    def _majority(self, votes: Sequence[Row]) -> str | None:
        """The outcome with most weight; none where two have as much."""
        totals: dict[str, float] = defaultdict(float)
        for annotator, outcome, *_ in votes:
            totals[outcome] += self.weights.get(annotator, 1.0)
        ranked = sorted(totals.items(), key=lambda item: -item[1])
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            return None
        return ranked[0][0]

    def unmet(self, votes: int, agreement: float, strength: float) -> str | None:
        """What was asked for that so many votes, which agree and are as strong as that, do not come to.

        Each counts one, whatever its weight: the filter asks of the column that the file shows.
        """
        spec = self.spec
        # Where no minimum is asked for, a comparison without votes is not too few.
        if votes < spec.min_votes > 1:
            return FEW_VOTES
        if agreement < spec.min_agreement:
            return LOW_AGREEMENT
        return WEAK if strength < spec.min_strength else None

    def _undecided(self, outcome: str | None, votes: int) -> str | None:
        """Why there is no winner, where the format needs one; or no verdict at all."""
        if outcome is not None:
            return NEITHER.get(outcome) if self.spec.format.for_training else None
        if not votes:
            return UNPASSED if self.spec.filters_judgments else NOT_JUDGED
        each = self.spec.aggregating is Aggregate.EACH
        return DIVIDED if self.spec.format.for_training or not each else None

    def _told(
        self, votes: Sequence[Row], agreement: float, strength: float, *, adjudicated: bool
    ) -> dict[str, Any]:
        who = [self.names.annotators[annotator] for annotator, *_ in votes]
        under = [guideline for _, _, _, guideline, *_ in votes if guideline is not None]
        versions = [self.names.guidelines[guideline] for guideline in under]
        simulated = sum(one.simulated for one in who)
        judges = sum(one.is_model and not one.simulated for one in who)
        return {
            "votes": len(votes),
            "agreement": agreement,
            "strength": strength,
            "annotators": [one.uid for one in who],
            "human_votes": len(votes) - judges - simulated,
            "model_votes": judges,
            "simulated_votes": simulated,
            "adjudicated": adjudicated,
            "guideline_version": max(versions, default=0),
        }


def _said(compared: Compared) -> Any:
    # Of one, as most have, without a list in between.
    return compared[0][SAID] if len(compared) == 1 else tuple([row[SAID] for row in compared])


def _is_divided(outcomes: list[str]) -> bool:
    """Whether no outcome has more votes than each other has."""
    many = sorted((outcomes.count(outcome) for outcome in set(outcomes)), reverse=True)
    return len(many) > 1 and many[0] == many[1]
