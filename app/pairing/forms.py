"""What to pair: shared by page, API and command line."""

from typing import Annotated, Self

from flask_babel import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from app.inputs import BLANK_IS_NONE


def _split(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    names = [name.strip() for name in value.split(",") if name.strip()]
    # A form sends a field left empty; a program that sends an empty text did not mean all of them.
    if not names and info.mode == "json":
        raise ValueError(_("Name some models, or leave this out for all of them."))
    return names


class PairingIn(BaseModel):
    """``models`` empty means all; ``per_prompt`` None means every pair of a prompt.

    The same seed draws the same pairs in the same order. ``wanted`` (judgments for each comparison)
    is the project's own where it is None.
    """

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore")

    models: Annotated[list[str], BeforeValidator(_split)] = []
    baseline: Annotated[str | None, BLANK_IS_NONE] = None
    per_prompt: Annotated[Annotated[int, Field(ge=1, le=10_000)] | None, BLANK_IS_NONE] = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    wanted: Annotated[Annotated[int, Field(ge=1, le=1000)] | None, BLANK_IS_NONE] = None

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len(set(self.models)) != len(self.models):
            raise ValueError(_("A model is named twice."))
        return self
