"""The record of changes: each leaves one event, and what changes nothing leaves none."""

from typing import Any

import pytest
from sqlmodel import Session, select

from app.accounts import invitations, tokens
from app.accounts.forms import InvitationIn
from app.models import AuditEvent, Role
from tests.conftest import Cast


@pytest.fixture
def uids(session: Session, cast: Cast) -> dict[str, str]:
    """What the requests below are about, by name."""
    site, _ = invitations.invite(session, InvitationIn(), by=cast.ada)
    project, _ = invitations.invite(
        session, InvitationIn(role=Role.VIEWER), by=cast.lena, project=cast.project
    )
    token, _ = tokens.create(session, cast.lena, "tests", by=cast.lena)
    session.commit()
    return {"ann": cast.ann.uid, "site": site.uid, "project": project.uid, "token": token.uid}


# Who does it, where, with which form, and the event of the first time.
CHANGES = [
    ("lena", "/account/name", {"name": "Helena"}, "account.rename"),
    ("lena", "/account/tokens/{token}/revoke", {}, "token.revoke"),
    ("ada", "/people/{ann}/role", {"role": "admin"}, "account.role"),
    ("ada", "/people/{ann}/disable", {}, "account.disable"),
    ("ada", "/people/invitations/{site}/revoke", {}, "invitation.revoke"),
    ("lena", "/p/birds/invitations/{project}/revoke", {}, "invitation.revoke"),
    ("lena", "/p/birds/members/{ann}/role", {"role": "reviewer"}, "member.role"),
    ("lena", "/p/birds/archive", {}, "project.archive"),
    ("lena", "/p/birds/rubric", {"points": "7"}, "rubric.publish"),
]


@pytest.mark.parametrize(("name", "path", "form", "verb"), CHANGES)
def test_a_second_time_changes_nothing(
    cast: Cast,
    client_of: Any,
    session: Session,
    uids: dict[str, str],
    name: str,
    path: str,
    form: dict[str, str],
    verb: str,
) -> None:
    client = client_of(getattr(cast, name))
    for _ in range(2):
        assert client.post(path.format(**uids), data=form).status_code == 303
        session.rollback()
        events = session.exec(select(AuditEvent.verb).order_by(AuditEvent.id)).all()  # type: ignore[arg-type]
        assert events == ["invitation.add", "invitation.add", "token.add", verb]
