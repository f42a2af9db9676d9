"""The API's description says what there is, no more and no less."""

import re

import pytest
from flask import Flask
from openapi_spec_validator import validate


@pytest.fixture
def document(app: Flask) -> dict[str, dict[str, object]]:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.get_json()  # type: ignore[no-any-return]


def test_it_is_a_valid_openapi_document(document: dict[str, dict[str, object]]) -> None:
    validate(document)


def test_it_names_every_route_and_only_those(app: Flask, document: dict[str, dict[str, object]]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}  # type: ignore[attr-defined]
    assert described == routes


def test_an_unknown_address_is_a_problem_document(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 404
