"""Pages speak their reader's language; what scripts read stays English."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.language import listed, said
from app.leaderboard import caveats
from app.models import Account, AuditEvent
from tests.annotation.arrange import queue
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("ar", "ar"),
        ("es-MX, en;q=0.5", "es"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("fr, de;q=0.9", "en"),
        ("fr, es;q=0.2", "es"),
        ("es;q=0, ar;q=0.1", "ar"),
        ("*", "en"),
        (";;q=,\x7f" + "x" * 5000, "en"),
    ],
)
def test_a_page_speaks_as_the_browser_asks(
    cast: Cast, client_of: ClientOf, asked: str, language: str
) -> None:
    page = client_of(None).get("/sign-in", headers={"Accept-Language": asked}).text
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page


def test_whoever_is_not_signed_in_chooses_a_language_for_this_browser(
    cast: Cast, client_of: ClientOf
) -> None:
    browser = client_of(None)
    response = browser.post("/language", data={"language": "zh-Hans", "next": "/sign-in"})
    assert (response.status_code, response.location) == (303, "/sign-in")
    page = browser.get("/sign-in", headers={"Accept-Language": "es"}).text
    assert '<html lang="zh-Hans"' in page
    assert "登录" in page


def test_a_signed_in_person_finds_their_language_on_every_browser(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    client_of(cast.ann).post("/language", data={"language": "ar", "next": "/account"})
    page = client_of(cast.ann).get("/account", headers={"Accept-Language": "es"}).text
    assert '<html lang="ar" dir="rtl"' in page
    assert "كلمة المرور" in page
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "account.language")).one()
    assert event.detail == {"language": {"from": None, "to": "ar"}}


def test_choosing_the_same_language_again_changes_nothing(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    for _ in range(2):
        client_of(cast.ann).post("/language", data={"language": "es"})
    assert len(session.exec(select(AuditEvent).where(AuditEvent.verb == "account.language")).all()) == 1


@pytest.mark.parametrize("language", ["", "fr", "en-US; path=/", "<script>", "x" * 5000])
def test_a_language_that_is_not_on_offer_is_refused(cast: Cast, client_of: ClientOf, language: str) -> None:
    response = client_of(cast.ann).post("/language", data={"language": language})
    assert response.status_code == 422
    assert "language=" not in response.headers.get("Set-Cookie", "")


def test_the_switch_leads_nowhere_else(cast: Cast, client_of: ClientOf) -> None:
    response = client_of(None).post("/language", data={"language": "es", "next": "//evil.example"})
    assert response.location == "/"


def test_errors_and_messages_are_said_in_it_too(cast: Cast, client_of: ClientOf) -> None:
    spanish = {"Accept-Language": "es"}
    assert "No existe ese proyecto" in client_of(cast.otto).get("/p/birds/", headers=spanish).text
    form = {"name": ""}
    refused = client_of(cast.ann).post("/account/name", data=form, headers=spanish)
    assert "Ponle un nombre." in refused.text
    told = client_of(cast.ann).post(
        "/account/name", data={"name": "Anne"}, headers=spanish, follow_redirects=True
    )
    assert "Tu nombre se ha cambiado." in told.text


def test_the_api_speaks_english_whatever_its_account_reads(
    cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]], session: Session
) -> None:
    session.get_one(Account, cast.ann.id).language = "ar"
    session.commit()
    browser = client_of(None)
    browser.post("/language", data={"language": "zh-Hans"})
    answer = browser.get("/api/v1/projects/nests", headers=bearer(cast.ann))
    assert answer.json["detail"] == "There is no such project, or you are not a member of it."
    assert answer.headers["Content-Language"] == "en"


def test_the_api_says_an_error_in_the_language_that_is_asked_for(
    cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]]
) -> None:
    headers = bearer(cast.ann) | {"Accept-Language": "es-MX"}
    answer = client_of(None).get("/api/v1/projects/nests", headers=headers)
    assert answer.json["detail"].startswith("No existe ese proyecto")
    assert answer.json["title"] == "Not Found"
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("es", "Accept-Language")


def test_what_the_api_tells_is_the_same_in_every_language(
    app: Flask, cast: Cast, client_of: ClientOf, bearer: Callable[[Account], dict[str, str]], session: Session
) -> None:
    queue(session, cast.project, 6)
    for path in (
        "",
        "/leaderboard",
        "/quality",
        "/rubric",
        "/members",
        "/jobs",
        "/export/preview?format=trl",
    ):
        told = [
            client_of(None).get(
                f"/api/v1/projects/birds{path}", headers=bearer(cast.lena) | {"Accept-Language": asked}
            )
            for asked in ("en", "es", "ar", "zh")
        ]
        assert told[0].status_code == 200, path
        assert len({answer.data for answer in told}) == 1, path


def test_two_annotators_of_one_process_each_get_the_next_pair_in_their_own_language(
    app: Flask, cast: Cast, client_of: ClientOf, session: Session
) -> None:
    queue(session, cast.project, 6)
    told = {}
    for person, language in ((cast.ann, "zh-Hans"), (cast.ben, "en"), (cast.rui, "ar")):
        browser = client_of(person)
        browser.post("/language", data={"language": language})
        told[language] = _next_pair(browser)
    assert "平局" in told["zh-Hans"]
    assert "Tie" in told["en"]
    assert "تعادل" in told["ar"]
    assert "今日 1" in told["zh-Hans"]
    assert "1 today" in told["en"]


def _next_pair(browser: FlaskClient) -> str:
    page = browser.get("/p/birds/judge").text
    form = {
        name: page.split(f'name="{name}" value="')[1].split('"')[0]
        for name in ("assignment_id", "submission_id")
    }
    answer = browser.post("/p/birds/judge", data=form | {"outcome": "a"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.text


def test_a_kept_answer_is_not_taken_for_one_in_another_language(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    browser = client_of(cast.lena)
    known = browser.get("/p/birds/leaderboard").headers["ETag"]
    browser.post("/language", data={"language": "ar"})
    again = browser.get("/p/birds/leaderboard", headers={"If-None-Match": known})
    assert again.status_code == 200
    assert 'dir="rtl"' in again.text


def test_numbers_are_written_as_the_reader_s_language_writes_them(app: Flask) -> None:
    written = {}
    for tag in ("en", "es", "ar", "zh-Hans"):
        with app.test_request_context(headers={"Accept-Language": tag}):
            written[tag] = (
                app.jinja_env.from_string(
                    "{{ 12345|number }} {{ 1118.4|decimal }} {{ (-0.183)|decimal(2) }} {{ "
                    "(-0.001)|decimal(2) }} {{ 0.613|percent }} {{ 0.613|percent(1) }} {{ 1234567|size }}"
                )
                .render()
                .replace("\u200e", "")
            )
    assert written["en"] == written["zh-Hans"] == "12,345 1118 -0.18 0.00 61% 61.3% 1.2 MB"
    assert written["es"] == "12.345 1118 -0,18 0,00 61\xa0% 61,3\xa0% 1,2 MB"
    assert written["ar"] == "12,345 1118 -0.18 0.00 61% 61.3% 1.2 م.ب"


def test_a_sign_stays_before_its_number_among_letters_from_right_to_left(app: Flask) -> None:
    # Left-to-right marks, as without them a browser shows "0.18-".
    with app.test_request_context(headers={"Accept-Language": "ar"}):
        assert app.jinja_env.from_string("{{ (-0.183)|decimal(2) }}").render() == "\u200e-0.18\u200e"


def test_what_was_kept_in_english_is_said_in_the_reader_s_language(app: Flask) -> None:
    kept = caveats.pair_sentence("Heron", "Lark", 1234, clustered=False, judged=30)
    assert kept == (
        "Heron and Lark are not separated yet; about 1,200 more judgments, spread over models as they are "
        "now, would do it (80% power)."
    )
    with app.test_request_context(headers={"Accept-Language": "es"}):
        assert said(kept) == (
            "Heron y Lark aún no se distinguen; bastarían unas 1.200 valoraciones más, repartidas entre "
            "modelos como ahora (potencia del 80\xa0%)."
        )
        assert listed(["Heron", "Lark", "Wren"]) == "Heron, Lark y Wren"
        assert listed(list("abcdefgh")) == "a, b, c, d, e y 3 más"


def test_a_name_of_another_script_stays_whole_in_the_header(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient]
) -> None:
    cast.project.name = "<Birds & beasts"
    session.commit()
    page = client_of(cast.lena).get("/p/birds/", headers={"Accept-Language": "ar"}).text
    assert 'dir="rtl"' in page
    assert '<a class="crumb" href="/p/birds/"><bdi>&lt;Birds &amp; beasts</bdi></a>' in page
