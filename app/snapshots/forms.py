"""What may be asked of a snapshot, by page, API and command line alike."""

import re
from typing import Annotated, Any, NoReturn

from flask_babel import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from app.exports.forms import Aggregate, ExportSpec, File, Format, Part, Split, listed
from app.inputs import NO_NUL
from app.snapshots import licences

NAME = r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$"
LABEL = re.compile(r"^([a-z0-9-]{1,60})-v([1-9][0-9]{0,8})$")

# What an export has that a snapshot has no use for: it holds every kind of file.
OF_ONE_FILE = ("format", "file", "part")
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
    if not re.fullmatch(licences.SHORT, value):
        raise ValueError(
            _("Use a short name such as cc-by-4.0: small letters, digits, dots, plus signs and hyphens.")
        )
    return value


def _without_file(schema: dict[str, Any]) -> None:
    for name in OF_ONE_FILE:
        del schema["properties"][name]


class SnapshotIn(ExportSpec):
    """A name, a licence, and which judgments count: the filters of an export, for all formats at once."""

    model_config = ConfigDict(json_schema_extra=_without_file)

    name: Annotated[str, AfterValidator(_named)] = Field(
        description="Small letters, digits and hyphens; versions count by name.",
        json_schema_extra={"pattern": NAME},
    )
    licence: Annotated[str, AfterValidator(_licensed)] = Field(
        licences.UNKNOWN,
        description="By its short name, as cc-by-4.0; the card tells one that Hugging Face does not know as "
        "other, with this name.",
        json_schema_extra={"pattern": licences.SHORT},
    )
    formats: Formats = Field(list(FORMATS), min_length=1, description="Formats that get files of their own.")

    @field_validator(*OF_ONE_FILE, mode="before")
    @classmethod
    def _holds_every_format(cls, _value: object) -> NoReturn:
        raise ValueError(_("a snapshot is no single file: name its formats in formats"))

    @property
    def filters(self) -> dict[str, Any]:
        """What was asked of the judgments beyond what is usual."""
        own = {"name", "licence", "formats", *OF_ONE_FILE}
        return self.model_dump(mode="json", exclude_defaults=True, exclude=own)

    @property
    def policy(self) -> dict[str, Any]:
        """Every rule that decides what is written, usual ones too."""
        rules = set(ExportSpec.model_fields) - {*OF_ONE_FILE}
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


class WithdrawIn(BaseModel):
    """Why a snapshot is not to be used any more."""

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_NUL)
    ] = Field(description="For everybody who comes for it; kept until it is put back.")


class NoteIn(BaseModel):
    """What people write beside a snapshot."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=NO_NUL)] = Field(
        "", description="Beside the files, not in them; empty for none."
    )
