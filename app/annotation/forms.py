"""What an annotator sends: the same model for the page and the API."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import orjson
from flask_babel import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from werkzeug.datastructures import MultiDict

from app.errors import Invalid, checked
from app.inputs import NO_NUL
from app.models import Outcome, SkipReason

PublicId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Key = Annotated[str, Field(max_length=64)]
Side = Literal["a", "b"]
Rating = Annotated[int, Field(ge=1, le=5)]
Prose = Annotated[str, StringConstraints(max_length=10_000, pattern=NO_NUL)]
Answer = Prose | list[Annotated[str, StringConstraints(max_length=100, pattern=NO_NUL)]]


def _preference(outcome: Outcome) -> Outcome:
    if outcome == Outcome.BOTH_BAD:
        raise ValueError(_("A criterion is judged a, b or tie."))
    return outcome


Preference = Annotated[Outcome, AfterValidator(_preference)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ratings(_Part):
    """How well each response does by one criterion."""

    a: Rating
    b: Rating

    @property
    def verdict(self) -> Outcome:
        """Which response that makes the better one."""
        return Outcome.TIE if self.a == self.b else Outcome.A if self.a > self.b else Outcome.B


class Span(_Part):
    """A faulty place: offsets in the response's source text, in characters, the end excluded.

    ``quote`` is that text. It may be left out; given, it must be what stands there.
    """

    response: Side
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    quote: str | None = Field(None, max_length=100_000)
    tag: Key | None = None
    note: Annotated[str, StringConstraints(max_length=1_000, pattern=NO_NUL)] | None = None


class SkipIn(BaseModel):
    """Why an assignment is passed on, if they say so."""

    reason: SkipReason | None = None


class HistoryQuery(BaseModel):
    """Which of one's own to show: by verdict as it was on the screen, or what was skipped."""

    show: Literal["", "a", "b", "tie", "both_bad", "changed", "skipped"] = ""
    category: str = Field("", max_length=100)


class JudgmentIn(BaseModel):
    """A verdict on an assignment.

    ``submission_id`` is the sender's: the same one sent again is the same judgment. ``supersedes``
    is the submission_id of the sender's own earlier judgment that this one replaces. Exports and
    webhooks show the beginning of its SHA-256 instead: draw it by lot, so that nobody can guess it.
    ``rubric_version`` is the version the sender was asked by; without one it is the live one. 0 is what was
    asked before there was any, of a judgment that is changed.
    """

    model_config = ConfigDict(extra="forbid")

    assignment_id: PublicId
    submission_id: PublicId
    outcome: Outcome
    strength: int | None = Field(None, ge=1, le=3)
    criteria: dict[Key, Preference] = Field(default_factory=dict, max_length=50)
    ratings: dict[Key, Ratings] = Field(default_factory=dict, max_length=50)
    tags: dict[Side, Annotated[list[Key], Field(max_length=50)]] = Field(default_factory=dict)
    spans: list[Span] = Field(default_factory=list, max_length=100)
    rationale: Prose | None = None
    better_answer: (
        Annotated[str, StringConstraints(min_length=1, max_length=100_000, pattern=NO_NUL)] | None
    ) = None
    confidence: int | None = Field(None, ge=1, le=3)
    answers: dict[Key, Answer] = Field(default_factory=dict, max_length=50)
    duration_ms: int | None = Field(None, ge=0, le=2**31 - 1)
    supersedes: PublicId | None = None
    rubric_version: int | None = Field(None, ge=0, le=2**31 - 1)

    @field_validator("rubric_version")
    @classmethod
    def _zero_is_the_past(cls, version: int | None, info: ValidationInfo) -> int | None:
        if version == 0 and not info.data.get("supersedes"):
            raise ValueError(
                _("Version 0 stands for judgments from before there was any: change one to use it.")
            )
        return version

    @model_validator(mode="after")
    def _strength_has_a_side(self) -> Self:
        if self.strength is not None and self.outcome not in (Outcome.A, Outcome.B):
            raise ValueError(
                _("Strength says how much better one response is; leave it out without a winner.")
            )
        return self

    @classmethod
    def from_form(cls, form: "MultiDict[str, str]", **more: str) -> Self:
        """The page's form; an empty field is one not filled in.

        Raises Invalid where it does not fit.
        """
        return checked(cls, _named(form) | _said(form) | more)


# Fields of the form whose names end in a key, or in a key and a response: "rating:accuracy:a".
CRITERION, RATING, TAGS, ANSWER = "criterion:", "rating:", "tags:", "answer:"


def _named(form: "MultiDict[str, str]") -> dict[str, Any]:
    fields = JudgmentIn.model_fields
    values: dict[str, Any] = {name: value for name, value in form.items() if name in fields and value.strip()}
    # One button says both: "a:3" is a, by far.
    outcome, _colon, strength = values.get("outcome", "").partition(":")
    return values | ({"outcome": outcome, "strength": strength} if strength else {})


def _said(form: "MultiDict[str, str]") -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, values in form.lists():
        kind, colon, key = name.partition(":")
        filled = [value for value in values if value.strip()]
        if colon and filled:
            _sort_in(said, kind + colon, key, filled)
    if form.get("spans"):
        said["spans"] = _spans(form["spans"])
    return said


def _sort_in(said: dict[str, Any], kind: str, key: str, values: list[str]) -> None:
    if kind == CRITERION:
        said.setdefault("criteria", {})[key] = values[0]
    elif kind == RATING:
        key, _colon, side = key.rpartition(":")
        said.setdefault("ratings", {}).setdefault(key, {})[side] = values[0]
    elif kind == TAGS:
        said.setdefault("tags", {})[key] = values
    elif kind == ANSWER:
        # Boxes carry a key of their own, so that one ticked box is a list all the same.
        key, several, _rest = key.partition(":several")
        said.setdefault("answers", {})[key] = values if several else values[0]


def _spans(sent: str) -> Any:
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError as error:
        raise Invalid.at("spans", _("The marked places could not be read. Mark them again.")) from error


def as_form(judgment: Mapping[str, Any]) -> "MultiDict[str, str]":
    """What was said, in the fields that would say it again; in the order of the screen already."""
    form: MultiDict[str, str] = MultiDict()
    strength = judgment.get("strength")
    form["outcome"] = f"{judgment['outcome']}:{strength}" if strength else str(judgment["outcome"])
    ratings = judgment.get("ratings") or {}
    for key, verdict in (judgment.get("criteria") or {}).items():
        if key not in ratings:
            form[CRITERION + key] = verdict
    for key, each in ratings.items():
        for side, rating in each.items():
            form[f"{RATING}{key}:{side}"] = str(rating)
    for side, keys in (judgment.get("tags") or {}).items():
        form.setlist(TAGS + side, keys)
    for key, answer in (judgment.get("answers") or {}).items():
        several = isinstance(answer, list)
        form.setlist(f"{ANSWER}{key}:several" if several else ANSWER + key, answer if several else [answer])
    for name in ("rationale", "better_answer", "confidence"):
        if judgment.get(name):
            form[name] = str(judgment[name])
    if judgment.get("spans"):
        form["spans"] = orjson.dumps(judgment["spans"]).decode()
    return form
