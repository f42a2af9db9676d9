"""What annotators are told."""

from typing import Any

from sqlmodel import Session, select

from app.models import Guideline
from tests.conftest import Cast

FIRST = "# Look first\r\n\r\nIs it *true*?"


def publish(client: Any, text: str, base: int = 0) -> Any:
    return client.post("/p/birds/guideline/edit", data={"text": text, "base": base})


def test_versions(cast: Cast, client_of: Any, session: Session) -> None:
    lena, ann = client_of(cast.lena), client_of(cast.ann)
    assert "No guideline yet" in ann.get("/p/birds/guideline").text
    assert publish(lena, FIRST).status_code == 303
    assert publish(lena, "Second", base=1).status_code == 303

    assert lena.get("/p/birds/guideline").text.count("Version 2 is in force") == 1
    page = ann.get("/p/birds/guideline").text
    assert "Second" in page
    assert "Version 2 is in force" in page
    older = ann.get("/p/birds/guideline?version=1").text
    assert "<em>true</em>" in older
    assert "was replaced by version 2" in older
    assert ann.get("/p/birds/guideline?version=3").status_code == 404
    assert "Write a new version" not in page
    assert "\r" not in session.exec(select(Guideline.text).where(Guideline.version == 1)).one()


def test_the_same_text_is_no_new_version(cast: Cast, client_of: Any, session: Session) -> None:
    lena = client_of(cast.lena)
    publish(lena, FIRST)
    assert publish(lena, FIRST + "\r\n", base=1).status_code == 303
    assert session.exec(select(Guideline.version)).all() == [1]


def test_two_leads_writing_at_once_lose_nothing(cast: Cast, client_of: Any) -> None:
    lena, ada = client_of(cast.lena), client_of(cast.ada)
    publish(lena, "Lena’s")
    answer = publish(ada, "Ada’s")
    assert answer.status_code == 409
    assert "published version 1 meanwhile" in answer.text
    assert "Ada’s" in answer.text, "what was typed is kept"
    assert 'name="base" value="1"' in answer.text
    assert "Lena’s" in lena.get("/p/birds/guideline").text
    assert publish(ada, "Both", base=1).status_code == 303


def test_a_refused_guideline_remembers_what_it_was_based_on(cast: Cast, client_of: Any) -> None:
    lena = client_of(cast.lena)
    publish(lena, FIRST)
    answer = publish(lena, "  ", base=0)
    assert answer.status_code == 422
    assert "annotators read this" in answer.text
    assert 'name="base" value="0"' in answer.text


def test_a_hostile_guideline_is_harmless(cast: Cast, client_of: Any) -> None:
    publish(client_of(cast.lena), "<script>alert(1)</script> [x](javascript:alert(1))")
    article = client_of(cast.ann).get("/p/birds/guideline").text.split("<article")[1].split("</article>")[0]
    assert "<script" not in article
    assert 'href="javascript' not in article
