"""What a request to the API carries."""

from typing import Any

from flask import request

from app.errors import Invalid


def json_object(expected: str, *, optional: bool = False) -> dict[str, Any]:
    """The body as a JSON object; an optional one may be empty, however it was sent.

    Raises Invalid with what was ``expected`` for anything else.
    """
    if optional and not request.get_data():
        return {}
    try:
        found = request.get_json(silent=True)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise Invalid(expected)
    return found
