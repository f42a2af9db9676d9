"""The API's description says what there is, no more and no less."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given
from openapi_spec_validator import validate
from pydantic import BaseModel
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
)
from sqlmodel import Session

from app.api.openapi import _document
from app.api.operations import OPERATIONS, Operation
from app.models import Account
from tests.annotation.arrange import queue
from tests.conftest import Cast

DOCUMENT = "/api/v1/openapi.json"


@pytest.fixture
def document(app: Flask) -> dict[str, dict[str, object]]:
    answer = app.test_client().get(DOCUMENT)
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


def test_each_operation_says_what_it_does(document: dict[str, dict[str, object]]) -> None:
    operations = [one for methods in document["paths"].values() for one in methods.values()]  # type: ignore[attr-defined]
    assert [one["operationId"] for one in operations if not one["summary"]] == []


def test_it_tells_of_headers_parts_and_what_a_snapshot_is_not(document: dict[str, dict[str, Any]]) -> None:
    paths = document["paths"]
    export = paths["/projects/{slug}/export"]["get"]["responses"]
    assert "X-Tiebreak-Export" in export["200"]["headers"]
    file = paths["/projects/{slug}/snapshots/{label}/{path}"]["get"]["responses"]
    assert {"200", "206", "304", "412", "416"} <= set(file)
    assert file["206"]["content"] == file["200"]["content"]
    headers = {name: told["required"] for name, told in file["200"]["headers"].items()}
    assert headers == {"ETag": True, "X-Tiebreak-Withdrawn": False}
    asked = document["components"]["schemas"]["SnapshotIn"]["properties"]
    assert ("formats" in asked, {"format", "file", "part"} & set(asked)) == (True, set())


def test_what_a_change_does_not_send_has_no_default(document: dict[str, dict[str, Any]]) -> None:
    changes = [methods["patch"] for methods in document["paths"].values() if "patch" in methods]
    assert {"change_project", "change_me"} <= {change["operationId"] for change in changes}
    for change in changes:
        schema = change["requestBody"]["content"]["application/json"]["schema"]
        assert schema["additionalProperties"] is False
        assert [name for name, said in schema["properties"].items() if "default" in said] == []
    made = document["components"]["schemas"]["ProjectIn"]["properties"]
    assert made["description"]["default"] == "", "where it is what a field left out comes to"


def test_one_model_may_be_made_changed_and_asked_by(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class NestIn(BaseModel):
        eggs: int = 1

    for name, made in {
        "make_nest": Operation("/nest", "PUT", scope=None, takes=NestIn),
        "change_nest": Operation("/nest", "PATCH", scope=None, takes=NestIn),
        "find_nest": Operation("/nest", scope=None, query=NestIn),
    }.items():
        monkeypatch.setitem(OPERATIONS, name, (made, "About a nest"))
    monkeypatch.setattr("app.api.openapi._document", _document.__wrapped__)
    told = app.test_client().get(DOCUMENT).get_json()
    validate(told)
    nest, schema = told["paths"]["/nest"], told["components"]["schemas"]["NestIn"]
    sent = {
        method: nest[method]["requestBody"]["content"]["application/json"]["schema"]
        for method in ("put", "patch")
    }
    assert sent["put"] == {"$ref": "#/components/schemas/NestIn"}
    assert schema["properties"]["eggs"]["default"] == 1
    assert "default" not in sent["patch"]["properties"]["eggs"]
    assert [said["name"] for said in nest["get"]["parameters"]] == ["eggs"]


# Open to anybody, and taking no more than a text in the address: they cannot be asked wrongly.
NEVER_WRONG = {f"GET /projects/{{slug}}/leaderboard/{view}" for view in ("bias", "robustness")}
# Some rules no schema tells, as that a slug is taken; an empty value is one not given; the token is good.
NOT_SAID = [positive_data_acceptance, negative_data_rejection, ignored_auth, missing_required_header]


def test_it_answers_as_described_whatever_is_sent(
    app: Flask, session: Session, cast: Cast, bearer: Callable[[Account], dict[str, str]]
) -> None:
    """Requests made up from the document, right ones and wrong ones: no answer that it does not describe."""
    app.config["SETTINGS"].api_requests_per_minute = 0
    queue(session, cast.project, 2)
    headers = bearer(cast.lena)
    operations = [found.ok() for found in schemathesis.openapi.from_wsgi(DOCUMENT, app).get_all_operations()]
    # Both kinds by one reading of the document, which takes as long as the requests.
    for operation, mode in itertools.product(operations, GenerationMode):
        if mode is GenerationMode.NEGATIVE and operation.label in NEVER_WRONG:
            continue

        @hypothesis.settings(
            max_examples=5,
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            if "slug" in case.path_parameters:
                case.path_parameters["slug"] = "birds"
            case.validate_response(case.call(headers=headers), excluded_checks=NOT_SAID)

        check()
