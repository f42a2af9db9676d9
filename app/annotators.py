"""Whoever judges in a project: from when on, in which group, and which of them are judge models."""

import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, tallies
from app.errors import Conflict, Invalid, NotFound
from app.models import (
    ANNOTATOR_GROUPS,
    Account,
    Annotator,
    AnnotatorKind,
    Guideline,
    Project,
    Role,
    Stage,
    row_id,
)
from app.permissions import MAY

# More are a list that nobody reads.
MOST_LISTED = 500


def add(session: Session, project: Project, account: Account, *, by: Account | None) -> Annotator:
    """An account's row among the project's annotators, made unless it was since it was looked for."""
    made = Annotator(
        project_id=row_id(project),
        account_id=account.id,
        cluster=secrets.randbelow(ANNOTATOR_GROUPS),
        stage=first_stage(project),
        guideline_news=_has_guideline(session, project),
    )
    try:
        with session.begin_nested():
            session.add(made)
    except sa.exc.IntegrityError:
        # In another tab, or by their lead, at the same moment.
        mine = select(Annotator).where(Annotator.project_id == made.project_id)
        return session.exec(mine.where(Annotator.account_id == account.id)).one()
    audit.record(session, "annotator.add", f"annotator:{made.uid}", by=by, project=project)
    return made


def _has_guideline(session: Session, project: Project) -> bool:
    there = select(Guideline.id).where(Guideline.project_id == project.id)
    return session.exec(there.limit(1)).first() is not None


def first_stage(project: Project) -> Stage:
    """Where somebody new begins."""
    if project.training:
        return Stage.TRAINING
    return Stage.TEST if project.test_size else Stage.LIVE


def of(session: Session, project: Project) -> Sequence[Any]:
    """The annotators, most judgments first: (uid, name, kind, simulated, judged, group_name)."""
    name = sa.func.coalesce(col(Account.name), col(Annotator.name)).label("name")
    shown: tuple[Any, ...] = (
        Annotator.uid,
        name,
        Annotator.kind,
        Annotator.simulated,
        Annotator.judged,
        Annotator.group_name,
    )
    found = (
        sa.select(*shown)
        .outerjoin(Account, col(Annotator.account_id) == col(Account.id))
        .where(col(Annotator.project_id) == project.id)
        .order_by(col(Annotator.judged).desc(), col(Annotator.id))
    )
    return session.execute(found.limit(MOST_LISTED)).all()


def is_model(session: Session, project: Project, account: Account) -> bool:
    """Whether an account is a judge model here."""
    mine = select(Annotator.kind).where(
        Annotator.project_id == project.id, Annotator.account_id == account.id
    )
    return session.exec(mine).one_or_none() == AnnotatorKind.MODEL


def put(
    session: Session, project: Project, uids: Sequence[str], group: str | None, *, by: Account | None
) -> int:
    """Put annotators in a group, or in none; returns how many were elsewhere before.

    Raises NotFound where one of them is not the project's.
    """
    moved = [one for one in _locked(session, project, uids) if one.group_name != group]
    moves = [(row_id(one), one.group_name, group) for one in moved]
    tallies.refile(session, row_id(project), "group", moves)
    for one in moved:
        _note(session, project, one, "group", one.group_name, group, by=by)
        one.group_name = group
    if moved:
        tallies.outdate(session, row_id(project))
    return len(moved)


def recast(
    session: Session, project: Project, uids: Sequence[str], kind: AnnotatorKind, *, by: Account | None
) -> int:
    """Say that annotators are judge models, or people; returns of how many the other was said before.

    Raises NotFound where one of them is not the project's, and Conflict where imported votes came under
    the same name from one of the other kind: a file's next votes must find one annotator.
    """
    changed = [one for one in _locked(session, project, uids) if one.kind != kind]
    moves = [(row_id(one), one.kind.value, kind.value) for one in changed]
    tallies.refile(session, row_id(project), "kind", moves)
    for one in changed:
        _note(session, project, one, "kind", one.kind.value, kind.value, by=by)
        _set_kind(session, one, kind)
    if changed:
        tallies.outdate(session, row_id(project))
    return len(changed)


def recast_account(
    session: Session,
    project: Project,
    account: Account,
    role: Role,
    kind: AnnotatorKind,
    *,
    by: Account | None,
) -> None:
    """The same of an account in this role, before it has judged or later.

    Raises Invalid where it would become a judge model in a role that may not judge.
    """
    mine = select(Annotator).where(Annotator.project_id == project.id, Annotator.account_id == account.id)
    there = session.exec(mine).one_or_none()
    if kind == (there.kind if there else AnnotatorKind.HUMAN):
        # Also whoever was a judge model before their role changed: what is read can be sent back.
        return
    refuse_without_judging(role, kind)
    recast(session, project, [(there or add(session, project, account, by=by)).uid], kind, by=by)


def refuse_without_judging(role: Role, kind: AnnotatorKind) -> None:
    """Raise Invalid for a judge model whose role may not judge."""
    if kind == AnnotatorKind.MODEL and role not in MAY["judge"]:
        raise Invalid.at(
            "kind", _("Only members who may judge can be judge models: leads, reviewers and annotators.")
        )


def _set_kind(session: Session, one: Annotator, kind: AnnotatorKind) -> None:
    name = one.name
    try:
        with session.begin_nested():
            one.kind = kind
    except sa.exc.IntegrityError as error:
        raise Conflict(
            _(
                "“%(name)s” stays: votes of a person and of a judge model so called were imported.",
                name=name,
            )
        ) from error


def _locked(session: Session, project: Project, uids: Sequence[str]) -> Sequence[Annotator]:
    """The annotators, so that each judgment is counted either before a change or after it."""
    wanted = select(Annotator).where(Annotator.project_id == project.id, col(Annotator.uid).in_(uids))
    # Whoever held the lock before may have changed one that the session has read already.
    locked = wanted.order_by(col(Annotator.id)).with_for_update().execution_options(populate_existing=True)
    found = session.exec(locked).all()
    if len(found) < len(set(uids)):
        raise NotFound(_("This project has no such annotator."))
    return found


def _note(
    session: Session,
    project: Project,
    one: Annotator,
    what: str,
    before: str | None,
    after: str | None,
    *,
    by: Account | None,
) -> None:
    detail = audit.changed({what: before}, {what: after})
    audit.record(session, f"annotator.{what}", f"annotator:{one.uid}", by=by, project=project, detail=detail)
