"""What may be asked of an export, by page, API and command line alike."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.models import AnnotatorKind


class Format(StrEnum):
    """The shapes a file may have; docs/exports.md shows a row of each."""

    TRL = "trl"
    TRL_IMPLICIT = "trl-implicit"
    JUDGMENTS = "judgments"

    @property
    def for_training(self) -> bool:
        """Whether a trainer reads it: rows are preferences, and nothing that would poison it is written."""
        return self is not Format.JUDGMENTS


def _listed(value: object) -> object:
    """Accept "a,b" and ["a,b", "c"], as a query string or an option gives them."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list):
        return given
    return [part.strip() for item in given for part in str(item).split(",") if part.strip()]


def _absent(value: object) -> object:
    return None if value == "" else value


Names = Annotated[list[str], BeforeValidator(_listed)]
Kind = Annotated[AnnotatorKind | None, BeforeValidator(_absent)]
Moment = Annotated[datetime | None, BeforeValidator(_absent)]


class ExportSpec(BaseModel):
    """One export: a format, what to leave out, and how prompts are split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format = Format.TRL
    file: Literal["jsonl", "parquet"] = "jsonl"
    category: Names = []
    language: Names = []
    model: Names = []
    # Only judgments of people, or only of judge models; everybody's by default.
    kind: Kind = None
    since: Moment = None
    until: Moment = None
    min_votes: int = Field(1, ge=1, le=1000)
    min_agreement: float = Field(0.0, ge=0, le=1)
    # The share of prompts held out, and the salt their lot is drawn with.
    held_out: float = Field(0.1, ge=0, lt=1)
    salt: str = Field("tiebreak", max_length=100)
    # Some trainers fail on a margin column; it is written only when asked for.
    margin: bool = False

    @property
    def extension(self) -> str:
        """The file name's ending."""
        return self.file
