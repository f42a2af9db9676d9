"""What a leaderboard cannot tell, in plain sentences."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, isnan
from typing import Any

import numpy as np

from app.words import counted
from ranking import Fit, Intervals, Note, RankRanges, WinMatrix, votes_to_separate
from ranking.clusters import MIN_CLUSTERS

POWER = 0.8
# More judgments than anybody will ask for, and a forecast that jumps with each verdict.
OUT_OF_REACH = 100_000
# More than so many neighbours that are not separated are counted instead of named.
NAMED_PAIRS = 3
NAMED_MODELS = 6


def listed(names: Sequence[str], most: int = NAMED_MODELS) -> str:
    """Names as a sentence has them: "Heron, Lark and Wren"."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def rounded(value: float) -> str:
    """A count to two figures: what an estimate of it can bear."""
    digits = max(len(str(int(value))) - 2, 0)
    return f"{round(value, -digits):,.0f}"


def few_clusters(n: int, kind: str) -> str:
    """Said where clustered intervals would be no better than a guess."""
    found = counted(n, kind, kind + "s")
    if kind == "annotator":
        return (
            f"All judgments come from {found}. With fewer than {MIN_CLUSTERS} their own taste cannot be told "
            "from chance, so the intervals leave it out and are likely too narrow."
        )
    return (
        f"All judgments are on {found}. With fewer than {MIN_CLUSTERS} what is special about them cannot be "
        "told from chance, so the intervals leave it out and hold for no others."
    )


def as_they_are(n: int, kind: str, *, by_annotator: bool) -> str:
    """Said where the prompts are what was asked about, and no sample of what people might ask."""
    taken = f"These {n} {kind}s are taken as they are" if n > 1 else f"The one {kind} is taken as it is"
    return f"{taken}: {_would_hold(by_annotator)}, not how other {kind}s would turn out."


def prompts_not_told(*, by_annotator: bool) -> str:
    """Said where reading the judgments of enough prompts would take too long."""
    return (
        "There are too many judgments on each prompt to read what those on one share, so the "
        f"prompts are taken as they are: {_would_hold(by_annotator)}, not how other prompts would turn out."
    )


def _would_hold(by_annotator: bool) -> str:
    told = "other annotators would judge them" if by_annotator else "other judgments of them would turn out"
    return f"the intervals say how {told}"


def elo(spread: float) -> str:
    """Said of sequential ratings; `spread` is the largest deviation over random orders, in points."""
    by = (
        ""
        if isnan(spread)
        else f": another order of the same votes moves a rating by about {spread:.0f} points"
    )
    return (
        f"Elo is updated vote by vote, so it depends on their order{by}. It has no interval; the "
        "Bradley-Terry ratings use all votes at once."
    )


def of_votes(models: Sequence[str], matrix: WinMatrix, notes: Sequence[Note]) -> tuple[str, ...]:
    """What the votes themselves leave open: who was never compared, beaten or judged."""
    sentences = _told(models, notes)
    if matrix.ties.any() and not matrix.wins.any():
        sentences.append("Every judgment so far is a tie, so no model stands above another.")
    both_bad = round(matrix.both_bad.sum() / 2)
    if both_bad:
        share = both_bad / (matrix.judgments.sum() / 2)
        found = counted(both_bad, "judgment", "judgments")
        sentences.append(f"{found} ({share:.0%}) called both responses bad and counted for neither model.")
    return tuple(sentences)


def of_intervals(
    models: Sequence[str], fitted: Fit, intervals: Intervals, ranges: RankRanges
) -> tuple[str, ...]:
    """Which neighbours are not separated, what it would take, and whose interval is not known."""
    return (*_unseparated(models, fitted, intervals, ranges), *_told(models, intervals.notes))


