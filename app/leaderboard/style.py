"""Ratings with the form of the responses held equal: their length, headers, lists and bold words.

The covariates are those of LMArena's style control (Li, Angelopoulos & Chiang, 2024, "Does style
matter?"), but as differences of binary logarithms, so that an effect reads "for twice as much".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.leaderboard import memory, reading
from app.leaderboard.ranked import FEW_PROMPTS, ranks
from app.models import Annotator, Comparison, Judgment, Message, Project, Response, answers
from app.text import texts
from app.words import N_, sentence
from ranking.bradley_terry import ELO_PER_LOGIT
from ranking.clusters import MIN_CLUSTERS
from ranking.covariates import ControlledFit, fit_covariates

FEATURES = (N_("length"), N_("headers"), N_("list items"), N_("bold words"))
# Fewer judgments tell nothing of style.
LEAST_VOTES = 50
# A larger project is told by a part drawn at random, so that a page never waits for all its texts.
MOST_VOTES = 50_000
_TEXTS = 500

_HEADER = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")

Features = tuple[int, int, int, int]
Measured = dict[int, Features]


@dataclass(frozen=True)
class StyleEffect:
    """Elo points for twice as much of something (for counts, of one more than there are)."""

    name: str
    points: float
    lower: float | None
    upper: float | None

    @property
    def matters(self) -> bool:
        """Whether no effect at all lies outside the interval."""
        return self.lower is not None and self.upper is not None and not self.lower <= 0 <= self.upper


@dataclass(frozen=True)
class Restyled:
    """A model's rating as it is and with style held equal; ranks count within its group."""

    model: str
    group: int
    raw: float
    rating: float
    lower: float | None
    upper: float | None
    raw_rank: int
    rank: int


@dataclass(frozen=True, eq=False)
class StyleControl:
    """What holding style equal changes; `missing` says why there is nothing to tell.

    `votes` entered, all those whose texts are known or a part of them, on so many `prompts`; even few
    of these are taken as a sample. `few_annotators`: the intervals take judgments as independent.
    `measured`: the responses' features, for the next time.
    """

    votes: int
    missing: str = ""
    part: bool = False
    prompts: int = 0
    few_annotators: bool = False
    effects: tuple[StyleEffect, ...] = ()
    rows: tuple[Restyled, ...] = ()
    measured: Measured = field(default_factory=dict, repr=False)

    @property
    def few_prompts(self) -> bool:
        """Whether the leaderboard takes so few prompts as they are, where they are a sample here."""
        return self.prompts < FEW_PROMPTS

    @property
    def moved(self) -> list[Restyled]:
        """Models whose rank style had a part in."""
        return [row for row in self.rows if row.rank != row.raw_rank]

    @property
    def surely_moved(self) -> bool:
        """Whether two models would change places and their intervals lie apart."""
        return any(
            one.group == other.group
            and one.raw < other.raw
            and one.lower is not None
            and other.upper is not None
            and one.lower > other.upper
            for one in self.rows
            for other in self.rows
        )


def load(session: Session, project: Project) -> StyleControl:
    """Remembered until a judgment changes; a text is measured once."""
    return memory.remembered(
        session,
        project,
        "style",
        lambda before: _control(session, project, before.measured if before else {}),
    )


def features(messages: Sequence[Message]) -> Features:
    """Characters, headers, list items and bold passages of a response's Markdown."""
    said = "\n".join(part for message in messages for part in texts(message.get("content")))
    return len(said), *(len(pattern.findall(said)) for pattern in (_HEADER, _ITEM, _BOLD))  # type: ignore[return-value]


