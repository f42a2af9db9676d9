"""What a leaderboard cannot tell, in plain sentences."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, isnan
from typing import Any

import numpy as np

from app.words import N_, Percent, Sentence, forms, listed, sentence, sentences
from ranking import Fit, Intervals, Note, RankRanges, WinMatrix, votes_to_separate
from ranking.clusters import MIN_CLUSTERS

POWER = 0.8
# More judgments than anybody will ask for, and a forecast that jumps with each verdict.
OUT_OF_REACH = 100_000
# What fewer judgments of a model say of its distance to another is chance.
LEAST_FOR_FORECAST = 30
# More than so many neighbours that are not separated are counted instead of named.
NAMED_PAIRS = 3


def rounded(value: float) -> int:
    """A count to two figures: what an estimate of it can bear."""
    return int(round(value, -max(len(str(int(value))) - 2, 0)))


WIDENED_BY_ONE = N_("With few annotators one who differs from the others widens every interval.")
PROMPTS_UNKNOWN = N_(
    "The judgments came without their prompts: which are on the same one is not known, so the intervals do "
    "not allow for what these share."
)
SOME_PROMPTS_UNKNOWN = N_(
    "Some of the judgments came without their prompts: each of these is taken to be on one of its own, so "
    "the intervals do not allow for what they share."
)
ANNOTATORS_UNKNOWN = N_(
    "The judgments do not say whose they are: which are one annotator's is not known, so the intervals do "
    "not allow for what these share."
)
_ALL_SIMULATED = N_("All of these judgments are by simulated annotators.")
_SOME_SIMULATED = N_("Some of these judgments are by simulated annotators.")
_FEW_CLUSTERS = {
    "annotator": forms(
        "All judgments come from %(n)s annotator. With fewer than %(fewest)s their own taste cannot be told "
        "from chance, so the intervals leave it out and are likely too narrow.",
        "All judgments come from %(n)s annotators. With fewer than %(fewest)s their own taste cannot be told "
        "from chance, so the intervals leave it out and are likely too narrow.",
    ),
    "prompt": forms(
        "All judgments are on %(n)s prompt. With fewer than %(fewest)s what is special about them cannot be "
        "told from chance, so the intervals leave it out and hold for no others.",
        "All judgments are on %(n)s prompts. With fewer than %(fewest)s what is special about them cannot be "
        "told from chance, so the intervals leave it out and hold for no others.",
    ),
    "comparison": forms(
        "All judgments are on %(n)s comparison. With fewer than %(fewest)s what is special about them "
        "cannot be told from chance, so the intervals leave it out and hold for no others.",
        "All judgments are on %(n)s comparisons. With fewer than %(fewest)s what is special about them "
        "cannot be told from chance, so the intervals leave it out and hold for no others.",
    ),
}
_AS_THEY_ARE = {
    "prompt": forms(
        "The one prompt is taken as it is: %(told)s, not how other prompts would turn out.",
        "These %(n)s prompts are taken as they are: %(told)s, not how other prompts would turn out.",
    ),
    "comparison": forms(
        "The one comparison is taken as it is: %(told)s, not how other comparisons would turn out.",
        "These %(n)s comparisons are taken as they are: %(told)s, not how other comparisons would turn out.",
    ),
}


def few_clusters(n: int, kind: str) -> Sentence:
    """Said where clustered intervals would be no better than a guess."""
    return sentences(*_FEW_CLUSTERS[kind], n, fewest=MIN_CLUSTERS)


def as_they_are(n: int, kind: str, *, by_annotator: bool) -> Sentence:
    """Said where the prompts are what was asked about, and no sample of what people might ask."""
    return sentences(*_AS_THEY_ARE[kind], n, told=_would_hold(n, by_annotator))


def prompts_not_told(*, by_annotator: bool) -> Sentence:
    """Said where reading the judgments of enough prompts would take too long."""
    return sentence(
        "There are too many judgments on each prompt to read what those on one share, so the "
        "prompts are taken as they are: %(told)s, not how other prompts would turn out.",
        told=_would_hold(2, by_annotator),
    )


def _would_hold(prompts: int, by_annotator: bool) -> Sentence:
    if prompts == 1 and by_annotator:
        return sentence("the intervals say how other annotators would judge it")
    if prompts == 1:
        return sentence("the intervals say how other judgments of it would turn out")
    if by_annotator:
        return sentence("the intervals say how other annotators would judge them")
    return sentence("the intervals say how other judgments of them would turn out")


def simulated(real: int, simulated: int) -> tuple[str, ...]:
    """Said of annotators of one kind, so many of them real and so many simulated."""
    if not simulated:
        return ()
    return (_SOME_SIMULATED if real else _ALL_SIMULATED,)


def elo(spread: float) -> Sentence:
    """Said of sequential ratings; `spread` is the largest deviation over random orders, in points."""
    if isnan(spread):
        return sentence(
            "Elo is updated vote by vote, so it depends on their order. It has no interval and so no ranks; "
            "the Bradley-Terry ratings use all votes at once."
        )
    moved = sentence("less than 1 point")
    if spread >= 1:
        moved = sentences("about %(n)s point", "about %(n)s points", round(spread))
    return sentence(
        "Elo is updated vote by vote, so it depends on their order: another order of the same votes moves a "
        "rating by %(moved)s. It has no interval and so no ranks; the Bradley-Terry ratings use all votes at "
        "once.",
        moved=moved,
    )


def of_votes(models: Sequence[str], matrix: WinMatrix, notes: Sequence[Note]) -> tuple[str, ...]:
    """What the votes themselves leave open: who was never compared, beaten or judged."""
    said = _told(models, notes)
    if matrix.ties.any() and not matrix.wins.any():
        said.append(N_("Every judgment so far is a tie, so no model stands above another."))
    both_bad = round(matrix.both_bad.sum() / 2)
    if both_bad:
        share = both_bad / (matrix.judgments.sum() / 2)
        said.append(
            sentences(
                "%(n)s judgment (%(share)s) called both responses bad and counted for neither model.",
                "%(n)s judgments (%(share)s) called both responses bad and counted for neither model.",
                both_bad,
                share=Percent(share),
            )
        )
    return tuple(said)


def of_intervals(
    models: Sequence[str], fitted: Fit, intervals: Intervals, ranges: RankRanges
) -> tuple[str, ...]:
    """Which neighbours are not separated, what it would take, and whose interval is not known."""
    told = [*_unseparated(models, fitted, intervals, ranges), *_told(models, intervals.notes)]
    if any(note.code == "unsolved_replicates" for note in intervals.notes):
        told.append(N_("The intervals are of the other samples, so they are likely too narrow."))
    return (*told, *_leaning(models, fitted, intervals))


def _leaning(models: Sequence[str], fitted: Fit, intervals: Intervals) -> list[str]:
    """Of models that won or lost everything: which end of the interval no vote tells."""
    found: list[Any] = [n.arguments["models"] for n in fitted.notes if n.code in ("undefeated", "winless")]
    beyond = [i for part in found for i in part if np.isfinite(intervals.se[i])]
    if fitted.prior == "none" or not beyond:
        return []
    return [
        sentence(
            "Of %(models)s the outer end of the interval comes from the prior and not from judgments: read "
            "only the end towards the other models.",
            models=tuple(models[i] for i in beyond),
        )
    ]


def _unseparated(models: Sequence[str], fitted: Fit, intervals: Intervals, ranges: RankRanges) -> list[str]:
    needed = votes_to_separate(fitted, intervals, ranges=ranges, power=POWER)
    judged = fitted.matrix.judgments
    pairs = [pair for pair in _neighbours(intervals, ranges) if not isnan(needed[pair])]
    # The pairs nearest to being separated are where more judgments help first.
    pairs.sort(key=lambda pair: float(needed[pair]))
    named: list[str] = [
        pair_sentence(
            models[i],
            models[j],
            float(needed[i, j]),
            clustered=intervals.clustered,
            judged=round(min(judged[i], judged[j])),
        )
        for i, j in pairs[:NAMED_PAIRS]
    ]
    if len(pairs) > NAMED_PAIRS:
        rest = len(pairs) - NAMED_PAIRS
        named.append(
            sentences(
                "%(n)s other pair of neighbours cannot be ordered either.",
                "%(n)s other pairs of neighbours cannot be ordered either.",
                rest,
            )
        )
    return named


def _neighbours(intervals: Intervals, ranges: RankRanges) -> list[tuple[int, int]]:
    """Pairs next to each other in rating whose ranges of ranks overlap."""
    pairs = []
    for component in range(int(intervals.component.max(initial=-1)) + 1):
        members = np.flatnonzero((intervals.component == component) & (ranges.rank > 0))
        order = members[np.argsort(-intervals.theta[members], kind="stable")]
        pairs += [(int(i), int(j)) for i, j in pairwise(order) if ranges.worst[i] >= ranges.best[j]]
    return pairs


def pair_sentence(first: str, second: str, needed: float, *, clustered: bool, judged: int) -> Sentence:
    """What it would take to tell two neighbours apart: so many more judgments, infinite for equal ones.

    ``judged`` is how many there are of the one that has fewer.
    """
    names = {"first": first, "second": second}
    if not isfinite(needed):
        return sentence("%(first)s and %(second)s have the same rating so far.", **names)
    if needed == 0:
        return sentence(
            "%(first)s and %(second)s are told apart, but others might stand between them or beside them, so "
            "their ranks overlap.",
            **names,
        )
    if judged < LEAST_FOR_FORECAST:
        return sentence(_TOO_EARLY, least=LEAST_FOR_FORECAST, **names)
    if needed > OUT_OF_REACH:
        return sentence(
            "%(first)s and %(second)s are nearly equal: more judgments will hardly tell them apart.", **names
        )
    # More judgments by the same people do not make their tastes any less particular.
    return sentences(
        *_NOT_SEPARATED[clustered],
        rounded(needed),
        power=Percent(POWER),
        **names,
    )


_TOO_EARLY = N_(
    "%(first)s and %(second)s are not separated yet; how many more judgments it takes is said from "
    "%(least)s judgments of each on."
)
# By whether votes of one annotator are taken together.
_NOT_SEPARATED = {
    False: forms(
        "%(first)s and %(second)s are not separated yet; about %(n)s more judgment, spread over models as "
        "they are now, would do it (%(power)s power).",
        "%(first)s and %(second)s are not separated yet; about %(n)s more judgments, spread over models as "
        "they are now, would do it (%(power)s power).",
    ),
    True: forms(
        "%(first)s and %(second)s are not separated yet; about %(n)s more judgment, spread over models and "
        "further annotators as they are now, would do it (%(power)s power).",
        "%(first)s and %(second)s are not separated yet; about %(n)s more judgments, spread over models and "
        "further annotators as they are now, would do it (%(power)s power).",
    ),
}

_DISCONNECTED = N_(
    "No judgments join these groups, so ratings and ranks mean nothing across them: %(groups)s. "
    "Comparisons between models of different groups would join them."
)

# What each note of the ranking says of one model, and of several.
_NOTES = {
    "no_votes": forms(
        "%(models)s has no judgments that count, so it is not ranked.",
        "%(models)s have no judgments that count, so they are not ranked.",
    ),
    "undefeated": forms(
        "%(models)s never lost or tied: how far above the others it is cannot be known.",
        "%(models)s never lost or tied: how far above the others they are cannot be known.",
    ),
    "winless": forms(
        "%(models)s never won or tied: how far below the others it is cannot be known.",
        "%(models)s never won or tied: how far below the others they are cannot be known.",
    ),
    "not_identifiable": forms(
        "The votes put no finite rating on %(models)s; a prior would.",
        "The votes put no finite ratings on %(models)s; a prior would.",
    ),
    "few_clusters": forms(
        "Too few annotators judged %(models)s (fewer than %(needed)s), so its interval is not known.",
        "Too few annotators judged %(models)s (fewer than %(needed)s each), so their intervals are not "
        "known.",
    ),
    "one_cluster": forms(
        "One annotator gave nearly all judgments of %(models)s, so its interval is not known.",
        "One annotator each gave nearly all judgments of %(models)s, so their intervals are not known.",
    ),
}


def _told(models: Sequence[str], notes: Sequence[Note]) -> list[str]:
    """The notes a reader must know of; "random_groups" changes nothing for them."""
    said = (_sentence(models, note) for note in notes)
    return [one for one in said if one is not None]


def _sentence(models: Sequence[str], note: Note) -> Sentence | None:
    found: dict[str, Any] = dict(note.arguments)
    if note.code == "disconnected":
        groups = [listed([models[i] for i in group]) for group in found["components"]]
        return sentence(
            _DISCONNECTED,
            groups="; ".join(groups),
        )
    if note.code == "unsolved_replicates":
        return sentences(
            "%(n)s bootstrap sample had no finite ratings and was left out.",
            "%(n)s bootstrap samples had no finite ratings and were left out.",
            found["replicates"],
        )
    if note.code == "unbounded_replicates":
        return sentence(
            "Of the bootstrap samples %(share)s had no finite ratings: no interval can be read from the "
            "others.",
            share=Percent(found["share"]),
        )
    if note.code == "ties_alone":
        return sentence(
            "Where a tie is an outcome of its own, ties alone do not tell how far apart models are: no "
            "ratings."
        )
    if note.code not in _NOTES:
        return None
    concerned = found.pop("models")
    return sentences(*_NOTES[note.code], len(concerned), **found, models=tuple(models[i] for i in concerned))


# What a few words say of the sentence they stand for.
_SHORT: dict[str, tuple[str, str]] = {
    _FEW_CLUSTERS["annotator"][0]: forms("only %(n)s annotator", "only %(n)s annotators"),
    **dict.fromkeys(
        (_TOO_EARLY, *(one for one, _ in _NOT_SEPARATED.values())), (N_("neighbours not separated"), "")
    ),
    _DISCONNECTED: (N_("groups that cannot be compared"), ""),
    _ALL_SIMULATED: (N_("all simulated"), ""),
    _SOME_SIMULATED: (N_("some simulated"), ""),
}


def shortened(notes: Sequence[str]) -> tuple[list[str], int]:
    """Notes in a few words each, where room is short, and how many there are besides."""
    short: dict[str, None] = {}
    others = 0
    for note in notes:
        one, many = _SHORT.get(note.text if isinstance(note, Sentence) else note, ("", ""))
        if many and isinstance(note, Sentence):
            short[sentences(one, many, note.values["n"])] = None
        elif one:
            short[one] = None
        else:
            others += 1
    return list(short), others
