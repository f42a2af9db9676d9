"""A whole snapshot as one file, made while it is read: the same bytes each time, in whatever parts."""

import tarfile
from bisect import bisect_right
from collections.abc import Callable
from io import BytesIO
from itertools import accumulate
from typing import BinaryIO

from app.models import Snapshot
from app.snapshots import reading
from app.snapshots.store import Store

# Two blocks of nothing are a tar's end.
END = b"\0" * (2 * tarfile.BLOCKSIZE)


class Tar:
    """The folder of a snapshot, readable and seekable as a file; no more than one of its own is open."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._store = store
        # How long each part is, and how it is opened: headers, files, what fills their last blocks.
        self._parts: list[tuple[int, Callable[[], BinaryIO]]] = []
        for file in snapshot.files:
            self._add(_header(snapshot, file["path"], file["bytes"]))
            self._add_file(reading.key(snapshot, file["path"]), file["bytes"])
            self._add(b"\0" * (-file["bytes"] % tarfile.BLOCKSIZE))
        self._add(END)
        *self._begins, self.size = accumulate((length for length, _ in self._parts), initial=0)
        self._place = 0
        self._open: tuple[int, BinaryIO] | None = None

    def _add(self, data: bytes) -> None:
        self._parts.append((len(data), lambda: BytesIO(data)))

    def _add_file(self, key: str, length: int) -> None:
        self._parts.append((length, lambda: self._store.open(key)))

    def read(self, size: int) -> bytes:
        """Up to as many bytes of the part that comes; none at the end, or where a file of it is cut off."""
        if self._place >= self.size:
            return b""
        number = bisect_right(self._begins, self._place) - 1
        data = self._part(number).read(min(size, self._begins[number] + self._parts[number][0] - self._place))
        self._place += len(data)
        return data

    def _part(self, number: int) -> BinaryIO:
        if self._open is None or self._open[0] != number:
            self.close()
            self._open = number, self._parts[number][1]()
            self._open[1].seek(self._place - self._begins[number])
        return self._open[1]

    def seekable(self) -> bool:
        """Whether a part of it can be had."""
        return True

    def seek(self, place: int) -> None:
        """Go on reading from there."""
        self.close()
        self._place = place

    def tell(self) -> int:
        """Where it is read next."""
        return self._place

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None


def _header(snapshot: Snapshot, path: str, size: int) -> bytes:
    told = tarfile.TarInfo(f"{snapshot.label}/{path}")
    told.size = size
    told.mtime = int(snapshot.ready_at.timestamp()) if snapshot.ready_at else 0
    return told.tobuf(tarfile.PAX_FORMAT)
