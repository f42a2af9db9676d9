"""What a request to the API carries."""

from typing import Any

import orjson
from flask import request

from app.errors import Input, Invalid, WrongMediaType, checked, checked_json


def received(model: type[Input]) -> Input:
    """The body, a JSON object, as this input model; no body is an empty object.

    Raises Invalid with what was expected, WrongMediaType for what is not sent as JSON.
    """
    return checked_json(model, orjson.dumps(_object(model)), extra="forbid")


def changed(model: type[Input], row: object) -> Input:
    """A row as this input model with what the body changes; what it does not name stays.

    Raises what ``received`` raises.
    """
    there = {name: getattr(row, name) for name in model.model_fields}
    return checked_json(model, orjson.dumps(there | _object(model)), extra="forbid")


def _object(model: type[Input]) -> dict[str, Any]:
    body = request.get_data()
    if not body:
        return {}
    if not request.is_json:
        raise WrongMediaType("Send JSON, and say so: Content-Type: application/json.")
    wanted = f"Send one JSON object: {{{', '.join(model.model_fields)}}}."
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Half of a surrogate pair, say, which is no text; the parser tells where.
        raise Invalid(f"This cannot be read as JSON ({error}). {wanted}") from error
    if not isinstance(found, dict):
        raise Invalid(wanted)
    if rb"\u0000" in body and _has_nul(found):
        # PostgreSQL keeps no text with one.
        raise Invalid("There is a NUL character in what was sent. Take it out and send it again.")
    return found


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\x00" in value


def asked(model: type[Input]) -> Input:
    """The query string as this input model; a repeated name is a list, an empty value was not given.

    Raises Invalid.
    """
    given = {name: [value for value in values if value] for name, values in request.args.lists()}
    values = {name: found[0] if len(found) == 1 else found for name, found in given.items() if found}
    return checked(model, values, extra="forbid")
