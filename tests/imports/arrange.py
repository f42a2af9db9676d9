"""Small files in the shapes people have, and the short way to import them."""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session

from app.imports.forms import ImportIn
from app.imports.importing import File, Report, import_files
from app.models import Project

Rows = list[dict[str, Any]]


def json_lines(rows: Rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


class Importer:
    """Imports rows or bytes into a project, as a person at a terminal would."""

    def __init__(self, app: Flask, project: Project, folder: Path) -> None:
        self.engine: sa.Engine = app.extensions["engine"]
        self.project = project
        self.folder = folder

    def __call__(self, content: Rows | bytes, name: str = "file.jsonl", **asked: Any) -> Report:
        return self.several({name: content}, **asked)

    def several(self, contents: dict[str, Rows | bytes], **asked: Any) -> Report:
        files = []
        for name, content in contents.items():
            path = self.folder / name
            path.write_bytes(content if isinstance(content, bytes) else json_lines(content))
            files.append(File(path, name))
        return import_files(
            self.engine, self.project, files, ImportIn.model_validate(asked), by=None, max_row_mb=1
        )


def counts(report: Report) -> tuple[int, int, int, int]:
    """Rows read, added, already there, refused."""
    return tuple(report.total(name) for name in ("read", "added", "already_there", "refused"))  # type: ignore[return-value]


def table_sizes(session: Session, *tables: str) -> dict[str, int]:
    session.rollback()
    return {table: session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}  # noqa: S608


def response(number: int, model: str, text: str | None = None) -> dict[str, Any]:
    return {"prompt": f"Question {number}?", "model": model, "response": text or f"{model} answers {number}"}


def comparison(number: int, a: str = "heron", b: str = "wren", **more: Any) -> dict[str, Any]:
    sides = {
        "model_a": a,
        "response_a": f"{a} says {number}",
        "model_b": b,
        "response_b": f"{b} says {number}",
    }
    return {"prompt": f"Question {number}?", **sides, **more}


def vote(winner: str, a: str = "heron", b: str = "wren", **more: Any) -> dict[str, Any]:
    return {"model_a": a, "model_b": b, "winner": winner, **more}


# Two that are the same, twice.
VOTES = [
    vote("model_a", prompt_id="q1", annotator="kim"),
    vote("model_a", prompt_id="q1", annotator="kim"),
    vote("tie"),
    vote("tie"),
    vote("both_bad", prompt_id="q1", annotator="lou", language="en", category="birds"),
]
