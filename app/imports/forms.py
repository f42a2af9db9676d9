"""What an import is asked to do: shared by page, API and command line."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.imports.shapes import SHOWN
from app.inputs import BLANK_IS_NONE, NO_NUL

ShapeName = StrEnum("ShapeName", {shape.name.upper().replace("-", "_"): shape.name for shape in SHOWN})  # type: ignore[misc]


class ImportIn(BaseModel):
    """``shape``, which the asker calls "as", is found out from the content where it is None.

    ``batch`` names what the import adds.
    """

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore")

    shape: Annotated[ShapeName | None, BLANK_IS_NONE] = Field(None, alias="as")
    dry_run: bool = False
    batch: Annotated[Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None, BLANK_IS_NONE] = None
