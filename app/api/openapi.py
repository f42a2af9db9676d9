"""The API's description of itself."""

from typing import Any

from pydantic import BaseModel

from app.annotation.forms import JudgmentIn
from app.api import bp
from app.exports.forms import ExportSpec
from app.imports.forms import ImportIn
from app.leaderboard.forms import StandingsQuery
from app.pairing.forms import PairingIn
from app.rubric import Rubric

Part = dict[str, Any]

INFO = {
    "title": "Tiebreak",
    "version": "1",
    "description": "Pairs of model responses, preferences, and rankings that say how sure they are.",
}


@bp.get("/openapi.json")
def openapi() -> Part:
    """The OpenAPI document; it needs no token."""
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": PROBLEM, "Job": JOB, "Leaderboard": LEADERBOARD, "Assignment": ASSIGNMENT},
        },
    }


def _paths() -> Part:
    return {
        "/projects": {"get": _operation("The projects this token may see", _json({"type": "object"}))},
        "/projects/{slug}/leaderboard": {
            "get": _operation(
                "The standings; a public project's need no token",
                _json(_ref("Leaderboard")) | {"304": {"description": "Nothing changed since this ETag"}},
                parameters=[SLUG, *_query(StandingsQuery)],
            )
        },
        "/projects/{slug}/assignments": {
            "post": _operation(
                "Claim the next comparison, blind",
                _json(_ref("Assignment"), "201", "A new assignment")
                | _json(_ref("Assignment"), "200", "The one in hand already")
                | {"204": {"description": "Nothing is left to judge"}},
                parameters=[SLUG],
            )
        },
        "/projects/{slug}/assignments/{uid}/skip": {
            "post": _operation("Pass on an assignment", NO_CONTENT, parameters=[SLUG, UID])
        },
        "/projects/{slug}/judgments": {
            "post": _operation(
                "Record a verdict; the same submission_id again is the same judgment",
                _json({"type": "object"}, "201", "Recorded")
                | _json({"type": "object"}, "200", "Known already"),
                parameters=[SLUG],
                body={"application/json": {"schema": _schema(JudgmentIn)}},
            )
        },
        "/projects/{slug}/imports": {
            "post": _operation(
                "Import files as a job",
                _json({"type": "object"}, "202", "A job to watch"),
                parameters=[
                    SLUG,
                    {"name": "name", "in": "query", "schema": {"type": "string"}},
                    *_query(ImportIn),
                ],
                body={
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                            },
                        }
                    },
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                },
            )
        },
        "/projects/{slug}/pairs": {
            "post": _operation(
                "Queue comparisons of responses as a job",
                _json({"type": "object"}, "202", "A job to watch")
                | _json({"type": "object"}, "200", "What would be queued, after dry_run=true"),
                parameters=[SLUG, {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}}],
                body={"application/json": {"schema": _schema(PairingIn)}},
            )
        },
        "/projects/{slug}/export": {
            "get": _operation(
                "A live stream of preferences or judgments",
                {"200": {"description": "The file", "content": {"application/x-ndjson": {}}}},
                parameters=[SLUG, *_query(ExportSpec)],
            )
        },
        "/projects/{slug}/exports/{uid}": {
            "get": _operation(
                "The receipt of a finished export", _json({"type": "object"}), parameters=[SLUG, UID]
            )
        },
        "/jobs/{uid}": {"get": _operation("How far a job is", _json(_ref("Job")), parameters=[UID])},
        "/openapi.json": {"get": _operation("This document", _json({"type": "object"})) | {"security": []}},
    }


def _operation(
    summary: str, responses: Part, *, parameters: list[Part] | None = None, body: Part | None = None
) -> Part:
    problem = {
        "description": "What was wrong",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }
    operation: Part = {"summary": summary, "responses": responses | {"default": problem}}
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"content": body, "required": True}
    return operation


def _json(schema: Part, status: str = "200", description: str = "Found") -> Part:
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def _ref(name: str) -> Part:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema(model: type[BaseModel]) -> Part:
    """An input model's JSON schema, its definitions folded in so that references stay inside it."""
    schema = model.model_json_schema()
    folded: Part = _folded(schema, schema.pop("$defs", {}))
    return folded


def _folded(value: Any, definitions: Part) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _folded(definitions[value["$ref"].rsplit("/", 1)[1]], definitions)
        return {name: _folded(item, definitions) for name, item in value.items()}
    return [_folded(item, definitions) for item in value] if isinstance(value, list) else value


def _query(model: type[BaseModel]) -> list[Part]:
    properties: Part = _schema(model)["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _object(required: list[str], **properties: Part) -> Part:
    return {"type": "object", "required": required, "properties": properties}


TEXT = {"type": "string"}
COUNT = {"type": "integer"}
ANY: Part = {}
MESSAGES = {"type": "array", "items": _object(["role", "content"], role=TEXT, content=TEXT)}

SLUG = {"name": "slug", "in": "path", "required": True, "schema": TEXT}
UID = {"name": "uid", "in": "path", "required": True, "schema": TEXT}
NO_CONTENT = {"204": {"description": "Done"}}

PROBLEM = _object(
    ["type", "title", "status", "detail", "errors"],
    type=TEXT,
    title=TEXT,
    status=COUNT,
    detail=TEXT,
    instance=TEXT,
    errors={"type": "array", "items": _object(["pointer", "detail"], pointer=TEXT, detail=TEXT)},
)
JOB = _object(
    ["job", "kind", "state"],
    job=TEXT,
    kind=TEXT,
    state={"type": "string", "enum": ["queued", "running", "done", "failed"]},
    done=COUNT,
    total=ANY,
    result=ANY,
    error=ANY,
)
ASSIGNMENT = _object(
    ["assignment_id", "prompt", "response_a", "response_b", "shown_first"],
    assignment_id=TEXT,
    prompt=_object(["messages"], messages=MESSAGES, category=ANY, language=ANY),
    response_a=_object(["messages"], messages=MESSAGES),
    response_b=_object(["messages"], messages=MESSAGES),
    shown_first={"type": "string", "enum": ["a", "b"]},
    content_warning={"type": "boolean"},
    rubric={"type": "object", "properties": {"version": ANY, **_schema(Rubric)["properties"]}},
)
LEADERBOARD = _object(
    ["method", "parameters", "votes", "models", "notes"],
    method=TEXT,
    parameters={"type": "object"},
    votes=COUNT,
    models={"type": "array", "items": {"type": "object"}},
    notes={"type": "array", "items": TEXT},
)
