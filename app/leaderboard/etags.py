"""Answers that are not made again while nothing changed."""

import hashlib
from collections.abc import Callable

from flask import Response, request

from app import language


def unless_known(parts: tuple[object, ...], make: Callable[[], Response]) -> Response:
    """The answer with an ETag of everything it depends on, or 304 where the asker has it already."""
    tag = hashlib.sha256(repr((language.current(), *parts)).encode()).hexdigest()[:24]
    known = request.if_none_match.contains_weak(tag)
    response = Response(status=304) if known else make()
    response.set_etag(tag)
    # To be kept by the asker alone, and asked again each time: a role may end at any moment.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
