"""What may be asked of a snapshot, by page, API and command line alike."""

import re
from typing import Annotated, Any, Self

from flask_babel import gettext as _
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from app.exports.forms import Aggregate, ExportSpec, File, Format, Part, Split, listed

NAME = r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$"
LICENCE = r"^[a-z0-9][a-z0-9.+-]{0,59}$"
LABEL = re.compile(r"^([a-z0-9-]{1,60})-v([1-9][0-9]{0,8})$")

# What has files of its own beside the Parquet of trl.
FORMATS = tuple(Format)

Formats = Annotated[list[Format], BeforeValidator(listed)]


def _named(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError(
            _("Use up to 60 small letters, digits and hyphens, with a letter or digit first and last.")
        )
    return value


def _licensed(value: str) -> str:
    if not re.fullmatch(LICENCE, value):
        raise ValueError(
            _("Use a short name such as cc-by-4.0: small letters, digits, dots, plus signs and hyphens.")
        )
    return value


class SnapshotIn(ExportSpec):
    """A name, a licence, and which judgments count: the filters of an export, for all formats at once."""

    name: Annotated[str, AfterValidator(_named)] = Field(
        description="Small letters, digits and hyphens; versions count by name.",
        json_schema_extra={"pattern": NAME},
    )
    licence: Annotated[str, AfterValidator(_licensed)] = Field(
        "unknown",
        description="By its short name, as cc-by-4.0; for the card.",
        json_schema_extra={"pattern": LICENCE},
    )
    formats: Formats = Field(list(FORMATS), min_length=1, description="Formats that get files of their own.")

    @model_validator(mode="after")
    def _holds_every_format(self) -> Self:
        if (self.format, self.file, self.part) != (Format.TRL, File.JSONL, Part.ROWS):
            raise ValueError(_("a snapshot is no single file: name its formats in formats"))
        return self

    @property
    def filters(self) -> dict[str, Any]:
        """What was asked of the judgments beyond what is usual."""
        own = {"name", "licence", "formats", "format", "file", "part"}
        return self.model_dump(mode="json", exclude_defaults=True, exclude=own)

    @property
    def policy(self) -> dict[str, Any]:
        """Every rule that decides what is written, usual ones too."""
        rules = set(ExportSpec.model_fields) - {"format", "file", "part"}
        return self.model_dump(mode="json", include=rules) | {"verdict": self.aggregating.value}

    @property
    def splits(self) -> list[Split]:
        """Those it has files for."""
        return [self.split] if self.split else list(Split)

    @property
    def preferences(self) -> ExportSpec:
        """What its Parquet files hold, of all splits at once."""
        return ExportSpec.model_validate(self.filters)

    def spec(self, format_: Format, file: File, split: Split, part: Part = Part.ROWS) -> ExportSpec:
        """One of its files as an export; what a format has no room for is left out there."""
        given = self.filters | {"format": format_, "file": file, "split": split, "part": part}
        if format_ not in (Format.TRL, Format.TRL_IMPLICIT):
            given.pop("margin", None)
        if format_ is Format.JUDGMENTS and self.aggregate is not Aggregate.EACH:
            given.pop("aggregate", None)
        if format_ is Format.JUDGMENTS and given.pop("criterion", None):
            # The ties that it drops are the criterion's.
            given.pop("ties", None)
        return ExportSpec.model_validate(given)
