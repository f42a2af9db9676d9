"""What is sent of flags: the same models for the pages and the API."""

from typing import Annotated

from flask_babel import gettext as _
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationInfo

from app.inputs import NO_NUL
from app.models import FlagKind


def _said(value: str, info: ValidationInfo) -> str:
    if not value and info.data.get("kind") == FlagKind.OTHER:
        raise ValueError(_("Write a few words."))
    return value


def _one_way(value: bool, info: ValidationInfo) -> bool:
    if value and info.data.get("retire"):
        raise ValueError(_("Choose one: take the pair out of the queue, or put it back."))
    return value


Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=NO_NUL)]


class FlagIn(BaseModel):
    """What is the matter with a pair."""

    kind: FlagKind = FlagKind.OTHER
    message: Annotated[Words, AfterValidator(_said)] = Field(
        "", validate_default=True, description="May be empty where `kind` is not `other`."
    )


class SettleIn(BaseModel):
    """What the lead does with a flag: answers, closes it, takes its pair out of the queue or puts it back."""

    answer: Words = Field("", description="Empty: what was answered before stays.")
    close: bool = False
    retire: bool = Field(False, description="Hand the comparison out to nobody else.")
    requeue: Annotated[bool, AfterValidator(_one_way)] = Field(
        False, description="Hand it out again, as often as the project's settings say. Not with `retire`."
    )
