"""Where the files of snapshots lie: a directory, or an object store."""

import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.settings import Settings

# Objects are written and read in parts of this size, each a request.
CHUNK = 2**23


class Store:
    """Keeps a snapshot's folder under its key; what is half-written is never seen under that."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.data_dir.resolve() / "snapshots"
        self._remote, self._prefix = _remote(settings.snapshot_url)

    def draft(self, key: str) -> Path:
        """An empty folder on this machine to write in; what an earlier try left there is gone."""
        folder = self._root / ".making" / key.replace("/", "--")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def discard(self, key: str) -> None:
        """Forget a draft, and what was published of it when its end was cut off."""
        shutil.rmtree(self._root / ".making" / key.replace("/", "--"), ignore_errors=True)
        if self._remote is None:
            shutil.rmtree(self._root / key, ignore_errors=True)
        elif self._remote.get_file_info(self._at(key)).type.name == "Directory":
            self._remote.delete_dir(self._at(key))

    def publish(self, draft: Path, key: str) -> None:
        """Make a finished draft the snapshot: all at once in a directory, file by file in an object store.

        There it is the database that says when it is there.
        """
        if self._remote is None:
            (self._root / key).parent.mkdir(parents=True, exist_ok=True)
            draft.rename(self._root / key)
            return
        for path in sorted(draft.rglob("*")):
            if path.is_file():
                self._upload(path, f"{key}/{path.relative_to(draft)}")
        shutil.rmtree(draft)

    def _upload(self, path: Path, key: str) -> None:
        self._remote.create_dir(self._at(key).rpartition("/")[0])
        # As it is: by its name, Arrow would compress what is compressed already.
        with (
            path.open("rb") as file,
            self._remote.open_output_stream(self._at(key), compression=None) as target,
        ):
            shutil.copyfileobj(file, target, CHUNK)

    def path(self, key: str) -> Path | None:
        """A published file on this machine; None where it lies in an object store."""
        return self._root / key if self._remote is None else None

    def open(self, key: str) -> BinaryIO:
        """A published file, to read from any place."""
        if self._remote is None:
            return (self._root / key).open("rb")
        return cast(BinaryIO, self._remote.open_input_file(self._at(key)))

    def _at(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


@lru_cache
def _remote(url: str) -> tuple[Any, str]:
    if not url:
        return None, ""
    # Not at the top: pyarrow takes long to start.
    from pyarrow import fs

    remote, prefix = fs.FileSystem.from_uri(url)
    return remote, prefix.rstrip("/")
