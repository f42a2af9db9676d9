"""What may be asked of a leaderboard, by address, API or command."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.errors import checked
from app.leaderboard.ranked import Method, Parameters
from ranking.outcomes import Ties

SliceBy = Literal["", "category", "language", "kind"]


class StandingsQuery(BaseModel):
    """Which judgments are ranked, and how; hashable, so that it can name a cached result.

    With ``by`` alone every slice is ranked beside the whole, with ``value`` that one slice only.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    method: Method = "bt"
    ties: Ties = "half"
    by: SliceBy = ""
    value: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.value and not self.by:
            raise ValueError("A value needs to be told of what: add by=category, by=language or by=kind.")
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

    def arguments(self, **changes: str) -> dict[str, str]:
        """The shortest address that asks the same, or the same with changes."""
        given = {**self.model_dump(), **changes}
        default = StandingsQuery()
        return {name: value for name, value in given.items() if value != getattr(default, name, "")}
