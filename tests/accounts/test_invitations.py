"""The life of an invitation."""

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Annotator, AuditEvent, Invitation, Membership, Role, now
from tests.conftest import Cast, plain

PASSWORD = "correct horse battery"
NEWCOMER = {"email": "Nina@example.org", "name": "Nina", "password": PASSWORD}


@pytest.fixture
def link(cast: Cast, client_of: Any) -> str:
    """A link to "birds" for any annotator."""
    return invite(client_of(cast.lena), role="annotator")


def invite(client: FlaskClient, where: str = "/p/birds/invitations", **form: str) -> str:
    answer = client.post(where, data=form)
    assert answer.status_code == 303, answer.text
    page = client.get(answer.location).text
    found = re.search(r"http://localhost(/invitations/[\w-]+)", page)
    assert found, page
    assert found[1] not in client.get(answer.location).text, "the link is shown once"
    return found[1]


def test_a_newcomer_joins(app: Flask, cast: Cast, link: str, session: Session) -> None:
    client = app.test_client()
    page = client.get(link).text
    assert "Join Birds" in page
    assert "as annotator" in page

    answer = client.post(link, data=NEWCOMER)
    assert (answer.status_code, answer.location) == (303, "/p/birds/")
    assert client.get("/account").status_code == 200, "they are signed in"
    nina = session.exec(select(Account).where(Account.email == "nina@example.org")).one()
    membership = session.get(Membership, (nina.id, cast.project.id))
    assert membership is not None
    assert membership.role == Role.ANNOTATOR
    verbs = session.exec(select(AuditEvent.verb).order_by(AuditEvent.id)).all()
    assert verbs == ["invitation.add", "account.add", "member.add", "invitation.accept"]


def test_somebody_with_an_account_joins(cast: Cast, client_of: Any, link: str, session: Session) -> None:
    otto = client_of(cast.otto)
    assert otto.get("/p/birds/").status_code == 404
    assert "Join as Otto" in otto.get(link).text
    assert otto.post(link).status_code == 303
    assert otto.get("/p/birds/").status_code == 200


def test_who_accepts_is_a_judge_model(
    app: Flask, cast: Cast, client_of: Any, bearer: Any, session: Session
) -> None:
    lena, program = client_of(cast.lena), bearer(cast.lena)
    link = invite(lena, role="annotator", kind="model", people="nina@example.org")
    assert "judge model</span>" in lena.get("/p/birds/members").text.split("<caption>Open invitations")[1]
    there = app.test_client().get("/api/v1/projects/birds/invitations", headers=program).json
    assert [(one["role"], one["kind"]) for one in there["items"]] == [("annotator", "model")]
    assert "A judge model is to judge with this account." in app.test_client().get(link).text
    assert session.exec(select(Annotator)).all() == [], "nobody has accepted"
    session.rollback()
    assert app.test_client().post(link, data=NEWCOMER).status_code == 303
    [nina] = session.exec(select(Annotator)).all()
    assert (nina.kind, nina.judged) == ("model", 0)
    assert session.exec(select(AuditEvent.detail).where(AuditEvent.verb == "invitation.add")).one() == {
        "role": "annotator",
        "email": "nina@example.org",
        "kind": "model",
    }


def test_a_judge_model_who_comes_again_is_one(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)

    def comes_again(**said: str) -> str:
        lena.post(f"/p/birds/members/{cast.ann.uid}/remove")
        assert client_of(cast.ann).post(invite(lena, **said)).status_code == 303
        session.rollback()
        return session.exec(select(Annotator.kind)).one().value

    assert comes_again(role="annotator", kind="model") == "model"
    assert comes_again(role="reviewer", kind="") == "model", "not said otherwise"
    assert comes_again(role="viewer", kind="human") == "human"


def test_who_may_not_judge_is_invited_as_no_judge_model(cast: Cast, client_of: Any, session: Session) -> None:
    refused = client_of(cast.lena).post("/p/birds/invitations", data={"role": "viewer", "kind": "model"})
    assert (refused.status_code, "Only members who may judge" in refused.text) == (422, True)
    assert re.findall(r'value="(\w+)" selected', refused.text.split("Only members")[0]) == ["viewer", "model"]
    assert session.exec(select(Invitation)).all() == []


