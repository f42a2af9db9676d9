"""Who is in a project."""

from typing import Any

import pytest
from sqlmodel import Session, select

from app.models import AuditEvent, Membership, Role
from tests.conftest import Cast


def role_of(session: Session, cast: Cast, name: str) -> Role | None:
    session.expire_all()
    membership = session.get(Membership, (getattr(cast, name).id, cast.project.id))
    return membership.role if membership else None


def test_the_list(cast: Cast, client_of: Any) -> None:
    page = client_of(cast.lena).get("/p/birds/members").text
    for name in ("lena", "rui", "ann", "ben", "rosa", "vic"):
        assert f"{name}@example.org" in page
    assert "otto@example.org" not in page
    assert "Their judgments stay" in page, "said before somebody is removed"


def test_a_role_changes_at_once(cast: Cast, client_of: Any, session: Session) -> None:
    ann = client_of(cast.ann)
    assert ann.get("/p/birds/audit").status_code == 403
    answer = client_of(cast.lena).post(f"/p/birds/members/{cast.ann.uid}/role", data={"role": "lead"})
    assert answer.status_code == 303
    assert ann.get("/p/birds/audit").status_code == 200
    event = session.exec(select(AuditEvent)).one()
    assert event.detail == {"role": {"from": "annotator", "to": "lead"}}


def test_a_removed_member_is_an_outsider(cast: Cast, client_of: Any) -> None:
    ann = client_of(cast.ann)
    assert client_of(cast.lena).post(f"/p/birds/members/{cast.ann.uid}/remove").status_code == 303
    assert ann.get("/p/birds/").status_code == 404


@pytest.mark.parametrize("action", ["role", "remove"])
def test_the_last_lead_stays(cast: Cast, client_of: Any, session: Session, action: str) -> None:
    lena = client_of(cast.lena)
    path = f"/p/birds/members/{cast.lena.uid}/{action}"
    answer = lena.post(path, data={"role": "viewer"}, follow_redirects=True)
    assert answer.request.path == "/p/birds/members", "a page that can be loaded again"
    assert "only lead" in answer.text
    assert "rui@example.org" in answer.text, "said on the page of members"
    assert '<option value="annotator" selected>' in answer.text.split("Role of")[0], "for the next invitation"
    assert role_of(session, cast, "lena") == Role.LEAD
    lena.post(f"/p/birds/members/{cast.rui.uid}/role", data={"role": "lead"})
    assert lena.post(path, data={"role": "viewer"}).status_code == 303


def test_outsiders_and_nonsense(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    assert lena.post(f"/p/birds/members/{cast.otto.uid}/remove").status_code == 404
    assert lena.post(f"/p/birds/members/{cast.ann.uid}/role", data={"role": "king"}).status_code == 422
    assert role_of(session, cast, "ann") == Role.ANNOTATOR
