"""Ratings of models from pairwise votes: Bradley-Terry and, for ties as an outcome of their own, Davidson.

P(i beats j) = 1 / (1 + exp(theta_j - theta_i)) (Bradley & Terry, 1952, Biometrika 39). Ratings are logits
with mean zero in each connected component; `Fit.ratings` puts them on the Elo scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ranking.arrays import Floats, Ints, check_choice
from ranking.codes import BothBad, Ties
from ranking.connectivity import Connectivity, connectivity, extended_order
from ranking.davidson import davidson_probabilities, fit_davidson, with_ties
from ranking.laplacian import laplacian, pseudo_inverse
from ranking.likelihood import maximum_likelihood, win_probabilities
from ranking.outcomes import WinMatrix

Prior = Literal["firth", "none"]

ELO_PER_LOGIT = 400 / log(10)
CENTER = 1000.0

_MAX_ROUNDS = 200
# Logits that Firth's pseudo-votes still move by less than this have settled; each round divides by votes
# a pair.
_SETTLED = 1e-9


@dataclass(frozen=True)
class Note:
    """Something a reader must be told about a result: a stable code and what it is about."""

    code: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fit:
    """Ratings and everything they were made from and with.

    `theta` (M,): logits with mean zero in each component; NaN for a model without counted votes. Without a
    prior, models the votes put infinitely far above or below the rest are +inf or -inf, and those that
    cannot be placed NaN (see `connectivity.extended_order`). `component` (M,): which models can be compared
    at all, 0 the largest group, -1 without counted votes. `pseudo` (M, M): the prior's votes of row over
    column, symmetric.
    `tie_parameter`: Davidson's nu, None for the other ways to count ties; Davidson's logits are a scale of
    their own and must not be mixed with the others. `notes`: "no_votes", "disconnected", "undefeated",
    "winless", "not_identifiable" (or, of Davidson's model without a win, "ties_alone"), "no_ties", with the
    models (codes) concerned.
    """

    theta: Floats
    component: Ints
    matrix: WinMatrix
    pseudo: Floats
    ties: Ties
    both_bad: BothBad
    prior: Prior
    tie_parameter: float | None
    notes: tuple[Note, ...]

    @property
    def n_models(self) -> int:
        return len(self.theta)

    @property
    def scores(self) -> Floats:
        """(M, M) half-win scores the fit was made from, the prior's votes left out."""
        return self.matrix.half_wins(self.ties, self.both_bad)

    @property
    def pseudo_votes(self) -> tuple[Floats, Floats]:
        """The prior's (wins, ties), both (M, M); with Davidson it ties as often as the votes."""
        if self.tie_parameter is None:
            return self.pseudo, np.zeros_like(self.pseudo)
        return with_ties(self.pseudo, *self.matrix.counted(self.ties, self.both_bad))

    def ratings(self, *, anchor: tuple[int, float] | None = None, center: float = CENTER) -> Floats:
        """Ratings on the Elo scale, shape (M,): mean `center` in each component.

        `anchor=(model, rating)` shifts that model's component so that it has that rating.
        """
        return to_elo(shifted(self.theta, self.component, anchor, center), center)

    def win_probability(self) -> Floats:
        """(M, M): how often row is preferred to column, a tie counting half; NaN across components."""
        win, tie, _ = self.outcome_probabilities()
        return win + tie / 2

    def outcome_probabilities(self) -> tuple[Floats, Floats, Floats]:
        """P(row wins), P(tie), P(row loses), each (M, M); without Davidson's tie parameter ties have none."""
        with np.errstate(invalid="ignore"):
            difference = self.theta[:, None] - self.theta
        difference[self.component[:, None] != self.component] = np.nan
        win, tie = davidson_probabilities(difference, self.tie_parameter or 0.0)
        return win, tie, win.T.copy()


def fit(
    matrix: WinMatrix,
    *,
    ties: Ties = "half",
    both_bad: BothBad = "exclude",
    prior: Prior = "firth",
    start: ArrayLike | None = None,
) -> Fit:
    """Fit ratings to aggregated votes, each connected component by itself.

    `ties`: "half" counts a tie as half a win for each, "drop" leaves ties out, "davidson" gives them a
    probability of their own (Davidson, 1970, JASA 65). `both_bad`: "exclude", or "tie" to count them so.
    `prior`: "firth" is Jeffreys' prior, which removes the first-order bias and keeps every rating finite
    (Firth, 1993, Biometrika 80); "none" is plain maximum likelihood. `start` (M,): logits of an earlier fit;
    it saves time and changes nothing. Disconnected, undefeated and unvoted models never raise: they are in
    `Fit.notes`.
    """
    check_choice("prior", prior, ("firth", "none"))
    scores = matrix.half_wins(ties, both_bad)
    graph = connectivity(scores)
    theta, pseudo = np.full(len(scores), np.nan), np.zeros_like(scores)
    first = _starting_point(start, len(scores))
    for component in range(graph.n_components):
        models = graph.members(component)
        grid = np.ix_(models, models)
        if prior == "firth":
            theta[models], pseudo[grid] = _fit_firth(scores[grid], first[models])
        else:
            theta[models] = _fit_extended(scores[grid], first[models])
    nu = None
    if ties == "davidson":
        theta, nu = fit_davidson(*matrix.counted(ties, both_bad), pseudo, theta, graph.component)
    ties_alone = nu == np.inf and not matrix.counted(ties, both_bad)[0].any()
    notes = tuple(_notes(graph, theta, nu, ties_alone=ties_alone))
    return Fit(theta, graph.component, matrix, pseudo, ties, both_bad, prior, nu, notes)


def to_elo(theta: Floats, center: float = CENTER) -> Floats:
    """Logits to Elo points: 400 points are odds of ten to one."""
    return np.asarray(center + ELO_PER_LOGIT * theta)


def shifted(theta: Floats, component: Ints, anchor: tuple[int, float] | None, center: float) -> Floats:
    """Logits moved so that the anchor (model, rating) gets its rating by `to_elo`, in its component only."""
    if anchor is None:
        return theta
    model, rating = anchor
    if not 0 <= model < len(theta) or not np.isfinite(theta[model]):
        raise ValueError(f"anchor: model {model} has no finite rating to pin the others to")
    if not np.isfinite(rating):
        raise ValueError(f"anchor: {rating} is no rating")
    target = (rating - center) / ELO_PER_LOGIT
    return np.where(component == component[model], theta - theta[model] + target, theta)


def leverages(votes: Floats, theta: Floats) -> Floats:
    """(M, M) leverage of each pair's votes (the sum over pairs is M - 1); `votes` counts both directions."""
    P = win_probabilities(theta)
    V = votes * P * P.T
    C = pseudo_inverse(laplacian(V))
    spread = np.diagonal(C)
    return np.asarray(V * (spread[:, None] + spread - 2 * C))


def _fit_firth(scores: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Logits and pseudo-votes of a component: half of a pair's leverage to both sides, until it settles."""
    votes = scores + scores.T
    theta, first = start, start if start.any() else None
    for _ in range(_MAX_ROUNDS):
        pseudo = leverages(votes, theta) / 2
        updated = maximum_likelihood(scores + pseudo, first)
        moved = np.abs(updated - theta).max()
        theta = first = updated
        if moved < _SETTLED:
            return theta, pseudo
    raise RuntimeError(f"Firth's prior did not settle in {_MAX_ROUNDS} rounds")


def _fit_extended(scores: Floats, start: Floats) -> Floats:
    """Maximum likelihood of one component, with infinities where the votes put them."""
    theta = extended_order(scores)
    core = np.flatnonzero(theta == 0)
    if len(core):
        first = start[core] if start[core].any() else None
        theta[core] = maximum_likelihood(scores[np.ix_(core, core)], first)
    return theta


def _starting_point(start: ArrayLike | None, n_models: int) -> Floats:
    if start is None:
        return np.zeros(n_models)
    first = np.array(start, np.float64)
    if first.shape != (n_models,):
        raise ValueError(f"start: expected {n_models} logits, got shape {first.shape}")
    # Models that are new, or were infinitely far off, start in the middle.
    first[~np.isfinite(first)] = 0.0
    return first


def _notes(graph: Connectivity, theta: Floats, nu: float | None, *, ties_alone: bool) -> list[Note]:
    notes = [
        Note(code, {"models": np.flatnonzero(mask).tolist()})
        for code, mask in (
            ("no_votes", graph.unvoted),
            ("undefeated", graph.undefeated),
            ("winless", graph.winless),
            ("ties_alone" if ties_alone else "not_identifiable", ~graph.unvoted & ~np.isfinite(theta)),
        )
        if mask.any()
    ]
    if graph.n_components > 1:
        groups = [graph.members(c).tolist() for c in range(graph.n_components)]
        notes.append(Note("disconnected", {"components": groups}))
    if nu == 0.0:
        notes.append(Note("no_ties"))
    return notes
