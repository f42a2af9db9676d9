"""The API's description of itself: its operations, and the models they take and give."""

import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.api.answers import ProblemDocument
from app.api.operations import OPERATIONS, Operation, get
from app.api.repeats import HEADER, LONGEST

Part = dict[str, Any]
Model = type[BaseModel]

INFO = {
    "title": "Tiebreak",
    "version": "1",
    "description": "Pairs of model responses, preferences, and rankings that say how sure they are.",
}
COMPONENT = "#/components/schemas/"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@get("/openapi.json", scope=None, is_open=True, for_one_project=True, gives_media=("application/json",))
def openapi() -> Response:
    """This description."""
    return Response(_document(), mimetype="application/json")


@cache
def _document() -> bytes:
    schemas = _Schemas([operation for operation, _ in OPERATIONS.values()])
    paths: Part = {}
    for name, (operation, summary) in OPERATIONS.items():
        described = _operation(name, summary, operation, schemas)
        paths.setdefault(_path(operation), {})[operation.method.lower()] = described
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": INFO,
            "servers": [{"url": "/api/v1"}],
            "paths": paths,
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "schemas": schemas.components,
            },
        }
    )


def _path(operation: Operation) -> str:
    return PARAMETER.sub(r"{\1}", operation.path)


class _Schemas:
    """The JSON schemas of all models: bodies refuse what they do not know, and so do query strings.

    Of a change nothing is required, and nothing has a default: what is not sent stays.
    """

    def __init__(self, operations: list[Operation]) -> None:
        queries = {operation.query for operation in operations if operation.query}
        bodies = {one.takes for one in operations if one.takes and one.method != "PATCH"}
        changes = {one.takes for one in operations if one.takes and one.method == "PATCH"}
        answers = {model for operation in operations for model in _given(operation)}
        read: list[tuple[Model, JsonSchemaMode]] = [
            (model, "validation") for model in queries | bodies | changes
        ]
        written: list[tuple[Model, JsonSchemaMode]] = [(model, "serialization") for model in answers]
        self._references, found = models_json_schema([*read, *written], ref_template=COMPONENT + "{model}")
        self.components: Part = found["$defs"]
        for model in bodies | changes:
            self.of(model, "validation")["additionalProperties"] = False
        self._queries = {model: self.of(model, "validation") for model in queries}
        self._changes = {model: _of_change(self.of(model, "validation")) for model in changes}
        for model in (queries | changes) - bodies:
            del self.components[self._name(model, "validation")]

    def reference(self, model: Model, mode: JsonSchemaMode) -> Part:
        return self._references[model, mode]

    def of(self, model: Model, mode: JsonSchemaMode) -> Part:
        schema: Part = self.components[self._name(model, mode)]
        return schema

    def query(self, model: Model) -> Part:
        return self._queries[model]

    def change(self, model: Model) -> Part:
        return self._changes[model]

    def _name(self, model: Model, mode: JsonSchemaMode) -> str:
        return str(self.reference(model, mode)["$ref"]).removeprefix(COMPONENT)


def _of_change(schema: Part) -> Part:
    told = {
        name: {key: value for key, value in said.items() if key != "default"}
        for name, said in schema["properties"].items()
    }
    return {key: value for key, value in schema.items() if key != "required"} | {"properties": told}


def _given(operation: Operation) -> list[Model]:
    models = [operation.gives, *(model for _, model in operation.also.values()), ProblemDocument]
    return [model for model in models if model]


def _operation(name: str, summary: str, operation: Operation, schemas: _Schemas) -> Part:
    described: Part = {
        "operationId": name,
        "summary": summary,
        "security": _security(operation),
        "parameters": _parameters(operation, schemas),
        "responses": _responses(operation, schemas),
    }
    if body := _body(operation, schemas):
        described["requestBody"] = {"content": body, "required": _must_say(operation)}
    return described


def _security(operation: Operation) -> list[Part]:
    """The token's scope; no token at all where one may ask without."""
    needed: Part = {"token": [operation.scope] if operation.scope else []}
    return [needed, {}] if operation.is_open else [needed]


def _parameters(operation: Operation, schemas: _Schemas) -> list[Part]:
    text = {"type": "string"}
    found: list[Part] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in PARAMETER.findall(operation.path)
    ]
    if operation.query:
        properties: Part = schemas.query(operation.query)["properties"]
        found += [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]
    if operation.repeatable:
        key = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[ -~]+$"}
        about = "Sent again with the same key within a day, the request is done once and answered the same."
        found.append({"name": HEADER, "in": "header", "schema": key, "description": about})
    return found


def _body(operation: Operation, schemas: _Schemas) -> Part:
    content: Part = {media: {"schema": {}} for media in operation.takes_media}
    if operation.takes:
        is_change = operation.method == "PATCH"
        schema = (
            schemas.change(operation.takes) if is_change else schemas.reference(operation.takes, "validation")
        )
        content["application/json"] = {"schema": schema}
    return content


def _must_say(operation: Operation) -> bool:
    fields = operation.takes.model_fields.values() if operation.takes else ()
    return operation.method != "PATCH" and any(field.is_required() for field in fields)


def _responses(operation: Operation, schemas: _Schemas) -> Part:
    found: Part = {"default": _answer("What was wrong", ProblemDocument, "application/problem+json", schemas)}
    if operation.gives_media:
        found[str(int(operation.status))] = {
            "description": "Found",
            "content": {media: {} for media in operation.gives_media},
        }
        told = _headers(operation.headers) | _headers(operation.headers_of_some, required=False)
        if told:
            found[str(int(operation.status))]["headers"] = told
        if operation.by_ranges:
            found |= _by_ranges(operation, schemas)
    else:
        status = operation.status if operation.gives else HTTPStatus.NO_CONTENT
        found[str(int(status))] = _answer(
            HTTPStatus(status).phrase, operation.gives, "application/json", schemas
        )
    for status, (means, model) in operation.also.items():
        found[str(status)] = _answer(means, model, "application/json", schemas)
    return found


def _headers(told: Mapping[str, str], *, required: bool = True) -> Part:
    return {
        name: {"description": means, "required": required, "schema": {"type": "string"}}
        for name, means in told.items()
    }


def _by_ranges(operation: Operation, schemas: _Schemas) -> Part:
    """What is answered to `Range`, `If-None-Match` and `If-Match`."""
    problem = _answer("It ends before that", ProblemDocument, "application/problem+json", schemas)
    where = {"Content-Range": "Which bytes, of how many"}
    part = {"description": "The part asked for", "content": {media: {} for media in operation.gives_media}}
    return {
        "206": part | {"headers": _headers(where)},
        "304": {"description": "Still the same"},
        "412": {"description": "No longer the same"},
        "416": problem | {"headers": _headers(where)},
    }


def _answer(means: str, model: Model | None, media: str, schemas: _Schemas) -> Part:
    if model is None:
        return {"description": means}
    return {
        "description": means,
        "content": {media: {"schema": schemas.reference(model, "serialization")}},
    }
