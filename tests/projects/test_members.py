"""Who is in a project."""

import re
from typing import Any

import pytest
from sqlmodel import Session, select

from app.models import Annotator, AuditEvent, Membership, Role
from tests.annotation.arrange import queue
from tests.conftest import Cast


def role_of(session: Session, cast: Cast, name: str) -> Role | None:
    session.expire_all()
    membership = session.get(Membership, (getattr(cast, name).id, cast.project.id))
    return membership.role if membership else None


def test_the_list(cast: Cast, client_of: Any) -> None:
    page = client_of(cast.lena).get("/p/birds/members").text
    assert "each of its judgments takes the place of a person" in page
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


def test_a_judge_model_is_one_before_it_has_judged(cast: Cast, client_of: Any, session: Session) -> None:
    lena, role = client_of(cast.lena), f"/p/birds/members/{cast.ann.uid}/role"

    def said() -> list[tuple[str, int]]:
        session.rollback()
        rows = session.exec(select(Annotator).where(Annotator.account_id == cast.ann.id))
        return [(row.kind.value, row.judged) for row in rows]

    lena.post(role, data={"role": "annotator", "kind": "human"})
    assert said() == [], "nobody has judged yet, so there is nothing to say"
    told = lena.post(role, data={"role": "annotator", "kind": "model"}, follow_redirects=True).text
    assert "Ann is now annotator, and a judge model." in told
    assert told.count('<option value="model" selected>') == 1
    for _ in range(2):
        lena.post(role, data={"role": "reviewer"})
        assert said() == [("model", 0)], "what is not sent stays"
    queue(session, cast.project)
    assert client_of(cast.ann).get("/p/birds/judge").status_code == 200
    assert said() == [("model", 0)], "no second one"
    verbs = session.exec(
        select(AuditEvent.verb, AuditEvent.account_id).where(AuditEvent.verb != "assignment.open")
    )
    mine = [verb for verb, account_id in verbs if account_id == cast.lena.id]
    assert mine == ["annotator.add", "annotator.kind", "member.role"]


def test_a_page_read_earlier_takes_no_judge_model_back(cast: Cast, client_of: Any, session: Session) -> None:
    lena, role = client_of(cast.lena), f"/p/birds/members/{cast.ann.uid}/role"

    def as_shown() -> dict[str, str]:
        """What Ann's row sends if nobody touches it."""
        [row] = re.findall(rf"<form[^>]*{role}.*?</form>", lena.get("/p/birds/members").text, re.DOTALL)
        sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', row))
        for name, options in re.findall(r'<select[^>]* name="(\w+)"(.*?)</select>', row, re.DOTALL):
            sent[name] = re.findall(r'value="(\w+)" selected', options + 'value="human" selected')[0]
        return sent

    def kind() -> str:
        session.rollback()
        return session.exec(select(Annotator.kind).where(Annotator.account_id == cast.ann.id)).one().value

    early = as_shown()
    assert lena.post(role, data=early | {"kind": "model"}).status_code == 303
    for sent in ({"role": "reviewer"}, {"role": "viewer"}, {"role": "annotator"}):
        assert lena.post(role, data=early | sent).status_code == 303
        assert kind() == "model", "the other lead's word"
    assert lena.post(role, data=as_shown() | {"kind": "human"}).status_code == 303
    assert kind() == "human", "said on a page that showed the other"


def test_who_may_not_judge_is_no_judge_model(cast: Cast, client_of: Any, session: Session) -> None:
    role = f"/p/birds/members/{cast.vic.uid}/role"
    refused = client_of(cast.lena).post(role, data={"role": "viewer", "kind": "model"})
    assert (refused.status_code, "Only members who may judge" in refused.text) == (422, True)
    assert session.exec(select(Annotator)).all() == []


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
