"""What to pair: shared by page, API and command line."""

from typing import Annotated

from flask_babel import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from app.inputs import BLANK_IS_NONE, one_or_more, parts


def _some_or_all(value: object, info: ValidationInfo) -> object:
    given = one_or_more(value)
    # A form sends a field left empty; a program that sends an empty text did not mean all of them.
    if info.mode == "json" and isinstance(given, list) and any(map(_is_empty, given)):
        raise ValueError(_("Name some models, or leave this out for all of them."))
    return given


def _is_empty(value: object) -> bool:
    return isinstance(value, str) and not parts(value)


class PairingIn(BaseModel):
    """``models`` empty means all; ``per_prompt`` None means every pair of a prompt.

    The same seed draws the same pairs in the same order. ``wanted`` (judgments for each comparison)
    is the project's own where it is None. Several models may stand in one text with commas between; which
    comma is part of a name, only the project knows: see ``pairs.told_apart``.
    """

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore")

    models: Annotated[list[str], BeforeValidator(_some_or_all)] = []
    baseline: Annotated[str | None, BLANK_IS_NONE] = None
    per_prompt: Annotated[Annotated[int, Field(ge=1, le=10_000)] | None, BLANK_IS_NONE] = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    wanted: Annotated[Annotated[int, Field(ge=1, le=1000)] | None, BLANK_IS_NONE] = None
