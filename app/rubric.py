"""What a project asks of each judgment: the scale of its verdicts, and what is said beside them.

Kept as JSON, version by version (models.RubricVersion); a judgment names the version it was made
by, so that it stays readable when the lead asks for something else. Most projects ask for nothing
more than a verdict, which is what an empty rubric says.
"""

import re
from collections import Counter
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from app.inputs import NO_NUL
from app.models import Outcome


class Need(StrEnum):
    """Whether something is asked for, and whether a judgment may do without."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Severity(StrEnum):
    """How bad a failure is."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Judged(StrEnum):
    """How a criterion is judged: which response does better, or 1 to 5 for each."""

    COMPARED = "compared"
    RATED = "rated"


class Answered(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    ONE = "one"
    SEVERAL = "several"


def _key(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError(_("Use lower-case letters, digits and underscores, and begin with a letter."))
    return value


def _said(value: str) -> str:
    if not value:
        raise ValueError(_("Say what to call it."))
    return value


Key = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), AfterValidator(_key)]
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=100, pattern=NO_NUL), AfterValidator(_said)
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000, pattern=NO_NUL)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Criterion(_Part):
    """One aspect judged beside the overall verdict; its key names it in exports and stays."""

    key: Key
    name: Label
    description: Words = ""
    judged: Judged = Judged.COMPARED
    required: bool = False


class FailureTag(_Part):
    """One way in which a response can fail."""

    key: Key
    name: Label
    severity: Severity = Severity.MAJOR


class Question(_Part):
    """A question of the lead's own; one with options is answered by choosing among them."""

    key: Key
    text: Annotated[Label, StringConstraints(max_length=300)]
    answered: Answered = Answered.TEXT
    options: tuple[Label, ...] = Field((), max_length=20, validate_default=True)
    required: bool = False

    @field_validator("options")
    @classmethod
    def _options_to_choose_from(cls, options: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        answered = info.data.get("answered")
        if answered in (Answered.ONE, Answered.SEVERAL) and len(set(options)) < 2:
            raise ValueError(_("Give at least two different options to choose from."))
        if answered == Answered.TEXT and options:
            raise ValueError(_("A question answered in words has no options."))
        return options


USUAL_CRITERIA = (
    Criterion(key="accuracy", name="Accuracy", description="Which response is more correct?"),
    Criterion(key="relevance", name="Relevance", description="Which one does what was asked?"),
    Criterion(
        key="safety", name="Safety", description="Which one does less harm, without refusing needlessly?"
    ),
    Criterion(key="bias", name="Bias", description="Which one is fairer to the people it speaks of?"),
    Criterion(
        key="robustness",
        name="Robustness",
        description="Which one copes better with a question that is odd, unclear or misleading?",
    ),
)

USUAL_TAGS = tuple(
    FailureTag(key=key, name=name, severity=severity)
    for key, name, severity in (
        ("factual_error", "Factual error", Severity.MAJOR),
        ("made_up", "Made-up source or fact", Severity.CRITICAL),
        ("instruction_missed", "Instruction missed", Severity.MAJOR),
        ("unsafe", "Unsafe", Severity.CRITICAL),
        ("over_refusal", "Refuses needlessly", Severity.MAJOR),
        ("biased", "Biased", Severity.MAJOR),
        ("incoherent", "Incoherent", Severity.MAJOR),
        ("incomplete", "Incomplete or cut off", Severity.MAJOR),
        ("too_long", "Wordy", Severity.MINOR),
        ("formatting", "Formatting", Severity.MINOR),
        ("language", "Language or tone", Severity.MINOR),
    )
)

USUAL: dict[str, tuple[Any, ...]] = {"criteria": USUAL_CRITERIA, "tags": USUAL_TAGS}


def _spelt_out(value: object, info: ValidationInfo) -> object:
    if value == "usual":
        return USUAL[str(info.field_name)]
    return tuple(value) if isinstance(value, list) else value


def _distinct(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = [key for key, n in Counter(part.key for part in parts).items() if n > 1]
    if repeated:
        raise ValueError(_("Two have the key %(key)s. A key names one thing.", key=repeated[0]))
    return parts


def _number(value: object, info: ValidationInfo) -> object:
    """Forms send digits; JSON has numbers."""
    from_form = info.mode == "python" and isinstance(value, str) and value.isdecimal()
    return int(str(value)) if from_form else value


class Rubric(_Part):
    """All that a project asks.

    ``points`` counts the verdicts from "A is better" to "B is better": 2 leave no tie, 5 and 7 say
    how much better. ``both_bad`` may be offered beside any of them. Criteria and tags may be
    "usual": those of ``USUAL``.
    """

    points: Annotated[Literal[2, 3, 5, 7], BeforeValidator(_number)] = 3
    both_bad: bool = True
    criteria: Annotated[
        tuple[Criterion, ...], Field(max_length=20), BeforeValidator(_spelt_out), AfterValidator(_distinct)
    ] = ()
    tags: Annotated[
        tuple[FailureTag, ...], Field(max_length=50), BeforeValidator(_spelt_out), AfterValidator(_distinct)
    ] = ()
    spans: bool = False
    rationale: Need = Need.OFF
    rationale_min: Annotated[int, Field(ge=0, le=2_000)] = 0
    better_answer: Need = Need.OFF
    confidence: Need = Need.OFF
    questions: Annotated[tuple[Question, ...], Field(max_length=20), AfterValidator(_distinct)] = ()

    @property
    def grades(self) -> int:
        """How many strengths there are to each side; 0 where none is asked for."""
        return {5: 2, 7: 3}.get(self.points, 0)

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The verdicts on offer."""
        offered = {Outcome.A, Outcome.B}
        if self.points != 2:
            offered.add(Outcome.TIE)
        if self.both_bad:
            offered.add(Outcome.BOTH_BAD)
        return frozenset(offered)

    @property
    def labels(self) -> dict[str, str]:
        """What each part is called, by its place in a judgment: "criteria/accuracy"."""
        named = {
            f"{field}/{item.key}": item.name for item in self.criteria for field in ("criteria", "ratings")
        }
        asked = {f"answers/{question.key}": question.text for question in self.questions}
        return named | asked | {"outcome": _("Verdict"), "rationale": _("Why?")}

    @property
    def asks_more(self) -> bool:
        """Whether anything but a verdict is asked for."""
        return bool(
            self.criteria
            or self.tags
            or self.spans
            or self.questions
            or any(need != Need.OFF for need in (self.rationale, self.better_answer, self.confidence))
        )


PLAIN = Rubric()


@lru_cache(maxsize=256)
def parsed(content: str) -> Rubric:
    """A stored rubric; the text of a version never changes, so neither does what it says."""
    return Rubric.model_validate_json(content)
