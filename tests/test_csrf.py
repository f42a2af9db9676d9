"""What protects people from other sites: tokens in forms, headers on every answer."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter

from app import web
from tests.conftest import Cast

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def protected(app: Flask) -> Flask:
    app.config["WTF_CSRF_ENABLED"] = True
    return app


def some_value(name: str, converter: BaseConverter, cast: Cast) -> Any:
    if isinstance(converter, IntegerConverter):
        return 1
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return {"slug": "birds", "uid": cast.ben.uid}.get(name, "x")


def routes(app: Flask, cast: Cast, methods: set[str]) -> Iterator[tuple[str, str]]:
    """The path and one of the methods of every route that takes any of these."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            for method in methods & (rule.methods or set()):
                values = {name: some_value(name, found, cast) for name, found in rule._converters.items()}
                built = rule.build(values)
                if built:
                    yield method, built[1]


def test_no_page_takes_a_form_without_its_token(protected: Flask, cast: Cast, client_of: Any) -> None:
    client = client_of(cast.ada)
    pages = [
        (method, path) for method, path in routes(protected, cast, UNSAFE) if not path.startswith("/api/")
    ]
    assert len(pages) > 20
    for method, path in pages:
        answer = client.open(path, method=method, data={"name": "x"})
        assert answer.status_code == 400, path
        assert "out of date" in answer.text


def test_the_api_asks_for_a_bearer_token_instead(protected: Flask, cast: Cast, client_of: Any) -> None:
    client = client_of(cast.ada)
    for method, path in routes(protected, cast, UNSAFE):
        if path.startswith("/api/"):
            answer = client.open(path, method=method, json={})
            assert answer.status_code == 401, path
            assert answer.content_type == "application/problem+json"


def test_a_form_as_the_browser_sends_it_is_taken(protected: Flask, cast: Cast, client_of: Any) -> None:
    client = client_of(cast.ann)
    page = client.get("/account").text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    form = {"csrf_token": found[1], "name": "Anna"}
    assert client.post("/account/name", data=form).status_code == 303
    stranger = client_of(cast.ben)
    assert stranger.post("/account/name", data=form).status_code == 400, "another's token is of no use"


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 303), ("same-site", 400), ("cross-site", 400), ("none", 400)]
)
def test_a_form_without_a_token_is_taken_where_the_browser_vouches_for_it(
    protected: Flask, cast: Cast, client_of: Any, site: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": site}
    assert (
        client_of(cast.ann).post("/account/name", data={"name": "Anna"}, headers=headers).status_code
        == status
    )


def test_every_post_form_carries_a_token(protected: Flask, cast: Cast, client_of: Any) -> None:
    client = client_of(cast.ada)
    for page in ("/account", "/account/tokens", "/people", "/p/birds/settings", "/p/birds/members"):
        text = client.get(page).text
        forms = re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL)
        assert forms
        assert all('name="csrf_token"' in form for form in forms), page


def test_every_answer_has_the_headers(app: Flask, cast: Cast, client_of: Any) -> None:
    for client in (client_of(cast.ada), app.test_client()):
        for _, path in routes(app, cast, {"GET"}):
            answer = client.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["Referrer-Policy"] == "same-origin", path


def test_the_policy_allows_nothing_inline() -> None:
    for source in ("script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert source in web.CONTENT_SECURITY_POLICY


def test_pages_hold_nothing_the_policy_would_stop(app: Flask, cast: Cast, client_of: Any) -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE)
    client = client_of(cast.ada)
    for _, path in routes(app, cast, {"GET"}):
        answer = client.get(path)
        if answer.mimetype == "text/html":
            found = inline.search(answer.text)
            assert found is None, (path, found)


def test_a_language_for_this_browser_alone_needs_no_token(
    protected: Flask, cast: Cast, client_of: Any
) -> None:
    form = {"language": "es"}
    assert client_of(None).post("/language", data=form).status_code == 303
    assert client_of(cast.ann).post("/language", data=form).status_code == 400
    assert "csrf_token" not in client_of(None).get("/").text
