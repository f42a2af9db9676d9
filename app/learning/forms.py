"""What is sent on the way to live judging, and what a lead sets up for it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.annotation.forms import PublicId
from app.inputs import BLANK_IS_NONE, NO_NUL
from app.models import GoldUse, Outcome


class TrialIn(BaseModel):
    """A verdict on a trial; a page's strength is taken for its side alone."""

    model_config = ConfigDict(extra="ignore")

    trial_id: PublicId
    outcome: Outcome

    @model_validator(mode="before")
    @classmethod
    def _side_alone(cls, given: Any) -> Any:
        outcome = given.get("outcome") if isinstance(given, dict) else None
        return {**given, "outcome": outcome.partition(":")[0]} if isinstance(outcome, str) else given


class PassIn(BaseModel):
    """A covered trial that somebody would rather not open."""

    model_config = ConfigDict(extra="ignore")

    trial_id: PublicId


class GoldIn(BaseModel):
    """What a gold comparison is for, and why its verdict is the right one; None serves it unannounced."""

    use: Annotated[GoldUse | None, BLANK_IS_NONE] = None
    reason: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000, pattern=NO_NUL)] | None,
        BLANK_IS_NONE,
    ] = None


class Decision(StrEnum):
    """What a lead may do about somebody's way to live judging."""

    LET_IN = "let_in"
    START_OVER = "start_over"


class DecisionIn(BaseModel):
    """A lead's decision about somebody."""

    decision: Decision


class VersionIn(BaseModel):
    """Which version of the guideline was read."""

    version: int = Field(ge=1, le=2**31 - 1)
