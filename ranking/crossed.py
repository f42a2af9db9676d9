"""What votes share besides who gave them: several people's votes on one prompt, or on one comparison.

What is special about a prompt moves all its votes, as an annotator's taste does, and neither kind of cluster
lies within the other. The variance is then that between annotators, plus that between prompts, less that
between both at once, which is in the two (Cameron, Gelbach & Miller, 2011, J. Bus. Econ. Stat. 29).

What prompts add beyond the annotators is told here as one share of the variance that independent votes would
have, the same for all models. One number can be learnt from some of the prompts, so that its cost need not
follow the votes, and it holds for a model with few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, Ints
from ranking.bradley_terry import Fit
from ranking.clusters import small_sample
from ranking.codes import outcome_scores
from ranking.outcomes import check_votes


@dataclass(frozen=True)
class Crossed:
    """What items (prompts, comparisons) add to the variance, as a share of independent votes' variance.

    `dof`: for Student's t, NaN where there are too few items to tell (`clusters.small_sample`), and the
    share with it; one share is learnt from all models, so that few items tell more of it than of any one
    model. `items`: how many there were.
    """

    excess: float
    dof: float
    items: int

    @property
    def known(self) -> bool:
        """Whether there were items enough to tell."""
        return bool(np.isfinite(self.dof))


def crossed(
    fit: Fit,
    a: ArrayLike,
    b: ArrayLike,
    outcome: ArrayLike,
    item: ArrayLike,
    annotator: ArrayLike | None = None,
) -> Crossed:
    """How far votes on the same item agree beyond what the fit expects, `annotator` by annotator.

    All are (n,) columns, the first three as for `Cells.from_votes`: the fit's votes, or those of some items
    drawn at random. Without annotators each vote is somebody else's. Raises ValueError for malformed columns.
    """
    left, right, code, _ = check_votes(a, b, outcome, fit.n_models)
    score = outcome_scores(code, "drop" if fit.ties == "drop" else "half", fit.both_bad)
    finite = np.isfinite(fit.theta)
    used = ~np.isnan(score) & finite[left] & finite[right]
    surplus = score[used] - fit.win_probability()[left[used], right[used]]
    place, n_items = _numbered(item, used, "item")
    both = np.arange(len(place))
    if annotator is not None:
        who, n_annotators = _numbered(annotator, used, "annotator")
        both = place * n_annotators + who
    inflation, evenly = small_sample(np.bincount(place, minlength=n_items)[:, None].astype(np.float64))
    if np.isnan(evenly[0]):
        return Crossed(np.nan, np.nan, n_items)
    pair = np.concatenate([left[used], right[used]]), np.concatenate([surplus, -surplus])
    squares = _squares(place, *pair)
    between, alone = squares.sum() - _squares(both, *pair).sum(), 2 * float(surplus @ surplus)
    excess = max(float(inflation[0] * between) / alone, 0.0) if alone else 0.0
    rated = len(np.unique(pair[0]))
    return Crossed(excess, min(_told_by(squares), float(evenly[0]) * max(rated - 1, 1)), n_items)


def sample_items(item: ArrayLike, votes: int, seed: int = 0) -> NDArray[np.bool_]:
    """(n,) Which votes are on items drawn at random, about `votes` of them; all where there are fewer.

    `item` (n,) are codes from 0 on, or -1 for votes whose item is not known: these are never drawn.
    """
    code = np.asarray(item)
    known = code >= 0
    of_item = np.bincount(code[known], minlength=1)
    order = np.random.default_rng(seed).permutation(len(of_item))
    drawn = np.zeros(len(of_item) + 1, bool)
    drawn[order] = np.cumsum(of_item[order]) - of_item[order] < votes
    return np.asarray(known & drawn[code])


def _squares(group: Ints, model: NDArray[Any], surplus: Floats) -> Floats:
    """Each group's squared sums of surpluses, one sum a model, added up: the trace of an outer product."""
    n_models = int(model.max()) + 1
    cells, cell = np.unique(np.tile(group, 2) * n_models + model, return_inverse=True)
    return np.bincount(cells // n_models, np.bincount(cell, surplus) ** 2).astype(np.float64)


def _told_by(squares: Floats) -> float:
    """Degrees of freedom of a variance that is a sum over items: the fewer, the more the items differ in it.

    They are those of the chi-squared variable of the same mean and variance (Satterthwaite, 1946, Biometrics
    Bulletin 2).
    """
    varied = float(((squares - squares.mean()) ** 2).sum()) * len(squares) / (len(squares) - 1)
    return 2 * float(squares.sum()) ** 2 / varied if varied > 0 else np.inf


def _numbered(values: ArrayLike, used: NDArray[np.bool_], name: str) -> tuple[Ints, int]:
    column = np.asarray(values)
    if column.shape != used.shape:
        raise ValueError(f"{name}: {column.shape} values for {used.shape} votes")
    ids, number = np.unique(column[used], return_inverse=True)
    return number, len(ids)
