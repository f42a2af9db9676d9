"""What a reviewer says of a comparison."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.inputs import NO_NUL
from app.models import Outcome


class VerdictIn(BaseModel):
    """A final verdict, and why."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000, pattern=NO_NUL)
    ] = Field(description="For annotators and for whoever trains on it; every verdict has one.")


class ReviewIn(BaseModel):
    """Which comparisons: those whose annotators are divided, or those that are settled."""

    model_config = ConfigDict(extra="forbid")

    settled: bool = False
