"""Who is in a project, who is invited, and who judges in which group."""

from app import annotators, db, web
from app.accounts import invitations
from app.accounts.forms import InvitationIn, InvitationsIn
from app.api.answers import GroupedOut, InvitationOut, MemberOut
from app.api.auth import account, enter
from app.api.operations import delete, get, post, put, saved
from app.api.paging import Page
from app.api.reading import received
from app.models import Invitation, Scope
from app.projects import members
from app.projects.forms import GroupIn, KindIn, RoleIn


@get("/projects/<slug>/members", scope=Scope.MANAGE, gives=Page[MemberOut])
def project_members(slug: str) -> Page[MemberOut]:
    """The members of a project."""
    found = members.of(db.session(), enter(slug, "manage").project)
    return Page(items=[MemberOut.of(*one) for one in found])


@put("/projects/<slug>/members/<uid>", scope=Scope.MANAGE, takes=RoleIn)
def set_role(slug: str, uid: str) -> None:
    """Change a member's role, and with `kind` whether they are a judge model."""
    access, form = enter(slug, "manage"), received(RoleIn)
    members.change(db.session(), access.project, uid, form, by=account())
    db.session().commit()


@delete("/projects/<slug>/members/<uid>", scope=Scope.MANAGE)
def remove_member(slug: str, uid: str) -> None:
    """Take a member out; their judgments stay."""
    members.remove(db.session(), enter(slug, "manage").project, uid, by=account())
    db.session().commit()


@get("/projects/<slug>/invitations", scope=Scope.MANAGE, gives=Page[InvitationOut])
def project_invitations(slug: str) -> Page[InvitationOut]:
    """The invitations that can still be accepted."""
    found = invitations.pending(db.session(), enter(slug, "manage").project)
    return Page(items=[InvitationOut.model_validate(one) for one in found])


@post(
    "/projects/<slug>/invitations",
    scope=Scope.MANAGE,
    takes=InvitationIn,
    gives=InvitationOut,
    status=201,
    repeatable=True,
)
def invite(slug: str) -> InvitationOut:
    """Make a link by which somebody joins the project."""
    access, given = enter(slug, "manage"), received(InvitationIn)
    made = invitations.invite(db.session(), given, by=account(), project=access.project)
    return saved(_with_link(*made))


@post(
    "/projects/<slug>/invitations/several",
    scope=Scope.MANAGE,
    takes=InvitationsIn,
    gives=Page[InvitationOut],
    status=201,
    repeatable=True,
)
def invite_several(slug: str) -> Page[InvitationOut]:
    """Make up to 50 such links at once, told in the order asked for."""
    access, given = enter(slug, "manage"), received(InvitationsIn)
    made = invitations.invite_each(db.session(), given, by=account(), project=access.project)
    return saved(Page(items=[_with_link(*one) for one in made]))


def _with_link(made: Invitation, token: str) -> InvitationOut:
    answer = InvitationOut.model_validate(made)
    answer.link = web.public_url("accounts.invitation", token=token)
    return answer


@delete("/projects/<slug>/invitations/<uid>", scope=Scope.MANAGE)
def revoke_invitation(slug: str, uid: str) -> None:
    """Take an invitation back."""
    invitations.revoke(db.session(), uid, by=account(), project=enter(slug, "manage").project)
    db.session().commit()


@get("/projects/<slug>/groups", scope=Scope.MANAGE, gives=Page[GroupedOut])
def annotator_groups(slug: str) -> Page[GroupedOut]:
    """The annotators and their groups, most judgments first."""
    found = annotators.of(db.session(), enter(slug, "manage").project)
    return Page(items=[GroupedOut.model_validate(one) for one in found])


@put("/projects/<slug>/groups", scope=Scope.MANAGE, takes=GroupIn)
def put_in_group(slug: str) -> None:
    """Put annotators in a group, or with none in no group."""
    access, form = enter(slug, "manage"), received(GroupIn)
    annotators.put(db.session(), access.project, form.annotator, form.group, by=account())
    db.session().commit()


@put("/projects/<slug>/kinds", scope=Scope.MANAGE, takes=KindIn)
def set_kind(slug: str) -> None:
    """Say that annotators are judge models, or people, in what they have judged so far too."""
    access, form = enter(slug, "manage"), received(KindIn)
    annotators.recast(db.session(), access.project, form.annotator, form.kind, by=account())
    db.session().commit()
