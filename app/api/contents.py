"""What a project compares: models, prompts, responses, comparisons."""

from app import db
from app.api.answers import ComparisonOut, ModelOut, PromptOut, ResponseOut
from app.api.auth import enter
from app.api.operations import get
from app.api.paging import Page, PageIn, page
from app.api.reading import asked
from app.models import Comparison, Model, Prompt, Response, Scope
from app.projects import contents
from app.projects.forms import ComparisonsIn, PromptsIn, ResponsesIn

READ = "read the responses"


class PromptsPageIn(PromptsIn, PageIn):
    """Which prompts."""


class ResponsesPageIn(ResponsesIn, PageIn):
    """Which responses."""


class ComparisonsPageIn(ComparisonsIn, PageIn):
    """Which comparisons."""


@get("/projects/<slug>/models", scope=Scope.READ, query=PageIn, gives=Page[ModelOut])
def models(slug: str) -> Page[ModelOut]:
    """The models of a project."""
    found = contents.models(enter(slug, "read the leaderboard").project)
    return page(db.session(), found, asked(PageIn), ModelOut.model_validate, by=Model.id)


@get("/projects/<slug>/prompts", scope=Scope.READ, query=PromptsPageIn, gives=Page[PromptOut])
def prompts(slug: str) -> Page[PromptOut]:
    """The prompts of a project."""
    access, given = enter(slug, READ), asked(PromptsPageIn)
    found = contents.prompts(access.project, given)
    return page(db.session(), found, given, PromptOut.model_validate, by=Prompt.id)


@get("/projects/<slug>/responses", scope=Scope.READ, query=ResponsesPageIn, gives=Page[ResponseOut])
def responses(slug: str) -> Page[ResponseOut]:
    """The responses of a project's models."""
    access, given = enter(slug, READ), asked(ResponsesPageIn)
    found = contents.responses(access.project, given)
    return page(db.session(), found, given, ResponseOut.model_validate, by=Response.id)


@get("/projects/<slug>/comparisons", scope=Scope.READ, query=ComparisonsPageIn, gives=Page[ComparisonOut])
def comparisons(slug: str) -> Page[ComparisonOut]:
    """The comparisons of a project; `gold=true` for those whose verdict is known."""
    access, given = enter(slug, READ), asked(ComparisonsPageIn)
    found = contents.comparisons(access.project, given)
    return page(db.session(), found, given, ComparisonOut.model_validate, by=Comparison.id)