def _unseparated(models: Sequence[str], fitted: Fit, intervals: Intervals, ranges: RankRanges) -> list[str]:
    needed = votes_to_separate(fitted, intervals, ranges=ranges, power=POWER)
    pairs = [pair for pair in _neighbours(intervals, ranges) if not isnan(needed[pair])]
    # The pairs nearest to being separated are where more judgments help first.
    pairs.sort(key=lambda pair: float(needed[pair]))
    named = [
        pair_sentence(models[i], models[j], float(needed[i, j]), clustered=intervals.clustered)
        for i, j in pairs[:NAMED_PAIRS]
    ]
    if len(pairs) > NAMED_PAIRS:
        rest = len(pairs) - NAMED_PAIRS
        named.append(f"{rest} other pair{'s' if rest > 1 else ''} of neighbours cannot be ordered either.")
    return named


def _neighbours(intervals: Intervals, ranges: RankRanges) -> list[tuple[int, int]]:
    """Pairs next to each other in rating whose ranges of ranks overlap."""
    pairs = []
    for component in range(int(intervals.component.max(initial=-1)) + 1):
        members = np.flatnonzero((intervals.component == component) & (ranges.rank > 0))
        order = members[np.argsort(-intervals.theta[members], kind="stable")]
        pairs += [(int(i), int(j)) for i, j in pairwise(order) if ranges.worst[i] >= ranges.best[j]]
    return pairs


def pair_sentence(first: str, second: str, needed: float, *, clustered: bool) -> str:
    """What it would take to tell two neighbours apart: so many more judgments, infinite for equal ones."""
    if not isfinite(needed):
        return f"{first} and {second} have the same rating so far."
    if needed == 0:
        return (
            f"{first} and {second} are told apart, but others might stand between them or beside them, so "
            "their ranks overlap."
        )
    if needed > OUT_OF_REACH:
        return f"{first} and {second} are nearly equal: more judgments will hardly tell them apart."
    # More judgments by the same people do not make their tastes any less particular.
    of = "models and further annotators" if clustered else "models"
    return (
        f"{first} and {second} are not separated yet; about {rounded(needed)} more judgments, spread over "
        f"{of} as they are now, would do it ({POWER:.0%} power)."
    )


# What each note of the ranking says, in the singular and the plural of the models concerned.
_NOTES = {
    "no_votes": (
        "{models} has no judgments that count, so it is not ranked.",
        "{models} have no judgments that count, so they are not ranked.",
    ),
    "undefeated": (
        "{models} never lost or tied: how far above the others it is cannot be known.",
        "{models} never lost or tied: how far above the others they are cannot be known.",
    ),
    "winless": (
        "{models} never won or tied: how far below the others it is cannot be known.",
        "{models} never won or tied: how far below the others they are cannot be known.",
    ),
    "not_identifiable": (
        "The votes put no finite rating on {models}; a prior would.",
        "The votes put no finite ratings on {models}; a prior would.",
    ),
    "few_clusters": (
        "Too few annotators judged {models} (fewer than {needed}), so its interval is not known.",
        "Too few annotators judged {models} (fewer than {needed} each), so their intervals are not known.",
    ),
    "one_cluster": (
        "One annotator gave nearly all judgments of {models}, so its interval is not known.",
        "One annotator each gave nearly all judgments of {models}, so their intervals are not known.",
    ),
    "disconnected": (
        "No judgments join these groups, so ratings and ranks mean nothing across them: {groups}. "
        "Comparisons between models of different groups would join them.",
    ),
    "unsolved_replicates": ("{replicates} bootstrap samples had no finite ratings and were left out.",),
}


def _told(models: Sequence[str], notes: Sequence[Note]) -> list[str]:
    """The notes a reader must know of; "random_groups" changes nothing for them."""
    return [_sentence(models, note) for note in notes if note.code in _NOTES]


def _sentence(models: Sequence[str], note: Note) -> str:
    words: dict[str, Any] = dict(note.arguments)
    concerned = words.get("models", [])
    words["models"] = listed([models[i] for i in concerned])
    words["groups"] = "; ".join(listed([models[i] for i in group]) for group in words.get("components", []))
    forms = _NOTES[note.code]
    return forms[-1 if len(concerned) > 1 else 0].format_map(words)
