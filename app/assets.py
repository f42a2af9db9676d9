"""Static files: read and compressed once, and kept by browsers until one of them changes."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, request, url_for

STATIC = Path(__file__).parent.parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
COMPRESSED_ALREADY = {".woff2"}


@dataclass(frozen=True)
class File:
    """A static file as it is sent; ``packed`` is its gzip form, where that is smaller."""

    content: bytes
    packed: bytes | None
    kind: str


def init_app(app: Flask) -> None:
    """Serve the files, and let templates name them."""
    app.add_url_rule("/static/<edition>/<path:filename>", "static", send)
    app.add_template_global(asset)  # a global, because imported macros see no context


def asset(filename: str) -> str:
    """A static file's address.

    It changes when any of the files does, so that they may refer to each other by relative addresses.
    """
    return url_for("static", edition=edition(), filename=filename)


@cache
def edition() -> str:
    """A digest of all static files."""
    digest = hashlib.sha256()
    for name, file in _files().items():
        digest.update(hashlib.sha256(name.encode() + b"\0" + file.content).digest())
    return digest.hexdigest()[:12]


def send(filename: str, **asked: str) -> Response:
    """One of the files; for an address of another edition, only for now."""
    file = _files().get(filename)
    if file is None:
        abort(404)
    packed = file.packed if request.accept_encodings.quality("gzip") else None
    response = Response(packed or file.content, mimetype=file.kind)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    if file.packed:
        response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = FOR_EVER if asked["edition"] == edition() else "no-store"
    return response


@cache
def _files() -> dict[str, File]:
    paths = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return {path.relative_to(STATIC).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> File:
    content = path.read_bytes()
    packed = None if path.suffix in COMPRESSED_ALREADY else gzip.compress(content, mtime=0)
    return File(content, packed, KINDS[path.suffix])
