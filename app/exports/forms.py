"""What may be asked of an export, by page, API and command line alike."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from flask_babel import gettext as _
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from app.inputs import day, moment, one_or_more, parts
from app.models import AnnotatorKind


class Format(StrEnum):
    """The shapes a file may have; docs/exports.md shows a row of each."""

    TRL = "trl"
    TRL_IMPLICIT = "trl-implicit"
    KTO = "kto"
    OPENAI = "openai"
    LLAMAFACTORY = "llamafactory"
    MESSAGES = "messages"
    NEMO = "nemo"
    ARENA = "arena"
    JUDGMENTS = "judgments"

    @property
    def for_training(self) -> bool:
        """Whether a trainer reads it: rows are preferences, and nothing that would poison it is written."""
        return self not in (Format.ARENA, Format.JUDGMENTS)


class File(StrEnum):
    """How the rows are written down; compressed files are files of their own, not a transfer encoding."""

    JSONL = "jsonl"
    ZSTD = "jsonl.zst"
    GZIP = "jsonl.gz"
    PARQUET = "parquet"
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def is_table(self) -> bool:
        """Whether every cell is a plain value, as a spreadsheet wants it."""
        return self in (File.CSV, File.XLSX)

    @property
    def is_packed(self) -> bool:
        """Whether its lines are compressed."""
        return self in (File.ZSTD, File.GZIP)


class Part(StrEnum):
    """The rows, or what goes in a file beside them."""

    ROWS = "rows"
    PROVENANCE = "provenance"
    DATASET_INFO = "dataset_info"


class Aggregate(StrEnum):
    """How the judgments of a comparison become a verdict."""

    EACH = "each"
    MAJORITY = "majority"
    WEIGHTED = "weighted"
    ADJUDICATED = "adjudicated"


class Ties(StrEnum):
    """Whether verdicts that prefer neither side count, or are left out as if never given."""

    KEEP = "keep"
    DROP = "drop"


class Gold(StrEnum):
    """Comparisons that test annotators."""

    IN = "in"
    OUT = "out"
    ONLY = "only"


class Split(StrEnum):
    """Which prompts a model is trained on, and which it is tested with."""

    TRAIN = "train"
    TEST = "test"


def listed(value: object) -> object:
    """Accept "a,b" and ["a,b", "c"], as a query string or an option gives them."""
    given = one_or_more(value)
    if not isinstance(given, list):
        return given
    found = [part for item in given for part in (parts(item) if isinstance(item, str) else [item])]
    if given and not found:
        raise ValueError(empty())
    return found


# Whether a comma is part of a name, only the project knows: see choices.known.
Names = Annotated[list[str], BeforeValidator(one_or_more)]
Versions = Annotated[list[Annotated[int, Field(ge=1, le=2**31 - 1)]], BeforeValidator(listed)]


def _moment(value: object) -> object:
    """A date without a time is a day, and not its first moment; both are a time in UTC, too."""
    if isinstance(value, str):
        value = day(value.strip()) or moment(value.strip())
    try:
        if isinstance(value, date):
            beginning(value), after(value)
            return value
    # Of a time in another zone, the year may be none that there is.
    except (ValueError, OverflowError):
        pass
    raise ValueError(
        _("give a day or a time, UTC, of 0001-01-01 to 9999-12-30, as 2026-03-01 or 2026-03-01T09:30:00Z")
    )


Moment = Annotated[datetime | date, BeforeValidator(_moment)] | None


class Run(NamedTuple):
    """The prompts from one row to another, both included."""

    begin: int
    end: int


EVERYTHING = (Run(0, 2**31 - 1),)


def beginning(when: datetime | date) -> datetime:
    """A moment, or the first one of a day; UTC where nothing else is said."""
    moment = when if isinstance(when, datetime) else datetime.combine(when, time())
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def after(when: datetime | date) -> datetime:
    """A moment, or the one after a day: what is asked for up to it lies before."""
    return beginning(when if isinstance(when, datetime) else when + timedelta(days=1))


def empty() -> str:
    """Of a value that would leave nothing to ask for."""
    return _("This is empty: give a value, or leave it out to ask for everything.")


class ExportSpec(BaseModel):
    """One export: a format, which judgments count, what they must come to, and how prompts are split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format = Format.TRL
    file: File = File.JSONL
    part: Part = Part.ROWS

    category: Names = Field([], description="Only these prompts.")
    language: Names = Field([], description="Only these prompts.")
    model: Names = Field([], description="Only comparisons between these models; of one, with any.")
    split: Split | None = Field(None, description="Only these prompts; both by default.")
    gold: Gold | None = Field(
        None, description="Comparisons that test annotators; by default in for judgments, else out."
    )
    adjudicated: bool = Field(False, description="Only comparisons with a reviewer's verdict.")

    kind: AnnotatorKind | None = Field(
        None, description="Only people's judgments, or only judge models'; everybody's by default."
    )
    group: Names = Field([], description="Only judgments of annotators in these groups.")
    guideline: Versions = Field([], description="Only judgments made under these versions.")
    criterion: str | None = Field(
        None,
        max_length=64,
        description="Verdicts by this criterion instead of the overall ones; "
        "not for judgments, which have all.",
    )
    since: Moment = Field(None, description="Only judgments from this time, or day, on.")
    until: Moment = Field(None, description="Only judgments before this time, or up to this day.")
    ties: Ties = Field(Ties.KEEP, description="Drop leaves out verdicts for neither side before they count.")

    aggregate: Aggregate | None = Field(
        None,
        description="How judgments become a verdict. each: a row for every judgment, in trainers' formats "
        "for those that agree with the majority. majority: what most annotators say. weighted: the same, by "
        "their reliability. adjudicated: the reviewer's verdict, else the majority. By default adjudicated "
        "for trainers' formats, each for arena and judgments.",
    )
    min_votes: int = Field(
        1, ge=1, le=1000, description="Fewest votes, as many annotators' judgments that count."
    )
    min_agreement: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Share of its votes that must agree."
    )
    min_strength: float = Field(
        0.0, ge=0, le=3, allow_inf_nan=False, description="Mean strength, 1 to 3, of those that agree."
    )

    held_out: float = Field(
        0.1, ge=0, lt=1, allow_inf_nan=False, description="Share of prompts in the test split."
    )
    salt: str = Field("tiebreak", max_length=100, description="Draws another split.")
    margin: bool = Field(
        False, description="Add a margin column, which some trainers fail on; trl and trl-implicit only."
    )

    # Which of the project's prompts are read: all of them, but for a preview.
    _runs: tuple[Run, ...] = PrivateAttr(EVERYTHING)

    @field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """A variable that was never set would ask for everything; of a form an empty field is not sent on."""
        given = one_or_more(value)
        if isinstance(given, list) and any(isinstance(one, str) and not one.strip() for one in given):
            raise ValueError(empty())
        return value

    @field_validator("part")
    @classmethod
    def _part_of(cls, part: Part, info: ValidationInfo) -> Part:
        wanted = info.data.get("format", Format.TRL)
        if part is Part.PROVENANCE and not wanted.for_training:
            raise ValueError(_("there is none: rows of this format say themselves where they come from"))
        if part is Part.DATASET_INFO and wanted is not Format.LLAMAFACTORY:
            raise ValueError(_("only LLaMA-Factory has a dataset_info.json"))
        if part is Part.DATASET_INFO and info.data.get("file", File.JSONL).is_packed:
            raise ValueError(_("LLaMA-Factory loads no packed file: take JSON Lines or Parquet for it"))
        return part

    @field_validator("file")
    @classmethod
    def _file_of(cls, file: File, info: ValidationInfo) -> File:
        wanted = info.data.get("format", Format.TRL)
        if file.is_table and wanted is not Format.JUDGMENTS:
            raise ValueError(
                _("CSV and Excel are for judgments alone: take JSON Lines or Parquet for this format")
            )
        return file

    @field_validator("criterion")
    @classmethod
    def _criterion_of(cls, criterion: str | None, info: ValidationInfo) -> str | None:
        if criterion and info.data.get("format") is Format.JUDGMENTS:
            raise ValueError(_("judgments have the verdicts on every criterion, in their column criteria"))
        return criterion

    @field_validator("aggregate")
    @classmethod
    def _aggregate_of(cls, aggregate: Aggregate | None, info: ValidationInfo) -> Aggregate | None:
        if aggregate not in (None, Aggregate.EACH) and info.data.get("format") is Format.JUDGMENTS:
            raise ValueError(_("judgments are written one by one; Arena has a row for each verdict"))
        return aggregate

    @field_validator("margin")
    @classmethod
    def _margin_of(cls, margin: bool, info: ValidationInfo) -> bool:
        if margin and info.data.get("format") not in (Format.TRL, Format.TRL_IMPLICIT):
            raise ValueError(_("only TRL and TRL implicit have a margin"))
        return margin

    @field_validator("until")
    @classmethod
    def _until_after(cls, until: datetime | date | None, info: ValidationInfo) -> datetime | date | None:
        since = info.data.get("since")
        if since and until and after(until) <= beginning(since):
            raise ValueError(_("nothing is left: only what is judged later than this counts"))
        return until

    @field_validator("min_strength")
    @classmethod
    def _min_strength_of(cls, strength: float, info: ValidationInfo) -> float:
        if strength and info.data.get("criterion"):
            raise ValueError(_("strength is told of the whole verdict, not by criterion"))
        return strength

    @property
    def runs(self) -> tuple[Run, ...]:
        """The prompts to read, in order."""
        return self._runs

    def within(self, runs: tuple[Run, ...]) -> Self:
        """The same of these prompts alone."""
        made = self.model_copy()
        made._runs = runs
        return made

    @property
    def aggregating(self) -> Aggregate:
        """How verdicts are made, the format's own way unless another was asked for."""
        return self.aggregate or (Aggregate.ADJUDICATED if self.format.for_training else Aggregate.EACH)

    @property
    def filters_judgments(self) -> bool:
        """Whether judgments that there are may not count."""
        asked = (self.kind, self.group, self.guideline, self.criterion, self.since, self.until)
        return any(asked) or self.ties is Ties.DROP

    @property
    def has_minimum(self) -> bool:
        """Whether votes must be so many, agree so much or be so strong."""
        return self.min_votes > 1 or bool(self.min_agreement or self.min_strength)

    @property
    def has_gold(self) -> bool:
        """Whether comparisons that test annotators are written."""
        return self.gold in (Gold.IN, Gold.ONLY) or (self.gold is None and self.format is Format.JUDGMENTS)

    def file_name(self, slug: str) -> str:
        """What the file is called."""
        if self.part is Part.DATASET_INFO:
            return "dataset_info.json"
        side = ".provenance" if self.part is Part.PROVENANCE else ""
        return f"{slug}-{self.format}{side}.{self.file}"
