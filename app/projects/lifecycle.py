"""A project's beginning, its settings, and its end."""

import textwrap
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, tallies
from app.accounts import invitations
from app.annotators import first_stage
from app.asking import guidelines, rubrics
from app.asking.forms import GuidelineIn
from app.errors import Conflict, FieldError, Invalid
from app.models import Account, Annotator, Membership, Project, Role, Stage, now, row_id
from app.projects import members
from app.projects.forms import ChangeIn, NewProjectIn, ProjectFile, ProjectIn


def create(session: Session, form: ProjectIn | NewProjectIn, *, by: Account | None) -> Project:
    """Make a project with all that its file says; whoever makes it on a page is its lead.

    The same sent twice, as by a double click, is the same project. Raises Invalid where the slug
    is taken, or a member cannot be what the file says; NotFound where one has no account.
    """
    form = ProjectFile.model_validate(form.model_dump())
    project = Project(**form.about())
    try:
        with session.begin_nested():
            session.add(project)
    except sa.exc.IntegrityError as error:
        if there := _sent_again(session, form, by):
            return there
        raise Invalid.at("slug", _("Another project has this short name. Choose another.")) from error
    audit.record(session, "project.add", _subject(project), by=by, project=project)
    rubrics.publish(session, project, form.rubric, by=by)
    if form.guideline:
        guidelines.publish(session, project, GuidelineIn(text=form.guideline), by=by)
    if by is not None:
        invitations.join(session, project, by, Role.LEAD, by=by)
    for number, member in enumerate(form.members):
        try:
            members.put(session, project, member, by=by)
        except Invalid as problem:
            raise problem.within("members", number) from problem
    return project


def _sent_again(session: Session, form: ProjectFile, by: Account | None) -> Project | None:
    """The project of this slug where its lead asks for what it is."""
    query = select(Project).join(Membership).where(Project.slug == form.slug, Membership.role == Role.LEAD)
    mine = query.where(Membership.account_id == (by.id if by else None))
    same = mine.where(Project.name == form.name, Project.description == form.description)
    return session.exec(same).one_or_none()


def _subject(project: Project) -> str:
    return f"project:{project.slug}"


class OvertakenError(Conflict):
    """Somebody else changed the same settings; ``form`` has theirs wherever they do not clash with it."""

    def __init__(self, form: ChangeIn, errors: list[FieldError]) -> None:
        super().__init__(_("Somebody changed the same settings meanwhile."), errors)
        self.form = form


def change(
    session: Session, project: Project, form: ChangeIn, *, by: Account | None, shown: ChangeIn | None = None
) -> None:
    """Change settings, noting each from → to.

    Where it is known what its writer was ``shown``, what they left as it was stays as it is now. Raises
    OvertakenError where somebody has changed the same setting to something else since.
    """
    there = ChangeIn.model_validate(project)
    if shown is not None:
        form = _only_changed(there, form, shown)
    detail = audit.changed(there.model_dump(mode="json"), form.model_dump(mode="json"))
    if not detail:
        return
    began = first_stage(project)
    if "warning" in detail:
        # Another warning is read again.
        unread = sa.update(Annotator).where(col(Annotator.project_id) == project.id)
        session.execute(unread.values(warned=False))
    for field, value in form:
        setattr(project, field, value)
    if first_stage(project) not in (began, Stage.LIVE):
        _send_to_school(session, project)
    tallies.outdate(session, row_id(project))
    audit.record(session, "project.settings", _subject(project), by=by, project=project, detail=detail)


def _only_changed(there: ChangeIn, form: ChangeIn, shown: ChangeIn) -> ChangeIn:
    now_there = dict(there)
    mine = audit.changed(dict(shown), dict(form))
    form = there.model_copy(update={field: moved["to"] for field, moved in mine.items()})
    clashes = [
        FieldError(f"/{field}", _overtaken(now_there[field]))
        for field, moved in mine.items()
        if now_there[field] not in (moved["from"], moved["to"])
    ]
    if clashes:
        raise OvertakenError(form, clashes)
    return form


def _overtaken(value: object) -> str:
    if value in (None, ""):
        return _("Somebody emptied this meanwhile. Yours is kept: save again to replace theirs.")
    return _(
        "Somebody changed this to “%(value)s” meanwhile. Yours is kept: save again to replace theirs.",
        value=textwrap.shorten(str(value), 200, placeholder=" …"),
    )


def _send_to_school(session: Session, project: Project) -> None:
    """Whoever has not judged yet begins where a newcomer does; the others go on."""
    new = (
        col(Annotator.project_id) == project.id,
        col(Annotator.account_id).is_not(None),
        col(Annotator.changes) == 0,
    )
    session.execute(sa.update(Annotator).where(*new).values(stage=first_stage(project)))


def archive(session: Session, project: Project, *, by: Account | None) -> None:
    """Stop judging and importing; what is there stays readable."""
    _set_archived(session, project, now(), "project.archive", by=by)


def reopen(session: Session, project: Project, *, by: Account | None) -> None:
    """Take a project out of the archive."""
    _set_archived(session, project, None, "project.reopen", by=by)


def _set_archived(
    session: Session, project: Project, moment: datetime | None, verb: str, *, by: Account | None
) -> None:
    if (project.archived_at is None) == (moment is None):
        return
    project.archived_at = moment
    audit.record(session, verb, _subject(project), by=by, project=project)
