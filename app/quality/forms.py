"""What may be asked of the quality page."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

SliceBy = Literal["category", "language"]


class QualityQuery(BaseModel):
    """By what the agreement is told apart."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by: SliceBy = "category"
