"""What may be asked of a leaderboard, by address, API or command."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from flask_babel import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.errors import checked
from app.inputs import BLANK_IS_NONE, day
from app.leaderboard.ranked import Method, Parameters
from ranking.codes import Ties

SliceBy = Literal["", "category", "language", "criterion", "group", "kind"]


def _day(value: object) -> object:
    given = day(value.strip()) if isinstance(value, str) else value
    if not isinstance(given, date):
        raise ValueError(_("Give a day, as 2026-03-01."))  # noqa: TRY004 -- pydantic's vocabulary
    return given


Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(3000, 1, 1)), BeforeValidator(_day)]
MaybeDay = Annotated[Day | None, BLANK_IS_NONE]


class StandingsQuery(BaseModel):
    """Which judgments are ranked, and how; hashable, so that it can name a cached result.

    With ``by`` alone every slice is ranked beside the whole, with ``value`` that one slice only: of
    judgments, or of the verdicts on one criterion. ``since`` and ``until`` are days, UTC, both included.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    method: Method = "bt"
    ties: Ties = "half"
    by: SliceBy = ""
    value: str = Field("", max_length=200)
    since: MaybeDay = None
    until: MaybeDay = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.value and not self.by:
            raise ValueError(_("A value needs to be told of what: add by=category, by=criterion, …."))
        if self.value and self.by == "criterion" and not re.fullmatch("[a-z][a-z0-9_]*", self.value):
            raise ValueError(_("A criterion’s key has lower-case letters, digits and underscores."))
        if self.since and self.until and self.since > self.until:
            raise ValueError(_("The last day lies before the first."))
        # Raises where method and ties exclude each other.
        self.parameters()
        return self

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> Self:
        """Read an address's arguments. Raises Invalid."""
        return checked(cls, dict(arguments))

    def parameters(self) -> Parameters:
        """In the words of the ranking."""
        return Parameters(method=self.method, ties=self.ties)

    @property
    def always(self) -> bool:
        """Whether judgments of all times are meant."""
        return self.since is None and self.until is None

    def arguments(self, **changes: str) -> dict[str, str]:
        """The shortest address that asks the same, or the same with changes; an empty one takes away."""
        given = {**self.model_dump(mode="json", exclude_none=True), **changes}
        default = StandingsQuery().model_dump()
        return {name: value for name, value in given.items() if value and value != default.get(name)}
