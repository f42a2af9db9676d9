"""What an import is asked to do: shared by page, API and command line."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.imports.shapes import SHAPES

ShapeName = StrEnum("ShapeName", {name.upper().replace("-", "_"): name for name in SHAPES})  # type: ignore[misc]


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


class ImportIn(BaseModel):
    """``shape``, which the asker calls "as", is found out from the content where it is None.

    ``batch`` names what the import adds.
    """

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore")

    shape: Annotated[ShapeName | None, BeforeValidator(_none_if_blank)] = Field(None, alias="as")
    dry_run: bool = False
    # PostgreSQL keeps no NUL character.
    batch: Annotated[
        Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] | None, BeforeValidator(_none_if_blank)
    ] = None
