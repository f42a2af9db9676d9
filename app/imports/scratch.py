"""What an import must remember of its file, kept on disk so that memory does not follow its size."""

import hashlib
import sqlite3


class Scratch:
    """Counts of things by name in a private temporary database, gone when closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA cache_size=-4096")
        self._database.execute("CREATE TABLE counts (name BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID")

    def count(self, kind: bytes, name: bytes) -> int:
        """How often this name has now been counted, this time included."""
        hashed = hashlib.blake2b(name, digest_size=12, person=kind).digest()
        row = self._database.execute(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n", (hashed,)
        )
        return int(row.fetchone()[0])

    def close(self) -> None:
        """Forget everything."""
        self._database.close()
