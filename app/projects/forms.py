"""What a lead sets up, for form, file and command line alike."""

import hashlib
import re
import unicodedata
from typing import Annotated, Any

from flask_babel import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from app.accounts.forms import Email, Name
from app.inputs import BLANK_IS_NONE
from app.models import AnnotatorKind, Role, Selection, Visibility
from app.rubric import PLAIN, Rubric


def slug_of(name: str) -> str:
    """The short name that a name suggests; empty where it has no Latin letters or digits."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].rstrip("-")


def _anonymous(name: str) -> str:
    """A short name where the name suggests none; the same for the same form sent twice."""
    return f"project-{hashlib.sha256(name.strip().encode(errors='replace')).hexdigest()[:8]}"


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", value):
        raise ValueError(_("Use lower-case letters, digits and single hyphens."))
    return value


def _some(chosen: list[str]) -> list[str]:
    if not chosen:
        raise ValueError(_("Choose somebody first."))
    return chosen


Slug = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), AfterValidator(_slug)]


def _unix_lines(value: str) -> str:
    """Forms send carriage returns, and what was only shown comes back as it was."""
    return value.replace("\r\n", "\n")


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=5_000), AfterValidator(_unix_lines)
]


def _one_a_line(value: object) -> object:
    """A list of names as one text, each on a line of its own; an empty one is none. Files may have a list."""
    if isinstance(value, list):
        if not all(isinstance(name, str) for name in value):
            raise ValueError(_("Give a list of names."))
        value = "\n".join(value)
    if not isinstance(value, str):
        return value
    return "\n".join(dict.fromkeys(line.strip() for line in value.splitlines() if line.strip())) or None


class SettingsIn(BaseModel):
    """A project's settings, all of them: what is not sent has its default."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    visibility: Visibility = Visibility.MEMBERS
    wanted: Annotated[int, Field(ge=1, le=100)] = 1
    selection: Selection = Selection.RANDOM
    gold_every: Annotated[int, Field(ge=0, le=1_000)] = 10
    lease_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 30)] = 24 * 60
    daily_goal: Annotated[int | None, Field(ge=1, le=10_000), BLANK_IS_NONE] = None
    reveals_models: bool = False
    training: bool = False
    test_size: Annotated[int, Field(ge=0, le=200)] = 0
    test_pass: Annotated[int, Field(ge=1, le=100)] = 80
    test_attempts: Annotated[int, Field(ge=1, le=20)] = 2
    rereads: bool = False
    explains_gold: bool = False
    warning: Annotated[Words | None, BLANK_IS_NONE] = None
    all_sensitive: bool = False
    sensitive_categories: Annotated[
        Annotated[str, StringConstraints(max_length=5_000)] | None, BeforeValidator(_one_a_line)
    ] = None
    sensitive_daily: Annotated[int | None, Field(ge=1, le=10_000), BLANK_IS_NONE] = None
    may_decline: bool = False
    break_minutes: Annotated[int | None, Field(ge=1, le=600), BLANK_IS_NONE] = None
    shows_gold: bool = False


class AboutIn(BaseModel):
    """What a project is called and what it is for."""

    model_config = ConfigDict(from_attributes=True)

    name: Name
    description: Words = ""


class ChangeIn(AboutIn, SettingsIn):
    """The settings page: everything but the slug, which is in people's links."""

    model_config = ConfigDict(extra="ignore")


class NewProjectIn(AboutIn):
    """The page where a project begins; left empty, the slug is made of the name."""

    slug: Slug

    @model_validator(mode="before")
    @classmethod
    def _named_after(cls, given: Any) -> Any:
        if isinstance(given, dict) and not str(given.get("slug") or "").strip():
            name = str(given.get("name") or "")
            return {**given, "slug": slug_of(name) or _anonymous(name)}
        return given


class RoleIn(BaseModel):
    """A member's role, and whether a person or a judge model judges as them; left out, that stays."""

    role: Role
    kind: AnnotatorKind | None = None


class MemberIn(RoleIn):
    """An account that exists, and what it is in the project."""

    email: Email


class ChosenIn(BaseModel):
    """Annotators, by their public ids."""

    annotator: Annotated[list[str], AfterValidator(_some)]


class KindIn(ChosenIn):
    """Annotators, and whether they are people or judge models."""

    kind: AnnotatorKind


class GroupIn(ChosenIn):
    """Annotators, and the group they are to be in; none where it is empty."""

    group: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None, BLANK_IS_NONE
    ] = None


class ProjectIn(BaseModel):
    """A whole project but for its people."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug
    name: Name
    description: Words = ""
    settings: SettingsIn = SettingsIn()
    rubric: Rubric = PLAIN
    guideline: Annotated[str, Field(max_length=100_000)] | None = None

    def about(self) -> dict[str, Any]:
        """The fields of the project itself."""
        return {"slug": self.slug, "name": self.name, "description": self.description} | dict(self.settings)


class ProjectFile(ProjectIn):
    """A whole project as a YAML file describes it."""

    members: list[MemberIn] = []


class PromptsIn(BaseModel):
    """Which prompts of a project."""

    prompt_id: str | None = None
    category: str | None = None
    language: str | None = None
    batch: str | None = None


class ResponsesIn(BaseModel):
    """Which responses of a project."""

    prompt_id: str | None = None
    model: str | None = None


class ComparisonsIn(BaseModel):
    """Which comparisons of a project; ``model`` stands on either side."""

    pair_id: str | None = None
    prompt_id: str | None = None
    model: str | None = None
    batch: str | None = None
    gold: bool | None = None
