"""An export as an HTTP answer, for the page and the API."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from app import db
from app.errors import checked
from app.exports import stream
from app.exports.choices import known
from app.exports.files import MEDIA_TYPES
from app.exports.forms import ExportSpec, Part
from app.permissions import Access


def read_spec() -> ExportSpec:
    """What a program's query string asks for. Raises Invalid with what does not fit, empty values too."""
    return checked(ExportSpec, _values(request.args.lists()))


def read_form() -> ExportSpec:
    """What the query string of a form asks for. Raises Invalid with what does not fit."""
    return checked(ExportSpec, asked(request.args))


def asked(given: "MultiDict[str, str]") -> dict[str, Any]:
    """A form's fields as values: a repeated name is a list, an empty field was not filled in."""
    filled = ((name, [value for value in values if value.strip()]) for name, values in given.lists())
    return _values((name, values) for name, values in filled if values)


def _values(given: Iterable[tuple[str, list[str]]]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in given}


def respond(access: Access, spec: ExportSpec) -> Response:
    """A streamed response; its receipt can be read once the last byte is out.

    Raises Invalid for names the project does not know, NotFound where there is nothing to write.
    """
    spec = known(db.session(), access.project, spec)
    receipt = stream.Receipt()
    body = stream.stream(db.lent(), access.project, spec, receipt, access.account)
    # Made before the answer starts: what goes wrong until then still becomes a clear one.
    first = next(body)
    response = Response(
        chain([first], body),
        mimetype="application/json" if spec.part is Part.DATASET_INFO else MEDIA_TYPES[spec.file],
        headers={
            "Content-Disposition": f'attachment; filename="{spec.file_name(access.project.slug)}"',
            "X-Tiebreak-Export": receipt.uid,
            "X-Accel-Buffering": "no",
        },
    )
    response.call_on_close(body.close)
    return response
