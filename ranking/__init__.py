"""Rankings from pairwise votes, and how sure they are: pure functions on numpy arrays."""

import os

# Small matrices lose to thread start-up (the covariance of 100 models: 0.4 ms on one thread, 16 ms on two).
# BLAS reads these once, when numpy is first imported, so this has no effect if numpy came earlier: an
# application should import `ranking` first, or set them in its environment.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from ranking.bradley_terry import Fit, Note, fit  # noqa: E402 (numpy must be imported after the above)
from ranking.connectivity import Connectivity, connectivity  # noqa: E402
from ranking.outcomes import Cells, Outcome, WinMatrix, encode_names, encode_outcomes  # noqa: E402

__all__ = [
    "Cells",
    "Connectivity",
    "Fit",
    "Note",
    "Outcome",
    "WinMatrix",
    "connectivity",
    "encode_names",
    "encode_outcomes",
    "fit",
]
