"""Rankings from pairwise votes, and how sure they are: pure functions on numpy arrays.

    matrix = WinMatrix.from_votes(a, b, outcome, n_models)    # codes: `encode_names`, `encode_outcomes`
    result = fit(matrix)                                      # ratings, or why there are none
    sure = intervals(result, Cells.from_votes(a, b, outcome, n_models, cluster=annotator))
    ranges = rank_ranges(sure, joint=True)

Beside what is imported here: `covariates` holds sides and style equal, `prediction_powered` adds a judge
model's votes to people's, `annotators` and `agreement` tell how far to trust who voted, `fragility` how few
votes hold up the order, `slices` where a model stands elsewhere than in the other votes, and `selection` what
to ask next.

These modules import scipy and name its functions in full (`scipy.special.ndtr`): it loads each of its parts
when that is first asked for, so that a program which ranks later, or never, starts sooner. The price: a
process forked from it loads its own copy with the first leaderboard it makes, 0.2 to 0.3 s and 27 MB.
"""

import os

# Small matrices lose to thread start-up (the covariance of 100 models: 0.4 ms on one thread, 16 ms on two).
# BLAS reads these once, when numpy is first imported, so this has no effect if numpy came earlier: an
# application should import `ranking` first, or set them in its environment.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# ruff: noqa: E402 (numpy must be imported after the above)
from ranking.bootstrap import bootstrap
from ranking.bradley_terry import Fit, Note, fit, to_elo
from ranking.clusters import Clusters, cluster_votes
from ranking.codes import Outcome, encode_names, encode_outcomes
from ranking.connectivity import Connectivity, connectivity
from ranking.crossed import Crossed, crossed
from ranking.elo import EloRun, EloState, elo, permuted_elo
from ranking.misfit import LackOfFit, lack_of_fit
from ranking.outcomes import Cells, WinMatrix
from ranking.ranks import RankRanges, probability_better, probability_top, rank_ranges, votes_to_separate
from ranking.uncertainty import Intervals, covariance, intervals

__all__ = [
    "Cells",
    "Clusters",
    "Connectivity",
    "Crossed",
    "EloRun",
    "EloState",
    "Fit",
    "Intervals",
    "LackOfFit",
    "Note",
    "Outcome",
    "RankRanges",
    "WinMatrix",
    "bootstrap",
    "cluster_votes",
    "connectivity",
    "covariance",
    "crossed",
    "elo",
    "encode_names",
    "encode_outcomes",
    "fit",
    "intervals",
    "lack_of_fit",
    "permuted_elo",
    "probability_better",
    "probability_top",
    "rank_ranges",
    "to_elo",
    "votes_to_separate",
]
