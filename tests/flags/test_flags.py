"""Flags: an annotator tells the lead about a pair and reads the answer; the lead settles it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select
from werkzeug.test import TestResponse

from app.models import Account, Assignment, AuditEvent, Flag, FlagState, Outcome, Slot
from app.pairing import pairs
from app.pairing.forms import PairingIn
from app.pairing.pairs import PairingResult
from tests.annotation.arrange import MARKERS, annotator_of, queue
from tests.annotation.desk import JUDGE, check, fields
from tests.conftest import Cast, plain
from tests.imports.arrange import Importer, comparison

ClientOf = Callable[[Account | None], FlaskClient]
FLAG, MINE, ALL = f"{JUDGE}/flag", f"{JUDGE}/flags", "/p/birds/flags"


def in_hand(client: FlaskClient) -> str:
    return fields(client.get(JUDGE))["assignment_id"]


def tell(
    client: FlaskClient, uid: str, message: str = "It <b>stops</b>.", kind: str = "broken"
) -> TestResponse:
    return client.post(FLAG, data={"assignment": uid, "kind": kind, "message": message})


def flags(session: Session) -> list[Flag]:
    session.rollback()
    session.expire_all()
    return list(session.exec(select(Flag).order_by(Flag.id)))  # type: ignore[arg-type]


def settle(client: FlaskClient, flag: Flag, **given: Any) -> TestResponse:
    return client.post(f"{ALL}/{flag.uid}", data=given)


def test_a_flag_goes_to_the_lead_and_its_answer_comes_back(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    uid = in_hand(ann)
    link = re.search(r'href="(/p/birds/judge/flag[^"]+)"', ann.get(JUDGE).text)
    assert link is not None
    assert uid in ann.get(link[1]).text
    assert tell(ann, uid).location == JUDGE
    assert in_hand(ann) == uid, "the pair stays theirs"
    [flag] = flags(session)
    assert "Not answered yet." in ann.get(MINE).text
    assert "Which bird is number" in ann.get(MINE).text

    listed = lena.get(ALL).text
    assert "It &lt;b&gt;stops&lt;/b&gt;." in listed
    assert "Ann" in listed
    assert "Answer 0 to prompt" in listed
    assert re.search(r"<h2[^>]*><bdi>Which bird is number", listed), "headed by what was asked"
    assert not any(name in listed for name in MARKERS), "a lead may judge, too"
    assert settle(lena, flag, answer="Thank you, skip it.", close="true").status_code == 303
    assert flags(session)[0].state == FlagState.CLOSED
    assert "It &lt;b&gt;stops" not in lena.get(ALL).text
    assert "It &lt;b&gt;stops" in lena.get(f"{ALL}?show=closed").text

    assert "Your lead has answered a flag of yours." in ann.get(JUDGE).text
    assert "Thank you, skip it." in ann.get(MINE).text
    assert "answered a flag" not in ann.get(JUDGE).text, "once seen, it is no news"
    settle(lena, flag, answer="On second thought, judge it.")
    assert "answered a flag" in ann.get(JUDGE).text
    session.rollback()
    verbs = session.exec(
        select(AuditEvent.verb).where(AuditEvent.subject == f"flag:{flag.uid}").order_by(AuditEvent.id)  # type: ignore[arg-type]
    ).all()
    assert verbs == ["flag.add", "flag.answer", "flag.close", "flag.answer"]


def test_what_may_be_harmful_is_not_quoted_beside_its_flag(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1, category="war")
    ann = client_of(cast.ann)
    tell(ann, in_hand(ann))
    assert "Which bird is number" in ann.get(MINE).text
    cast.project.sensitive_categories = "war"
    session.add(cast.project)
    session.commit()
    listed = ann.get(MINE).text
    assert "Which bird is number" not in listed
    assert "May contain harmful text" in listed


def test_what_is_the_matter_may_be_said_without_a_message(
    session: Session, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    queue(session, cast.project, 1)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    uid = in_hand(ann)
    assert tell(ann, uid, message=" ").status_code == 303
    path, token = f"/api/v1/projects/birds/assignments/{uid}/flags", bearer(cast.ann)
    told = client_of(None).post(path, json={"kind": "identity"}, headers=token)
    assert (told.status_code, (told.json or {})["message"]) == (201, "")
    refused = client_of(None).post(path, json={"kind": "other"}, headers=token)
    assert (refused.status_code, "Write a few words." in refused.text) == (422, True)
    assert [(flag.kind, flag.message) for flag in flags(session)] == [("broken", ""), ("identity", "")]
    for page in (ann.get(MINE), lena.get(ALL)):
        assert '<bdi class="verbatim">' not in page.text, "no empty words"
    settle(lena, flags(session)[0], answer="Thank you.")
    assert "Thank you." in ann.get(MINE).text


def test_the_same_words_again_are_the_same_flag(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    ann = client_of(cast.ann)
    for message in ("Once.", "Once.", "Twice."):
        tell(ann, in_hand(ann), message)
    assert [flag.message for flag in flags(session)] == ["Once.", "Twice."]


def test_a_flagged_pair_can_be_taken_out_of_the_queue(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 1, wanted=2)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    page = ann.get(JUDGE)
    tell(ann, fields(page)["assignment_id"])
    settle(lena, flags(session)[0], retire="true")
    settle(lena, flags(session)[0], retire="true")
    assert session.exec(select(Slot)).all() == []
    assert "Nothing to judge yet" in client_of(cast.ben).get(JUDGE).text
    assert ann.post(JUDGE, data=fields(page) | {"outcome": "a"}).status_code == 303, "who holds it may finish"
    assert len(session.exec(select(AuditEvent).where(AuditEvent.verb == "comparison.retire")).all()) == 1
    assert 'name="retire"' not in lena.get(ALL).text


def test_a_pair_taken_out_of_the_queue_is_not_queued_again(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, tmp_path: Path
) -> None:
    importer = Importer(app, cast.project, tmp_path)
    importer([comparison(1)])
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    tell(ann, in_hand(ann))
    settle(lena, flags(session)[0], retire="true")
    importer([comparison(1)])
    again = pairs.queue_pairs(importer.engine, cast.project, PairingIn(), by=cast.lena)
    session.rollback()
    assert again == PairingResult(prompts=1, retired=1)
    assert session.exec(select(Slot)).all() == []
    assert "Nothing to judge yet" in client_of(cast.ben).get(JUDGE).text
    said = plain(lena.get("/p/birds/pair?seed=1").text)
    assert "0 comparisons to queue" in said
    assert "Taken out of the queue 1 by a lead" in said
    assert "Put this pair back in the queue" in lena.get(ALL).text
    session.rollback()
    cast.project.wanted = 2
    session.add(cast.project)
    session.commit()
    for _ in range(2):
        assert settle(lena, flags(session)[0], requeue="true").status_code == 303
    [slot] = session.exec(select(Slot)).all()
    assert (slot.taken, slot.wanted) == (1, 2), "Ann holds it still"
    assert "Question 1?" in client_of(cast.ben).get(JUDGE).text
    check(session, cast)
    verbs = session.exec(select(AuditEvent.verb).where(col(AuditEvent.verb).startswith("comparison."))).all()
    assert verbs == ["comparison.retire", "comparison.requeue"]


def test_gold_is_not_in_the_queue(session: Session, cast: Cast, client_of: ClientOf) -> None:
    [pair] = queue(session, cast.project, 1)
    ann = client_of(cast.ann)
    tell(ann, in_hand(ann))
    pair.gold = Outcome.A
    session.add(pair)
    session.commit()
    refused = settle(client_of(cast.lena), flags(session)[0], retire="true", answer="Out with it.")
    assert refused.status_code == 409
    assert "A gold comparison is not in the queue" in refused.text
    assert "Out with it.</textarea>" in refused.text
    refused = settle(client_of(cast.lena), flags(session)[0], requeue="true", answer="In with it.")
    assert refused.status_code == 409
    assert "A gold comparison has no place in the queue" in refused.text
    assert session.exec(select(Slot)).all() != []
    assert flags(session)[0].answer is None


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"kind": "other", "message": "  "}, "Write a few words."),
        ({"message": "x" * 2_001}, "2000"),
        ({"kind": "boring"}, "kind"),
    ],
)
def test_what_does_not_fit_is_said_beside_the_field(
    session: Session, cast: Cast, client_of: ClientOf, sent: dict[str, str], says: str
) -> None:
    queue(session, cast.project, 1)
    ann = client_of(cast.ann)
    given = {"assignment": in_hand(ann), "kind": "harmful", "message": "It is."} | sent
    refused = ann.post(FLAG, data=given)
    assert refused.status_code == 422
    assert says in refused.text
    assert given["message"].strip() in refused.text
    assert flags(session) == []


def test_a_refused_answer_stays_with_its_flag(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    for message in ("First.", "Second."):
        tell(ann, in_hand(ann), message)
    first, _second = flags(session)
    said = "x" * 2_001
    for state in ("open", "closed"):
        refused = settle(lena, first, answer=said, retire="true")
        assert refused.status_code == 422
        [card] = re.findall(rf'<article [^>]*id="{first.uid}".*?</article>', refused.text, re.DOTALL)
        assert 'id="answer" name="answer" maxlength="2000" dir="auto" aria-describedby="answer-error"' in card
        assert f"{said}</textarea>" in card
        assert 'href="#answer">Answer</a>: Use at most 2000 characters.' in card
        assert 'name="retire" value="true" checked' in card
        assert refused.text.count(said) == 1, "in no other"
        assert ('aria-current="page">Closed' in refused.text) == (state == "closed")
        settle(lena, first, close="true")


def test_nobody_flags_or_settles_what_is_not_theirs(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    queue(session, cast.project, 2)
    ann, ben = client_of(cast.ann), client_of(cast.ben)
    uid = in_hand(ann)
    assert tell(ben, uid).status_code == 404
    assert ben.get(f"{FLAG}?assignment={uid}").status_code == 404
    tell(ann, uid)
    [flag] = flags(session)
    assert "stops" not in ben.get(MINE).text
    for other in (cast.ann, cast.ben, cast.rui, cast.rosa, cast.vic):
        assert settle(client_of(other), flag, close="true").status_code == 403
        assert client_of(other).get(ALL).status_code == 403
    assert client_of(cast.otto).get(ALL).status_code == 404
    assert settle(client_of(cast.lena), flag).status_code == 422, "nothing was to be done"
    assert settle(client_of(cast.lena), Flag(uid="none"), close="true").status_code == 404  # type: ignore[call-arg]
    assert flags(session)[0].state == FlagState.OPEN


def test_a_long_list_goes_on_and_asks_no_more_of_the_database(
    session: Session, cast: Cast, client_of: ClientOf, count_queries: Callable[[], Any]
) -> None:
    who = annotator_of(session, cast.project, cast.ann)
    for number, pair in enumerate(queue(session, cast.project, 21)):
        held = Assignment(comparison_id=pair.id, annotator_id=who.id, swapped=False)
        session.add(held)
        session.flush()
        said = f"Message number {number}."
        session.add(Flag(project_id=cast.project.id, assignment_id=held.id, kind="other", message=said))
    session.commit()
    lena, counted = client_of(cast.lena), []
    for client, path in ((client_of(cast.ann), MINE), (lena, ALL)):
        page = client.get(path).text
        assert "number 20." in page
        assert "number 0." not in page
        older = re.search(r'href="([^"]+before=[^"]+)"', page)
        assert older is not None
        assert "number 0." in client.get(older[1].replace("&amp;", "&")).text
    for page in (ALL, f"{ALL}?before=2"):
        with count_queries() as statements:
            assert "Answer 0 to prompt 0." in lena.get(page).text or page == ALL
        assert {sql.split()[0] for sql in statements} == {"SELECT"}, "reading writes nothing"
        counted.append(len(statements))
    assert counted[0] == counted[1], "twenty pairs cost what one costs"


def test_by_the_api(
    session: Session, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    queue(session, cast.project, 1)
    client, ann, lena = client_of(None), bearer(cast.ann), bearer(cast.lena)
    base = "/api/v1/projects/birds"
    claimed = client.post(f"{base}/assignments", headers=ann).json
    assert claimed is not None
    given = {"kind": "identity", "message": "It says its own name."}
    told = client.post(f"{base}/assignments/{claimed['assignment_id']}/flags", json=given, headers=ann)
    assert told.status_code == 201
    assert told.json is not None
    assert client.get(f"{base}/flags", headers=ann).status_code == 403
    both = {"retire": True, "requeue": True}
    refused = client.post(f"{base}/flags/{told.json['uid']}", json=both, headers=lena)
    assert (refused.status_code, "Choose one: take the pair" in refused.text) == (422, True)
    listed = client.get(f"{base}/flags", headers=lena).json
    assert listed is not None
    [one] = listed["items"]
    assert (one["message"], one["annotator"], one["queued"]) == ("It says its own name.", "Ann", True)
    answer = {"answer": "Well seen.", "close": True, "retire": True}
    settled = client.post(f"{base}/flags/{told.json['uid']}", json=answer, headers=lena).json
    assert settled is not None
    assert (settled["state"], settled["answer"]) == ("closed", "Well seen.")
    mine = client.get(f"{base}/my-flags", headers=ann).json
    assert mine is not None
    assert [flag["answer"] for flag in mine["items"]] == ["Well seen."]
    closed = client.get(f"{base}/flags?state=closed", headers=lena).json
    assert closed is not None
    assert [(flag["queued"], flag["retired"]) for flag in closed["items"]] == [(False, True)]
