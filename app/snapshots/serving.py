"""A snapshot's file, or all of them, as an HTTP answer: strong ETag, ranges, nothing sent twice."""

from http import HTTPStatus
from typing import Any

from flask import Response, request, send_file
from werkzeug.http import parse_range_header
from werkzeug.wsgi import FileWrapper, wrap_file

from app.models import Snapshot
from app.snapshots import media, reading
from app.snapshots.store import CHUNK, Store
from app.snapshots.tar import Tar

# Tells programs, since the files of a withdrawn snapshot stay as they are.
WITHDRAWN = "X-Tiebreak-Withdrawn"
WHOLE = "application/x-tar"


class _Seekable(FileWrapper):
    """In place of the server's own wrapper, which would read all that is before the end of a file."""

    @property
    def filelike(self) -> Any:
        """The file, by the name the server looks for it by."""
        return self.file


def respond(store: Store, snapshot: Snapshot, path: str) -> Response:
    """The file, or the part of it that is asked for. Raises NotFound for a path that is none of its."""
    file = reading.file_of(snapshot, path)
    key = reading.key(snapshot, path)
    name = f"{snapshot.label}-{path.replace('/', '-')}"
    media_type = media.media_type(path)
    _read_range()
    local = store.path(key)
    if local is not None:
        response = send_file(
            local,
            media_type,
            as_attachment=True,
            download_name=name,
            etag=file["sha256"],
            last_modified=snapshot.ready_at,
        )
    else:
        response = _from(store.open(key), file["bytes"], file["sha256"], media_type, name)
    return _told(response, snapshot, file["sha256"])


def respond_whole(store: Store, snapshot: Snapshot) -> Response:
    """All its files as one tar, or the part of it that is asked for."""
    _read_range()
    tar = Tar(store, snapshot)
    # Its bytes are made of the digests of the files, and of nothing else that changes.
    etag = f"{snapshot.digest}.tar"
    return _told(_from(tar, tar.size, etag, WHOLE, f"{snapshot.label}.tar"), snapshot, etag)


def _read_range() -> None:
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) > 1:
        # What is no range, or several, may be ignored (RFC 9110, 14.2); werkzeug would refuse it.
        request.environ.pop("HTTP_RANGE", None)
    else:
        request.environ["wsgi.file_wrapper"] = _Seekable


def _from(file: Any, size: int, etag: str, media_type: str, name: str) -> Response:
    response = Response(wrap_file(request.environ, file, CHUNK), mimetype=media_type, direct_passthrough=True)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.content_length = size
    response.set_etag(etag)
    response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    return response


def _told(response: Response, snapshot: Snapshot, etag: str) -> Response:
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.close()
        response = Response(status=response.status_code)
        response.set_etag(etag)
    if snapshot.withdrawn_at is not None:
        response.headers[WITHDRAWN] = snapshot.withdrawn_at.isoformat()
    # It never changes, but who may read it does.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