def test_it_works_once(app: Flask, link: str, cast: Cast, client_of: Any) -> None:
    assert app.test_client().post(link, data=NEWCOMER).status_code == 303
    late = client_of(cast.otto)
    for answer in (late.get(link), late.post(link)):
        assert answer.status_code == 410
        assert "used already. Ask for a new one." in answer.text, "they are signed in"
    assert late.get("/p/birds/").status_code == 404


def test_whoever_is_in_goes_there_by_a_used_link(app: Flask, cast: Cast, client_of: Any, link: str) -> None:
    client = app.test_client()
    assert client.post(link, data=NEWCOMER).status_code == 303
    member = client_of(cast.ben)
    for answer in (client.get(link), client.post(link), member.get(link)):
        assert (answer.status_code, answer.location) == (303, "/p/birds/")
    assert "unused" not in member.get("/p/birds/").text
    signed_out = app.test_client().get(link)
    assert signed_out.status_code == 410
    assert f'href="/sign-in?next={link}"' in signed_out.text
    lena = client_of(cast.lena)
    lena.post(f"/p/birds/members/{cast.ben.uid}/remove")
    assert member.get(link).status_code == 410, "they are in no longer"


def test_to_an_archived_project(app: Flask, cast: Cast, client_of: Any, link: str) -> None:
    lena, archived = client_of(cast.lena), "This project is archived"
    for click, told in (("archive", True), ("reopen", False)):
        assert lena.post(f"/p/birds/{click}").status_code == 303
        for client in (app.test_client(), client_of(cast.otto)):
            page = client.get(link).text.split("<main")[1]
            assert (archived in page.split("<form")[0]) == told, "before they join"
    assert app.test_client().post(link, data=NEWCOMER).status_code == 303


def test_whoever_came_to_the_site_by_a_link_goes_there(app: Flask, cast: Cast, client_of: Any) -> None:
    link, client = invite(client_of(cast.ada), "/people/invitations", people=""), app.test_client()
    client.post(link, data=NEWCOMER)
    assert client.get(link).location == "/"
    assert client_of(cast.otto).get(link).status_code == 410


def test_a_member_does_not_use_it_up(cast: Cast, client_of: Any, link: str, app: Flask) -> None:
    lena = client_of(cast.lena)
    assert lena.get(link).location == "/p/birds/"
    assert "The invitation is still unused." in lena.get("/p/birds/").text
    answer = lena.post(link)
    assert answer.status_code == 409
    assert "already" in answer.text
    assert app.test_client().post(link, data=NEWCOMER).status_code == 303


def test_revoked(cast: Cast, client_of: Any, link: str, session: Session, app: Flask) -> None:
    lena = client_of(cast.lena)
    uid = session.exec(select(Invitation.uid)).one()
    assert client_of(cast.ann).post(f"/p/birds/invitations/{uid}/revoke").status_code == 403
    assert lena.post(f"/p/birds/invitations/{uid}/revoke").status_code == 303
    assert "Open invitations" not in lena.get("/p/birds/members").text
    assert lena.get(link).location == "/p/birds/"
    assert "unused" not in lena.get("/p/birds/").text
    answer = app.test_client().post(link, data=NEWCOMER)
    assert answer.status_code == 410
    assert "taken back" in answer.text


def test_expired(link: str, session: Session, app: Flask) -> None:
    invitation = session.exec(select(Invitation)).one()
    invitation.expires_at = now() - timedelta(seconds=1)
    session.commit()
    answer = app.test_client().get(link)
    assert answer.status_code == 410
    assert "expired" in answer.text
    assert "<h1>No longer valid</h1>" in answer.text
    assert re.search(rf'<main.*href="/sign-in\?next={link}"', answer.text, re.DOTALL)


def test_unknown_link(app: Flask, cast: Cast) -> None:
    assert app.test_client().get("/invitations/guess").status_code == 404


