"""Whether verdicts hang on the side of the screen that a response stood on."""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from ranking import Cells
from ranking.covariates import position_bias


@dataclass(frozen=True)
class PositionBias:
    """How often the left of two equal responses is preferred, with its 95 % interval; and how that was seen.

    None where the judgments do not tell. `left`, `right` and `ties` are verdicts whose order on the
    screen is known.
    """

    share: float | None
    lower: float | None
    upper: float | None
    left: int
    right: int
    ties: int

    @property
    def judgments(self) -> int:
        """Verdicts whose order on the screen is known."""
        return self.left + self.right + self.ties

    @property
    def one_sided(self) -> bool:
        """Whether each verdict that prefers one of the two is for the same side."""
        return bool(self.left + self.right) and not (self.left and self.right)

    @property
    def biased(self) -> bool:
        """Whether the interval leaves out an even chance."""
        return self.lower is not None and self.upper is not None and not self.lower <= 0.5 <= self.upper


def position(shown: Cells) -> PositionBias:
    """Of verdicts whose left model stood on the left."""
    left, right, ties, _ = (int(count) for count in shown.counts.sum(axis=1))
    unknown = PositionBias(None, None, None, left, right, ties)
    if not left + right:
        return unknown
    try:
        effect = position_bias(shown).effects()[0]
    except ValueError:
        # Each model always stood on the same side: the side cannot be told from the models.
        return unknown
    except RuntimeError:
        # The side tells each verdict, so its effect has no bounds.
        return replace(unknown, share=float(left > 0)) if unknown.one_sided else unknown
    share, lower, upper = (float(scipy.special.expit(x)) for x in (effect.logit, effect.lower, effect.upper))
    known = np.isfinite([lower, upper]).all()
    return PositionBias(share, lower if known else None, upper if known else None, left, right, ties)
