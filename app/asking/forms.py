"""What a lead writes for annotators, for form and API alike."""

from typing import Annotated

from flask_babel import gettext as _
from pydantic import AfterValidator, BaseModel, Field


def _unix_lines(value: str) -> str:
    """Forms send carriage returns, files do not; the same text is the same version."""
    text = value.replace("\r\n", "\n").strip()
    if not text:
        raise ValueError(_("Write something: annotators read this before they judge."))
    return text


class BaseIn(BaseModel):
    """The version that somebody had read when they wrote the next one."""

    base: Annotated[int, Field(ge=0)] = 0


class GuidelineIn(BaseIn):
    """A new version of the guideline."""

    text: Annotated[str, Field(max_length=100_000), AfterValidator(_unix_lines)]