def test_for_one_address_only(app: Flask, cast: Cast, client_of: Any) -> None:
    link = invite(client_of(cast.lena), role="viewer", people="nina@example.org")
    otto = client_of(cast.otto)
    for wrong, status in ((otto.get(link), 200), (otto.post(link), 403)):
        assert wrong.status_code == status
        assert "for nina@example.org" in wrong.text
        assert "Join as Otto" not in wrong.text
    other = app.test_client().post(link, data=NEWCOMER | {"email": "eve@example.org"})
    assert other.status_code == 422
    assert "for nina@example.org" in other.text
    assert app.test_client().post(link, data=NEWCOMER).status_code == 303


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"email": "otto@example.org"}, "There is an account with this address already."),
        ({"email": "no address"}, "This is not an email address."),
        ({"name": "  "}, "Say what to call it."),
        ({"password": "short"}, "Use at least 10 characters"),
    ],
)
def test_bad_input_keeps_the_rest(app: Flask, link: str, change: dict[str, str], message: str) -> None:
    client = app.test_client()
    answer = client.post(link, data=NEWCOMER | change)
    assert answer.status_code == 422
    assert message in answer.text
    assert PASSWORD not in answer.text
    assert client.post(link, data=NEWCOMER).status_code == 303, "the invitation is not used up"


def test_to_the_site(app: Flask, cast: Cast, client_of: Any) -> None:
    link = invite(client_of(cast.ada), "/people/invitations", people="")
    otto = client_of(cast.otto)
    assert "You have an account already" in otto.get(link).text
    assert otto.post(link).status_code == 409, "who has an account needs no other"
    client = app.test_client()
    assert client.post(link, data=NEWCOMER).location == "/"
    assert client.get("/people").status_code == 403, "they are no admin"


def test_many_at_once(app: Flask, cast: Cast, client_of: Any, session: Session) -> None:
    lena, where = client_of(cast.lena), "/p/birds/invitations"
    answer = lena.post(where, data={"role": "annotator", "number": "50"})
    assert len(answer.headers["Set-Cookie"]) < 4000, "a browser keeps no larger one"
    page = lena.get(answer.location).text
    links = re.findall(
        r"http://localhost(/invitations/[\w-]+)",
        html.unescape(page.split('id="secret"')[1].split("</pre>")[0]),
    )
    assert len(set(links)) == 50
    assert 'id="secret"' not in lena.get(answer.location).text, "they are shown once"
    people = [NEWCOMER | {"email": f"n{number}@example.org"} for number in range(2)]
    assert app.test_client().post(links[0], data=people[0]).status_code == 303
    assert app.test_client().post(links[0], data=people[1]).status_code == 410, "each is for one person"
    assert app.test_client().post(links[49], data=people[1]).status_code == 303
    assert lena.get(answer.location).text.count("Take back") == 48
    assert len(session.exec(select(AuditEvent).where(AuditEvent.verb == "invitation.add")).all()) == 50


def test_a_list_of_people(app: Flask, cast: Cast, client_of: Any) -> None:
    for client, where in (
        (client_of(cast.lena), "/p/birds/invitations"),
        (client_of(cast.ada), "/people/invitations"),
    ):
        people = "Ann Smith <Nina@example.org>\n\n=Bob Jones\nSmith, Cy\tcy@example.org\nnina@example.org\n"
        people += "=Bob  Jones\n"
        answer = client.post(where, data={"role": "viewer", "people": people})
        page = html.unescape(client.get(answer.location).text)
        told = page.split('id="secret"')[1].split("</code>")[0].split("<code>")[1].strip().splitlines()
        named = ["Ann Smith <nina@example.org>", "=Bob Jones", "Smith, Cy <cy@example.org>", "=Bob Jones"]
        assert [line.split("\t")[0] for line in told] == named
        table = unquote(page.split("data:text/csv;charset=utf-8,")[1].split('"')[0])
        rows = list(csv.DictReader(io.StringIO(table)))
        assert rows[1] == {"name": "'=Bob Jones", "email": "", "link": told[1].split("\t")[1]}
        assert (rows[2]["name"], rows[2]["email"]) == ("Smith, Cy", "cy@example.org")
        table = page.split("<caption>Open invitations")[1]
        for one in ("<bdi>Ann Smith</bdi>", "nina@example.org", "<bdi>=Bob Jones</bdi>", "cy@example.org"):
            assert one in table
        nobody = rows[0]["link"].removeprefix("http://localhost")
        assert app.test_client().post(nobody, data=NEWCOMER | {"email": "eve@example.org"}).status_code == 422
    longest = "\n".join(f"{number} {'学' * 197}" for number in range(10, 60))
    answer = client.post(where, data={"people": longest})
    assert len(answer.headers["Set-Cookie"]) < 4000
    assert html.unescape(client.get(answer.location).text).count("http://localhost/invitations/") == 50


