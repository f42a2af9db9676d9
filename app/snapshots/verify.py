"""Tells whether a copy of a snapshot is whole and unchanged; needs nothing but the folder."""

import hashlib
import re
from pathlib import Path

from app.errors import NotFound

SUMS = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def digest(folder: Path) -> str:
    """The snapshot's digest, by which it is cited: the SHA-256 of its SHA256SUMS, in hexadecimal.

    Raises NotFound where there is none.
    """
    return hashlib.sha256(_sums(folder)).hexdigest()


def _sums(folder: Path) -> bytes:
    try:
        return (folder / SUMS).read_bytes()
    except OSError as error:
        raise NotFound(f"{folder} is no snapshot: it has no {SUMS} that can be read.") from error


def differences(folder: Path) -> list[str]:
    """What differs from what SHA256SUMS says, a sentence each. Raises NotFound where there is none."""
    lines = _sums(folder).decode(errors="replace").splitlines()
    found: list[str] = []
    told: set[str] = set()
    for number, text in enumerate(lines, 1):
        parts = LINE.fullmatch(text)
        if parts is None:
            found.append(f"{SUMS}, line {number}: is not a digest and a path")
            continue
        expected, path = parts.groups()
        told.add(path)
        if problem := _problem(folder, path, expected):
            found.append(f"{path}: {problem}")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    found += [f"{path}: is not part of the snapshot" for path in sorted(there - told - {SUMS})]
    if not told:
        found.append(f"{SUMS}: names no file")
    return found


def _problem(folder: Path, path: str, expected: str) -> str | None:
    target = folder / path
    if not target.resolve().is_relative_to(folder.resolve()):
        return "lies outside of the folder"
    try:
        with target.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == expected
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if same else "has changed or is cut off"
