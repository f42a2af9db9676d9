"""What changed in the guideline since somebody read it."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account
from app.text.changes import changes
from tests.annotation.arrange import annotator_of, queue
from tests.annotation.desk import fields, send
from tests.conftest import Cast
from tests.learning.arrange import BEGIN, JUDGE, school

ClientOf = Callable[[Account | None], FlaskClient]
FIRST = "# Ties\n\nCall a tie when both are good.\n\n# Length\n\nShort is fine."
SECOND = (
    "# Ties\n\nCall a tie when both are equally good.\n\n# Length\n\nShort is fine.\n\nLong is fine, too."
)
GUIDELINE = "/p/birds/guideline"


def publish(client: FlaskClient, text: str, base: int = 0) -> None:
    assert client.post(f"{GUIDELINE}/edit", data={"text": text, "base": base}).status_code == 303


def read(client: FlaskClient, version: int) -> int:
    return client.post(f"{GUIDELINE}/read", data={"version": version}).status_code


def test_a_quiet_notice_stays_until_it_is_read(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 3)
    ann, lena = client_of(cast.ann), client_of(cast.lena)
    annotator_of(session, cast.project, cast.ann)
    publish(lena, FIRST)
    page = ann.get(JUDGE)
    assert "You have not read the guideline yet." in page.text
    assert "Read it before you start" in send(ann, page, "a").text, "on the pairs that follow, too"
    shown = ann.get(GUIDELINE).text
    assert "I have read it" in shown
    assert "What changed" not in shown, "nothing was read before"
    assert read(ann, 1) == 303
    assert "data-news" not in ann.get(JUDGE).text
    publish(lena, SECOND, base=1)
    assert "See what is new" in ann.get(JUDGE).text
    shown = ann.get(GUIDELINE).text
    assert "What changed since version 1" in shown
    assert "<ins><mark>equally </mark></ins>" in shown
    assert "</del><ins>" not in shown, "no two words are glued together"
    assert "<ins><mark>Long is fine, too.</mark></ins>" in shown.replace("\n", "")
    assert read(ann, 2) == 303
    assert "What changed" not in ann.get(GUIDELINE).text
    assert read(ann, 1) == 303
    assert "data-news" not in ann.get(JUDGE).text, "an older one changes nothing"
    assert read(ann, 3) == 404
    assert read(ann, 10**12) == 422


def test_whoever_wrote_it_has_read_it(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 1)
    lena = client_of(cast.lena)
    lena.get(JUDGE)
    publish(lena, FIRST)
    assert "data-news" not in lena.get(JUDGE).text


def test_a_lead_may_ask_for_it_to_be_read_first(session: Session, cast: Cast, client_of: ClientOf) -> None:
    queue(session, cast.project, 3)
    school(session, cast.project, rereads=True)
    ann = client_of(cast.ann)
    page = ann.get(JUDGE)
    publish(client_of(cast.lena), FIRST)
    answer = send(ann, page, "a")
    assert answer.status_code == 200, "what was in hand is kept"
    assert "Read the guideline and say so" in answer.text
    assert ann.get(JUDGE).location == BEGIN
    assert "Read it" in ann.get(BEGIN).text
    read(ann, 1)
    page = ann.get(JUDGE)
    assert page.status_code == 200
    publish(client_of(cast.lena), SECOND, base=1)
    stop = send(ann, page, "a")
    assert ">Saved. The guideline has changed." in stop.text, "for those who do not see it"
    assert f'href="{BEGIN}" autofocus' in stop.text
    slip = re.search(r'name="undo" value="([^"]+)"', stop.text)
    assert slip is not None
    back = ann.post(f"{JUDGE}/undo", data={"undo": slip[1]}, follow_redirects=True)
    assert "Taken back." in back.text
    read(ann, 2)
    assert fields(ann.get(JUDGE))["assignment_id"] == slip[1] == fields(page)["assignment_id"]


def test_anybody_may_compare_versions(session: Session, cast: Cast, client_of: ClientOf) -> None:
    publish(client_of(cast.lena), FIRST)
    publish(client_of(cast.lena), SECOND, base=1)
    vic = client_of(cast.vic)
    assert "What changed since version 1" in vic.get(f"{GUIDELINE}?since=1").text
    assert "I have read it" not in vic.get(GUIDELINE).text
    assert "What changed" not in vic.get(f"{GUIDELINE}?since=2").text
    assert vic.get(f"{GUIDELINE}?since=-1").status_code == 404
    assert read(vic, 1) == 403


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a b c", "a b c", []),
        ("one two three four", "one two 2 three four", [("", "one two +2 +three four")]),
        ("# H\nold line here", "# H\nnew thing there\n", [("H", "-old line here-+new thing there+")]),
        ("# H\n\nx", "# H\n\nx\n\n## Two ##\n\ny", [("H", "+Two\n\ny+")]),
        (
            "**Is it right?** Look it up.",
            "**Is it good?** Look it up.",
            [("", "Is it -right-+good+? Look it up.")],
        ),
        ("never do it", "**never** do it", [("", "-never -+**never** +do it")]),
        ("请选择较好的回答", "请选择更好的回答", [("", "请选择-较-+更+好的回答")]),
        ("a\n\nb", "a\n\n\nb", []),
        ("<b>x</b> y z", "<i>x</i> y z", [("", "<-b-+i+>x</-b-+i+> y z")]),
    ],
)
def test_what_changed_is_told_word_by_word(before: str, after: str, told: list[tuple[str, str]]) -> None:
    signs = {"same": "", "gone": "-", "new": "+"}
    found = [
        (change.heading, "".join(f"{signs[kind]}{text}{signs[kind]}" for kind, text in change.pieces))
        for change in changes(before, after)
    ]
    assert found == told


def test_a_hostile_change_is_harmless(cast: Cast, session: Session, client_of: ClientOf) -> None:
    publish(client_of(cast.lena), "fine text of a guideline")
    publish(client_of(cast.lena), "fine text <script>alert(1)</script> of a guideline", base=1)
    page = client_of(cast.ann).get(f"{GUIDELINE}?since=1").text
    assert "<script>alert" not in page
    assert "&lt;" in page.partition("What changed")[2]
