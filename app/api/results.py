"""What the API answers of quality and exports."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from app.api.answers import Answer
from app.exports.exclusions import Unit
from app.exports.judged import Judged
from app.exports.preview import Preview
from app.models import AnnotatorKind
from app.quality.coefficients import Coefficient


class AgreementOut(Answer):
    """One coefficient of agreement; without a value it is undefined, and says why."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    comparisons: int
    undefined: str

    @classmethod
    def of(cls, one: Coefficient) -> Self:
        """From a computed one."""
        return cls.model_validate(one.as_dict())


class ShareOut(Answer):
    """Some out of many, with its 95 % interval."""

    some: int
    many: int
    value: float
    lower: float
    upper: float


class AnnotatorOut(Answer):
    """One annotator's numbers; null where there is nothing to tell it from."""

    name: str = Field(description="The pseudonym that exports carry, unless one manages the project.")
    kind: AnnotatorKind
    simulated: bool
    judgments: int
    median_seconds: float | None
    gold: ShareOut | None
    agreement: ShareOut | None
    left: ShareOut | None
    reliability: tuple[float, float, float] | None = Field(description="With its bounds.")


class ReweightedOut(Answer):
    """A model's rating and rank, plain and weighted by the annotators' reliability."""

    model: str
    rating: float
    weighted: float
    rank: int
    weighted_rank: int


class QualityOut(Answer):
    """How well a project is judged."""

    comparisons: int
    verdicts: int
    agreement: list[AgreementOut]
    by: str
    slices: dict[str, list[AgreementOut]]
    annotators: list[AnnotatorOut]
    reweighted: list[ReweightedOut]


class ModelCountOut(Answer):
    """How often a model's response was chosen and rejected."""

    chosen: int
    rejected: int


LEFT_OUT: Any = Field(description="What was left out, by reason, in the units of `excluded_units`.")
UNITS: Any = Field(
    default_factory=dict, description="What is counted of each reason; not known of older exports."
)


class PositionOut(Answer):
    """How often the left of two equal responses is preferred, with its 95 % interval; null where unknown."""

    share: float | None
    lower: float | None
    upper: float | None
    judgments: int = Field(description="Those whose order on the screen is known.")


class JudgedOut(Answer):
    """Judgments in force that the filters let through, before verdicts are made of them.

    Those on gold comparisons are among them only where these are written.
    """

    comparisons: int
    several: int = Field(description="Comparisons that two people or more judged: what agreement rests on.")
    agreement: list[AgreementOut] = Field(description="Between people, simulated ones too.")
    judgments: int
    by: dict[str, int] = Field(description="people, models, simulated.")
    simulated_models: int = Field(
        description="Of the simulated those as judge models, whom agreement leaves out as it does real ones."
    )
    annotators: int
    largest: int = Field(description="Judgments of the annotator with most.")
    gold: ShareOut | None = Field(description="How often these annotators are right on gold comparisons.")
    position: PositionOut

    @classmethod
    def told(cls, found: Judged) -> Self:
        """From what was read."""
        return cls.model_validate(found.as_dict())


class PreviewOut(Answer):
    """What an export would hold now; `read` of its `comparisons` were looked at, and counts are of those."""

    comparisons: int
    read: int
    rows: int = Field(description="Those that the comparisons read come to.")
    rows_estimated: int = Field(
        description="Of the whole file, as the page tells it: to two figures where not all comparisons were "
        "read, else the same as rows."
    )
    excluded: dict[str, int] = LEFT_OUT
    excluded_units: dict[str, Unit] = UNITS
    preferences: int = Field(
        description="Those written; of kto those its responses are from, of arena the battles with a winner, "
        "of judgments none. What follows is of them."
    )
    decided_by_reliability: int = Field(
        description="Those whose votes are evenly divided, which only aggregate=weighted decides."
    )
    longer_chosen: ShareOut | None
    agreement: float | None = Field(
        description="Mean share of votes for the chosen, of pairs with two or more."
    )
    splits: dict[str, int]
    categories: dict[str, int] = Field(description="The most frequent.")
    models: dict[str, ModelCountOut] = Field(description="The most frequent.")
    judged: JudgedOut
    sample_rows: list[str] = Field(description="A few from all over, as they will be written, long ones cut.")

    @classmethod
    def of(cls, found: Preview) -> Self:
        """From what was read."""
        return cls(
            comparisons=found.sample.comparisons,
            read=found.sample.read,
            rows=found.rows,
            rows_estimated=found.sample.scaled(found.rows),
            excluded=dict(found.excluded),
            excluded_units=found.units,
            preferences=found.preferences,
            decided_by_reliability=found.weighed,
            longer_chosen=ShareOut.model_validate(found.longer) if found.longer else None,
            agreement=found.agreement,
            splits=dict(found.splits),
            categories=dict(found.categories),
            models={name: ModelCountOut(chosen=n, rejected=m) for name, n, m in found.models},
            judged=JudgedOut.told(found.judged),
            sample_rows=[row.text for row in found.shown],
        )


class ReceiptOut(Answer):
    """What the server wrote of a finished export."""

    export: str
    at: datetime
    complete: bool = Field(
        description="The server wrote it to its end. A download is whole when its length and its SHA-256 are "
        "these: one that broke off near its end may have a receipt, and one without is surely not whole."
    )
    rows: int = Field(description="0 of a dataset_info.json, which has none.")
    bytes: int
    sha256: str
    excluded: dict[str, int] = LEFT_OUT
    excluded_units: dict[str, Unit] = UNITS
    spec: dict[str, Any]


class FileOut(Answer):
    """One file of a snapshot; rows, format, part and split where it has rows."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None
    format: str | None = None
    part: str | None = None
    split: str | None = None


class SnapshotOut(Answer):
    """A snapshot, whose files never change; `digest` is that of its SHA256SUMS."""

    label: str
    name: str
    version: int
    digest: str | None
    rows: int
    size: int
    files: list[FileOut]
    ready_at: datetime | None
    withdrawn_at: datetime | None = Field(description="When it was marked as wrong, not to be used.")
    withdrawn_reason: str | None
    note: str = Field(description="What people wrote beside it.")
    url: str
    page: str


class RuleOut(Answer):
    """A filter, policy or version that is not the same."""

    name: str
    before: Any
    after: Any


class WithdrawnOut(Answer):
    """A snapshot that was marked as wrong, when and why."""

    label: str
    withdrawn_at: datetime
    withdrawn_reason: str


class ChangesOut(Answer):
    """Pairs by id: new, gone, with the other side chosen, or with other texts; and how many are the same."""

    added: list[str]
    removed: list[str]
    turned: list[str]
    rewritten: list[str]
    same: int
    rules: list[RuleOut]
    withdrawn: list[WithdrawnOut] = Field(description="Those of the two that are not to be used.")
