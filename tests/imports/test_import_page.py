"""The import page, its job, and the rows it gives back."""

import io
import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app import jobs
from app.imports import importing, uploads
from app.imports.shapes import SHAPES
from app.models import Account, Job, JobState
from app.settings import Settings
from tests.conftest import Cast
from tests.imports.arrange import json_lines, response, table_sizes

URL = "/p/birds/import"
GOOD = json_lines([response(1, "heron"), response(1, "wren")])

ClientOf = Callable[[Account | None], FlaskClient]


def files(**contents: bytes) -> dict[str, object]:
    return {"files": [(io.BytesIO(content), name.replace("_", ".")) for name, content in contents.items()]}


def test_a_lead_uploads_files_and_reads_what_came_of_them(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    client = client_of(cast.lena)
    page = client.get(URL)
    assert "Arena-Hard model answers" in page.text
    told = re.findall(r"<summary>.* <code>([\w-]+)</code>", page.text)
    assert told[:3] == ["comparisons", "responses", "responses-wide"], "what most files hold comes first"
    assert set(told) == set(SHAPES)
    answer = client.post(
        URL, data=files(one_jsonl=GOOD, two_jsonl=b'{"prompt": "Hi", "model": "heron"}\n' + GOOD)
    )
    assert answer.status_code == 303
    job = client.get(answer.location)
    for words in ("one.jsonl", "Rows read", "Already there", "response is missing", "Queue comparisons"):
        assert words in job.text
    assert table_sizes(session, "responses") == {"responses": 2}
    found = session.exec(select(Job)).one()
    assert (found.state, found.account_id) == (JobState.DONE, cast.lena.id)
    assert client.get("/p/birds/jobs").text.count(f"/p/birds/jobs/{found.uid}") == 1


def test_refused_rows_can_be_downloaded(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.lena)
    rows = json_lines([{"prompt": "Hi", "model": f"heron {n}"} for n in range(150)])
    job = client.get(client.post(URL, data=files(bad_jsonl=GOOD + rows)).location)
    assert "The first 100 of 150" in job.text
    download = client.get(job.request.path + "/refused.jsonl")
    lines = [json.loads(line) for line in download.data.splitlines()]
    assert len(lines) == 150
    assert lines[0]["line"] == 3
    assert lines[0]["reason"] == "response is missing"
    assert json.loads(lines[0]["content"])["model"] == "heron 0"
    assert "attachment" in download.headers["Content-Disposition"]


def test_a_row_that_contradicts_is_given_back_too(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.lena)
    other = json_lines([response(1, "heron", "something else")])
    job = client.get(client.post(URL, data=files(two_jsonl=GOOD + other)).location)
    assert "heron already has another response to this prompt" in job.text
    assert "something else" in job.text


def test_trying_writes_nothing(cast: Cast, client_of: ClientOf, session: Session) -> None:
    client = client_of(cast.lena)
    job = client.post(URL, data={**files(a_jsonl=GOOD), "dry_run": "true"}, follow_redirects=True)
    assert "nothing was added yet" in job.text
    assert table_sizes(session, "responses") == {"responses": 0}


def test_what_was_tried_is_imported_without_sending_it_again(
    app: Flask, cast: Cast, client_of: ClientOf, session: Session, settings: Settings
) -> None:
    lena, other_lead = client_of(cast.lena), client_of(cast.ada)
    rows = json_lines([{"prompt": "Hi", "model": "heron"}])
    asked = {**files(a_jsonl=GOOD + rows), "dry_run": "true", "batch": "first", "as": "responses"}
    tried = lena.post(URL, data=asked).location
    assert "Import these rows" in lena.get(tried).text
    assert client_of(cast.rosa).post(f"{tried}/import").status_code == 404
    app.config["WTF_CSRF_ENABLED"] = True
    assert lena.post(f"{tried}/import").status_code == 400
    app.config["WTF_CSRF_ENABLED"] = False
    app.extensions["jobs"].immediate = False
    imported = other_lead.post(f"{tried}/import").location
    assert lena.post(f"{tried}/import").location == imported, "the second press begins no second import"
    app.extensions["jobs"].immediate = True
    with app.app_context():
        jobs.send_waiting()
    came = lena.get(imported).text
    assert "Rows read" in came
    assert "Import these rows" not in came
    _, job = session.exec(select(Job).order_by(Job.id)).all()
    assert (job.account_id, job.params["as"], job.params["batch"]) == (cast.ada.id, "responses", "first")
    assert job.result
    assert (job.result["added"], job.result["refused"], job.result["dry_run"]) == (2, 1, False)
    assert table_sizes(session, "responses") == {"responses": 2}
    assert list((settings.data_dir / "uploads").iterdir()) == []
    again = lena.get(tried).text
    assert f'href="{imported}"' in again
    assert "Import these rows" not in again
    assert lena.post(f"{imported}/import").status_code == 409


def test_what_was_tried_and_has_lost_its_files_begins_no_import(
    cast: Cast, client_of: ClientOf, session: Session, settings: Settings
) -> None:
    lena = client_of(cast.lena)
    tried = lena.post(URL, data={**files(a_jsonl=GOOD), "dry_run": "true"}).location
    uploads.discard(settings, session.exec(select(Job)).one().params["files"])
    refused = lena.post(f"{tried}/import")
    assert (refused.status_code, "no longer there" in refused.text) == (410, True)
    assert "nothing was added yet" in lena.get(tried).text
    session.rollback()
    assert len(session.exec(select(Job)).all()) == 1


def test_what_was_tried_and_wholly_refused_is_not_kept(
    cast: Cast, client_of: ClientOf, settings: Settings
) -> None:
    bad = {
        **files(a_jsonl=json_lines([{"prompt": "Hi", "model": "heron", "response": 5}])),
        "dry_run": "true",
    }
    page = client_of(cast.lena).post(URL, data=bad, follow_redirects=True).text
    assert "nothing was added" in page
    assert "Import these rows" not in page
    assert list((settings.data_dir / "uploads").iterdir()) == []


def test_the_list_tells_a_try_and_an_import_of_nothing(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.lena)
    client.post(URL, data={**files(a_jsonl=GOOD), "dry_run": "true"})
    listed = client.get("/p/birds/jobs").text
    assert "Import: a.jsonl (a try)" in listed
    assert "2 would be added" in listed
    bad = json_lines([{"prompt": "Hi", "model": "heron", "response": 5}])
    job = client.post(URL, data=files(bad_jsonl=bad), follow_redirects=True)
    assert "Every row was refused: nothing was added." in job.text
    assert "All refused" in client.get("/p/birds/jobs").text


def test_an_empty_file_is_refused_at_once(
    app: Flask,
    cast: Cast,
    client_of: ClientOf,
    bearer: Callable[[Account], dict[str, str]],
    settings: Settings,
) -> None:
    page = client_of(cast.lena).post(URL, data=files(a_json=b"", b_json=GOOD))
    sent = app.test_client().post(
        "/api/v1/projects/birds/imports", data=files(a_json=b""), headers=bearer(cast.lena)
    )
    for refused in (page, sent):
        assert refused.status_code == 422
        assert "a.json is empty." in refused.text
    assert list((settings.data_dir / "uploads").iterdir()) == []


def test_a_damaged_file_fails_the_job_with_the_reason(
    cast: Cast, client_of: ClientOf, session: Session, settings: Settings
) -> None:
    client = client_of(cast.lena)
    unknown = client.post(URL, data=files(b_json=b'[{"colour": "red"}]'), follow_redirects=True)
    assert "fits no known shape" in unknown.text
    assert "Start again" not in unknown.text
    job = client.post(URL, data=files(a_json=b'[{"prompt": "Hi",'), follow_redirects=True)
    assert "a.json is not valid JSON after record 0: the end is missing" in job.text
    assert "Failed" in job.text
    assert set(session.exec(select(Job.state))) == {JobState.FAILED}
    assert list((settings.data_dir / "uploads").iterdir()) == []
    assert "Start again" not in job.text, "it could only fail again"
    for words in ("import it again: nothing is added twice", "Import another file"):
        assert words in job.text


class BrokenOff(io.BytesIO):
    def read(self, _size: int | None = -1) -> bytes:
        raise ConnectionResetError


def test_an_upload_that_breaks_off_leaves_nothing_behind(settings: Settings) -> None:
    whole, broken = ("a.jsonl", io.BytesIO(b"{}")), ("b.jsonl", BrokenOff())
    with pytest.raises(ConnectionResetError):
        uploads.keep(settings, [whole, broken])
    assert list((settings.data_dir / "uploads").iterdir()) == []


class Unread(io.BytesIO):
    def read(self, _size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")

    readinto = readline = read  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("name", "size", "headers", "status"),
    [
        (None, 1000, {}, 303),
        ("otto", 1000, {}, 404),
        ("ann", 1000, {}, 403),
        ("lena", 1000, {"Sec-Fetch-Site": "cross-site"}, 400),
        ("lena", 2**32, {}, 413),
    ],
)
def test_what_is_refused_is_refused_unread(
    app: Flask,
    cast: Cast,
    client_of: ClientOf,
    name: str | None,
    size: int,
    headers: dict[str, str],
    status: int,
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client_of(getattr(cast, name) if name else None).post(
        URL,
        input_stream=Unread(),
        environ_overrides={"CONTENT_LENGTH": str(size)},
        content_type="multipart/form-data; boundary=x",
        headers=headers,
    )
    assert answer.status_code == status


def test_uploads_are_gone_when_the_job_is_done(cast: Cast, client_of: ClientOf, settings: Settings) -> None:
    client_of(cast.lena).post(URL, data=files(a_jsonl=GOOD))
    assert list((settings.data_dir / "uploads").iterdir()) == []
    assert list((settings.data_dir / "refused").iterdir()) == []


@pytest.mark.parametrize(
    ("data", "words"), [({}, "Choose at least one file"), ({"as": "novel"}, "Choose one of: ")]
)
def test_a_form_that_does_not_fit_is_shown_again(
    cast: Cast, client_of: ClientOf, data: dict[str, str], words: str
) -> None:
    given = data and {**files(a_jsonl=GOOD), **data}
    answer = client_of(cast.lena).post(URL, data=given)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_running_job_asks_again_with_and_without_javascript(
    cast: Cast, client_of: ClientOf, app: Flask, session: Session
) -> None:
    job = jobs.add(
        session, "import", by=cast.lena, project=cast.project, params={"files": [{"name": "a.jsonl"}]}
    )
    job.state, job.done, job.total = JobState.RUNNING, 10, 40
    session.commit()
    client, url = client_of(cast.lena), f"/p/birds/jobs/{job.uid}"
    page = client.get(url)
    assert f'hx-get="{url}"' in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert 'value="10" max="40"' in page.text
    assert "10 of 40 rows" in page.text
    fragment = client.get(url, headers={"HX-Request": "true"})
    assert "<html" not in fragment.text
    assert 'value="10" max="40"' in fragment.text
    job.done, job.total = 0, None
    session.commit()
    assert "Checking the files. Nothing is written before that." in client.get(url).text


def test_a_job_whose_worker_died_goes_on_where_it_stopped(
    cast: Cast, client_of: ClientOf, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1)
    whole = importing.loading.load
    calls = iter([True, False])

    def dies(*given: object) -> object:
        if not next(calls):
            raise KeyboardInterrupt
        return whole(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(importing.loading, "load", dies)
    client = client_of(cast.lena)
    client.post(URL, data=files(a_jsonl=GOOD))
    assert table_sizes(session, "responses") == {"responses": 1}
    monkeypatch.setattr(importing.loading, "load", whole)
    job = session.exec(select(Job)).one()
    assert job.state == JobState.RUNNING, "nobody could say that it stopped"
    with app.app_context():
        jobs.send_waiting()
    session.commit()
    session.refresh(job)
    assert (job.state, job.attempts) == (JobState.DONE, 2)
    assert job.result is not None
    assert (job.result["added"], job.result["already_there"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "status"), [("rui", 403), ("ann", 403), ("rosa", 403), ("vic", 403), ("otto", 404), (None, 303)]
)
def test_only_leads_import(
    cast: Cast, client_of: ClientOf, name: str | None, status: int, session: Session
) -> None:
    client = client_of(getattr(cast, name) if name else None)
    assert client.get(URL).status_code == status
    assert client.post(URL, data=files(a_jsonl=GOOD)).status_code == status
    assert table_sizes(session, "responses", "jobs") == {"responses": 0, "jobs": 0}


def test_a_job_is_seen_by_its_own_and_by_leads(cast: Cast, client_of: ClientOf, session: Session) -> None:
    job = jobs.add(session, "export", by=cast.rosa, project=cast.project, params={})
    session.commit()
    url = f"/p/birds/jobs/{job.uid}"
    seen = {
        name: client_of(getattr(cast, name)).get(url).status_code for name in ("rosa", "lena", "ann", "otto")
    }
    assert seen == {"rosa": 200, "lena": 200, "ann": 404, "otto": 404}
    assert url in client_of(cast.rosa).get("/p/birds/jobs").text
    assert url not in client_of(cast.ann).get("/p/birds/jobs").text
