"""What an annotator sends: the same model for the page and the API."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.errors import checked
from app.models import Outcome

CRITERION = "criterion:"
PublicId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
# PostgreSQL keeps no NUL character.
NO_NUL = r"^[^\x00]*$"
Tag = Annotated[str, Field(min_length=1, max_length=50, pattern=NO_NUL)]


def criteria_in(form: Mapping[str, str]) -> dict[str, str]:
    """The verdicts by criterion among a form's fields."""
    return {
        name.removeprefix(CRITERION): verdict
        for name, verdict in form.items()
        if name.startswith(CRITERION) and verdict
    }


class JudgmentIn(BaseModel):
    """A verdict on an assignment.

    ``submission_id`` is the sender's: the same one sent again is the same judgment. ``supersedes``
    is the submission_id of the sender's own earlier judgment that this one replaces.
    """

    model_config = ConfigDict(extra="forbid")

    assignment_id: PublicId
    submission_id: PublicId
    outcome: Outcome
    strength: int | None = Field(None, ge=1, le=3)
    criteria: dict[Annotated[str, Field(max_length=64)], Outcome] = Field(default_factory=dict, max_length=50)
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    rationale: str | None = Field(None, max_length=10_000, pattern=NO_NUL)
    duration_ms: int | None = Field(None, ge=0, le=2**31 - 1)
    supersedes: PublicId | None = None

    @model_validator(mode="after")
    def _strength_has_a_side(self) -> Self:
        if self.strength is not None and self.outcome not in (Outcome.A, Outcome.B):
            raise ValueError("strength says how much better one response is; leave it out without a winner")
        return self

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> Self:
        """The page's form; an empty field is one not filled in.

        Raises Invalid where it does not fit.
        """
        values: dict[str, object] = {
            name: form[name] for name in cls.model_fields if form.get(name, "").strip()
        }
        values["criteria"] = criteria_in(form)
        if values.get("outcome") not in (Outcome.A, Outcome.B):
            # Chosen before the verdict turned out to be a tie.
            values.pop("strength", None)
        return checked(cls, values)
