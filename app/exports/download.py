"""An export as an HTTP answer, for the page and the API."""

from typing import Any

from flask import Response, request

from app import db
from app.errors import checked
from app.exports import stream
from app.exports.forms import ExportSpec
from app.permissions import Access


def read_spec() -> ExportSpec:
    """What the query string asks for. Raises Invalid with what does not fit."""
    return checked(ExportSpec, asked())


def asked() -> dict[str, Any]:
    """The query string; a repeated name is a list, an empty value was not given."""
    asked = {name: [value for value in values if value] for name, values in request.args.lists()}
    return {name: values[0] if len(values) == 1 else values for name, values in asked.items() if values}


def respond(access: Access, spec: ExportSpec) -> Response:
    """A streamed response; its receipt can be read once the last byte is out."""
    receipt = stream.Receipt()
    body = stream.stream(db.engine(), access.project, spec, receipt, access.account)
    kind = "application/vnd.apache.parquet" if spec.file == "parquet" else "application/x-ndjson"
    name = f"{access.project.slug}-{spec.format}.{spec.file}"
    return Response(
        body,
        mimetype=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Tiebreak-Export": receipt.uid,
            "X-Accel-Buffering": "no",
        },
    )