def _control(session: Session, project: Project, measured: Measured) -> StyleControl:
    names, codes = reading.models(session, project)
    a, b, outcome, cluster, response_a, response_b, prompt = reading.columns(session, _votes(project), 7)
    votes = len(outcome)
    if votes < LEAST_VOTES:
        few_votes = sentence(
            "it takes %(least)s judgments of responses whose texts are known, and there are %(there)s",
            least=LEAST_VOTES,
            there=votes,
        )
        return StyleControl(votes, few_votes)
    ids = np.unique([response_a, response_b])
    measured = {**measured, **_measure(session, [one for one in ids.tolist() if one not in measured])}
    size = np.log2(1 + np.array([measured[one] for one in ids.tolist()], np.float64))
    x = size[np.searchsorted(ids, response_a)] - size[np.searchsorted(ids, response_b)]
    varied = np.flatnonzero(x.any(axis=0))
    if not len(varied):
        return StyleControl(votes, N_("the responses do not differ in style"), measured=measured)
    few = len(np.unique(cluster)) < MIN_CLUSTERS
    try:
        found = fit_covariates(
            np.searchsorted(codes, a),
            np.searchsorted(codes, b),
            outcome,
            x[:, varied],
            len(codes),
            names=[FEATURES[i] for i in varied],
            cluster=None if few else cluster,
            item=prompt,
        )
    except (ValueError, RuntimeError):
        # Style and model go together, or style predicts every verdict: neither can be held equal.
        told = N_("the judgments cannot tell style from the models, or the kinds of style from each other")
        return StyleControl(votes, told, measured=measured)
    return StyleControl(
        votes=votes,
        part=votes == MOST_VOTES,
        prompts=len(np.unique(prompt)),
        few_annotators=few,
        effects=_effects(found),
        rows=_rows(found, names),
        measured=measured,
    )


def _votes(project: Project) -> sa.Select[tuple[int, ...]]:
    """Judgments of responses with texts; where there are too many, those of a random part.

    A comparison's public name is a digest, so its order is as good as drawn, and stays.
    """
    one, other = aliased(Response), aliased(Response)
    found = (
        sa.select(
            *reading.PAIR,
            reading.OUTCOME,
            col(Annotator.cluster),
            col(one.id),
            col(other.id),
            col(Comparison.prompt_id),
        )
        .select_from(Comparison)
        .join(Judgment, col(Judgment.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Judgment.annotator_id) == col(Annotator.id))
    )
    for side, response in (("a", one), ("b", other)):
        with_text = sa.and_(answers(response, Comparison, side), col(response.messages).is_not(None))
        found = found.join(response, with_text)
    here = (*reading.counts(project), col(Comparison.project_id) == project.id)
    return found.where(*here).order_by(col(Comparison.pair_id), col(Judgment.id)).limit(MOST_VOTES)


def _measure(session: Session, ids: Sequence[int]) -> Measured:
    found: Measured = {}
    for start in range(0, len(ids), _TEXTS):
        some = sa.select(col(Response.id), col(Response.messages))
        rows = session.execute(some.where(col(Response.id).in_(ids[start : start + _TEXTS])))
        found.update((response_id, features(messages or [])) for response_id, messages in rows)
    return found


def _effects(found: ControlledFit) -> tuple[StyleEffect, ...]:
    return tuple(
        StyleEffect(
            one.name,
            ELO_PER_LOGIT * one.logit,
            *(_known(ELO_PER_LOGIT * bound) for bound in (one.lower, one.upper)),
        )
        for one in found.effects()
    )


def _rows(found: ControlledFit, names: Sequence[str]) -> tuple[Restyled, ...]:
    component = found.raw.component
    raw, rating = found.raw.ratings(), found.ratings()
    lower, upper = found.intervals()
    raw_rank, rank = ranks(raw, component), ranks(rating, component)
    rows = [
        Restyled(
            names[i],
            int(component[i]),
            float(raw[i]),
            float(rating[i]),
            _known(lower[i]),
            _known(upper[i]),
            int(raw_rank[i]),
            int(rank[i]),
        )
        for i in np.flatnonzero(component >= 0).tolist()
    ]
    return tuple(sorted(rows, key=lambda row: (row.group, row.raw_rank, row.model)))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