def test_an_address_as_people_paste_it(cast: Cast, client_of: Any, session: Session) -> None:
    lines = {
        "Kim Lee (k0@example.org)": "Kim Lee",
        "mailto:k1@example.org": None,
        "'k2@example.org'": None,
        "[k3@example.org]": None,
        "Kim:k4@example.org": "Kim",
        "Kim <k5@example.org>, boss": "Kim, boss",
        "k6@example.org (Kim)": "(Kim)",
        "Kim (Acme) <MAILTO:k7@example.org>": "Kim (Acme)",
        "李明（k8@example.org）": "李明",
        '"Lee, Kim" <k9@example.org>': "Lee, Kim",
        "Pat O'Brien o'brien@example.org": "Pat O'Brien",
    }
    assert (
        client_of(cast.ada).post("/people/invitations", data={"people": "\n".join(lines)}).status_code == 303
    )
    made = session.exec(select(Invitation.name, Invitation.email).order_by(Invitation.id)).all()
    emails = [f"k{number}@example.org" for number in range(10)] + ["o'brien@example.org"]
    assert made == list(zip(lines.values(), emails, strict=True))


def test_one_by_name(app: Flask, cast: Cast, client_of: Any) -> None:
    lena = client_of(cast.lena)
    answer = lena.post("/p/birds/invitations", data={"role": "viewer", "people": "Zoë Ångström"})
    page = html.unescape(lena.get(answer.location).text)
    assert "The link to send to Zoë Ångström" in page
    link = re.search(r"http://localhost(/invitations/[\w-]+)", page)
    assert link
    table = unquote(page.split("data:text/csv;charset=utf-8,")[1].split('"')[0])
    assert table.splitlines()[1].startswith("Zoë Ångström,,http://localhost/invitations/")
    assert 'value="Zoë Ångström"' in app.test_client().get(link[1]).text, "they need not type it"
    refused = app.test_client().post(link[1], data=NEWCOMER | {"name": "Zoë", "password": "short"})
    assert 'value="Zoë"' in refused.text, "what they typed stays"


