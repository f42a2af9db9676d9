"""Projects: what they are, their settings, guideline and criteria, and what happened in them."""

from pydantic import BaseModel, Field

from app import audit, db, permissions, web
from app.api import auth
from app.api.answers import AuditOut, GuidelineOut, ProjectOut, ProjectWhole, RubricOut
from app.api.auth import account, enter
from app.api.operations import get, patch, post, put, saved
from app.api.paging import Page, PageIn, address, position
from app.api.reading import asked, changed, received
from app.asking import guidelines, rubrics
from app.asking.forms import BaseIn, GuidelineIn
from app.errors import NotFound
from app.models import Scope
from app.permissions import Access
from app.projects import lifecycle, overview
from app.projects.forms import ChangeIn, ProjectIn, SettingsIn
from app.rubric import Rubric


class ProjectsIn(BaseModel):
    """Which projects: the open ones, or those in the archive."""

    archived: bool = False


class VersionIn(BaseModel):
    """Which version; the one in force by default."""

    version: int | None = Field(None, ge=1, le=web.LARGEST)


class RubricIn(Rubric, BaseIn):
    """A new version of the rubric."""


class AuditIn(PageIn):
    """Which changes: those whose verb begins so."""

    verb: str = ""


@get("/projects", scope=None, query=ProjectsIn, gives=Page[ProjectOut], for_one_project=True)
def projects() -> Page[ProjectOut]:
    """The projects this token may see."""
    only = auth.bearer().project
    found = permissions.visible_projects(db.session(), account(), archived=asked(ProjectsIn).archived)
    return Page(items=[ProjectOut.of(one) for one in found if only in (None, one.project.slug)])


@post("/projects", scope=Scope.MANAGE, takes=ProjectIn, gives=ProjectWhole, status=201, repeatable=True)
def add_project() -> ProjectWhole:
    """Make a project; whoever asks leads it."""
    made = lifecycle.create(db.session(), received(ProjectIn), by=account())
    db.session().flush()
    return saved(_whole(permissions.access_to(db.session(), account(), made)))


@get("/projects/<slug>", scope=None, gives=ProjectWhole)
def project(slug: str) -> ProjectWhole:
    """A project, with its settings and numbers for who manages it."""
    return _whole(enter(slug, "see the project"))


def _whole(access: Access) -> ProjectWhole:
    shown = ProjectWhole.of(access)
    if access.can("manage"):
        shown.settings = SettingsIn.model_validate(access.project)
        shown.counts = overview.counts(db.session(), access.project)
    return shown


@patch("/projects/<slug>", scope=Scope.MANAGE, takes=ChangeIn, gives=ProjectWhole)
def change_project(slug: str) -> ProjectWhole:
    """Change a project's name, description or settings; what is not sent stays."""
    access = enter(slug, "manage")
    lifecycle.change(db.session(), access.project, changed(ChangeIn, access.project), by=account())
    return saved(_whole(access))


@post("/projects/<slug>/archive", scope=Scope.MANAGE, gives=ProjectWhole)
def archive_project(slug: str) -> ProjectWhole:
    """Close a project for judging and importing."""
    access = enter(slug, "manage")
    lifecycle.archive(db.session(), access.project, by=account())
    return saved(_whole(access))


@post("/projects/<slug>/reopen", scope=Scope.MANAGE, gives=ProjectWhole)
def reopen_project(slug: str) -> ProjectWhole:
    """Take a project out of the archive."""
    access = enter(slug, "manage")
    lifecycle.reopen(db.session(), access.project, by=account())
    return saved(_whole(access))


@get("/projects/<slug>/guideline", scope=None, query=VersionIn, gives=GuidelineOut)
def guideline(slug: str) -> GuidelineOut:
    """The guideline in force, or an older version."""
    access, number = enter(slug, "read the guideline"), asked(VersionIn).version
    if number is not None:
        return GuidelineOut.model_validate(guidelines.version(db.session(), access.project, number))
    newest = guidelines.latest(db.session(), access.project)
    if newest is None:
        raise NotFound("This project has no guideline yet.")
    return GuidelineOut.model_validate(newest)


@get("/projects/<slug>/guideline/versions", scope=None, gives=Page[GuidelineOut])
def guideline_versions(slug: str) -> Page[GuidelineOut]:
    """Every version of the guideline, newest first."""
    found = guidelines.history(db.session(), enter(slug, "read the guideline").project)
    return Page(items=[GuidelineOut.model_validate(version) for version, _ in found])


@post(
    "/projects/<slug>/guideline",
    scope=Scope.MANAGE,
    takes=GuidelineIn,
    gives=GuidelineOut,
    status=201,
    repeatable=True,
)
def publish_guideline(slug: str) -> GuidelineOut:
    """Put a new version in force, written after having read version `base`."""
    access, given = enter(slug, "manage"), received(GuidelineIn)
    published = guidelines.publish(db.session(), access.project, given, by=account())
    return saved(GuidelineOut.model_validate(published))


@get("/projects/<slug>/rubric", scope=None, gives=RubricOut)
def rubric(slug: str) -> RubricOut:
    """What judgments are asked to say now."""
    return _asked_of(enter(slug, "read the guideline"))


@put("/projects/<slug>/rubric", scope=Scope.MANAGE, takes=RubricIn, gives=RubricOut)
def publish_rubric(slug: str) -> RubricOut:
    """Ask for this from now on, written after having read version `base`."""
    access, given = enter(slug, "manage"), received(RubricIn)
    wanted = Rubric(**{name: getattr(given, name) for name in Rubric.model_fields})
    rubrics.publish(db.session(), access.project, wanted, base=given.base, by=account())
    return saved(_asked_of(access))


def _asked_of(access: Access) -> RubricOut:
    version, found = rubrics.live(db.session(), access.project)
    return RubricOut(version=version or None, **dict(found))


@get("/projects/<slug>/audit", scope=Scope.MANAGE, query=AuditIn, gives=Page[AuditOut])
def project_audit(slug: str) -> Page[AuditOut]:
    """Who changed what in a project, newest first."""
    access, given = enter(slug, "manage"), asked(AuditIn)
    before = position(given.after) if given.after else None
    trail = audit.trail(db.session(), access.project, verb=given.verb, before=before, limit=given.limit)
    return Page(items=[AuditOut.of(*one) for one in trail.events], next=address(trail.older))