def test_who_is_invited_already_is_not_invited_again(
    cast: Cast, client_of: Any, bearer: Any, session: Session
) -> None:
    for client, where in (
        (client_of(cast.lena), "/p/birds/invitations"),
        (client_of(cast.ada), "/people/invitations"),
    ):
        said = {"role": "viewer", "people": "Nina <nina@example.org>"}
        assert client.post(where, data=said).status_code == 303
        again = client.post(where, data=said)
        assert again.status_code == 422
        assert "nina@example.org has an open invitation already. Take it back" in plain(again.text)
        assert "Nina &lt;nina@example.org&gt;" in again.text, "what was typed is still there"
        uid = session.exec(select(Invitation.uid).order_by(Invitation.id.desc())).first()  # type: ignore[union-attr]
        session.rollback()
        client.post(f"{where}/{uid}/revoke")
        assert client.post(where, data=said).status_code == 303, "the way out"
    refused = client.post(where, data={"people": "Ann\notto@example.org\nlena@example.org"}).text
    both = "otto@example.org has an account already. lena@example.org has an account already."
    assert both in refused
    assert "#people/1" not in refused, "a line has no anchor of its own"
    there, url = client_of(None), "/api/v1/projects/birds/invitations"
    for more, sent, pointer in (
        ("", {"email": "nina@example.org"}, "/email"),
        ("", {"email": "x@y"}, "/email"),
        ("", {"email": "mailto:kim@example.org"}, "/email"),
        ("", {"email": "'kim@example.org'"}, "/email"),
        ("/several", {"people": ["Ann", "nina@example.org"]}, "/people/1"),
    ):
        refused = there.post(url + more, json={"role": "viewer"} | sent, headers=bearer(cast.lena))
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, pointer)
    other = there.post(
        url, json={"role": "annotator", "email": "nina@example.org"}, headers=bearer(cast.lena)
    )
    assert other.status_code == 201, "another role is another invitation"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"number": "51"}, "Give 50 or less."),
        ({"number": "0"}, "Give 1 or more."),
        ({"people": "nina@example.org\nann@"}, "“ann@” holds no email address"),
        (
            {"people": "a@example.org b@example.org"},
            "“a@example.org b@example.org”: give one address a line.",
        ),
        ({"people": "\n".join(f"n{number}@example.org" for number in range(51))}, "Give at most 50."),
        ({"people": "Ann\nKim x@y"}, "“Kim x@y” holds no email address"),
        ({"people": "a@b@example.org"}, "“a@b@example.org” holds no email address"),
        ({"people": "kim@example..org"}, "“kim@example..org” holds no email address"),
        ({"people": "Ann", "number": "2"}, "with people named, leave this at 1."),
        (
            {"people": "new@example.org\nLena <LENA@example.org>\nann@example.org"},
            "lena@example.org is a member already. ann@example.org is a member already.",
        ),
        ({"people": f"{'x' * 251}@a.b"}, "holds no email address"),
        ({"people": "x" * 201}, "Use at most 200 characters."),
        ({"role": "viewer", "kind": "model", "number": "2"}, "Only members who may judge"),
    ],
)
def test_many_that_do_not_fit(
    cast: Cast, client_of: Any, session: Session, form: dict[str, str], message: str
) -> None:
    answer = client_of(cast.lena).post("/p/birds/invitations", data={"role": "annotator"} | form)
    assert answer.status_code == 422
    assert message in html.unescape(answer.text)
    assert html.escape(form.get("people", "")) in answer.text, "what was typed is still there"
    assert session.exec(select(Invitation)).all() == []


def test_many_over_the_api(cast: Cast, client_of: Any, bearer: Any, session: Session) -> None:
    there, url = client_of(None), "/api/v1/projects/birds/invitations/several"
    mine = bearer(cast.lena) | {"Idempotency-Key": "once"}
    said = {"role": "annotator", "people": ["Ann\nLee", "Nina <nina@example.org>"]}
    made = there.post(url, json=said, headers=mine)
    assert made.status_code == 201
    named = [("Ann Lee", None), ("Nina", "nina@example.org")]
    assert [(one["name"], one["email"]) for one in made.json["items"]] == named
    there_now = there.get(url.removesuffix("/several"), headers=bearer(cast.lena)).json["items"]
    assert [(one["name"], one["email"]) for one in there_now] == named[::-1]
    assert len({one["link"] for one in made.json["items"]}) == 2
    again = there.post(url, json=said, headers=mine)
    assert [one["uid"] for one in again.json["items"]] == [one["uid"] for one in made.json["items"]]
    assert "/invitations/" not in again.text, "a link is told once"
    assert len(session.exec(select(Invitation)).all()) == 2
    for nobody in ("@", "", " \n", "mailto:", "<>,"):
        asked = {"role": "annotator", "people": ["Ann", nobody]}
        refused = there.post(url, json=asked, headers=bearer(cast.lena))
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/people/1")


def test_a_project_invitation_needs_a_role(cast: Cast, client_of: Any) -> None:
    answer = client_of(cast.lena).post("/p/birds/invitations", data={"people": ""})
    assert answer.status_code == 422
    assert "Say which role" in answer.text


def test_another_projects_lead_cannot_revoke_it(
    cast: Cast, client_of: Any, link: str, session: Session
) -> None:
    otto = client_of(cast.otto)
    otto.post("/projects/new", data={"name": "Fish", "slug": "fish"})
    uid = session.exec(select(Invitation.uid)).one()
    assert otto.post(f"/p/fish/invitations/{uid}/revoke").status_code == 404
