"""What a snapshot's judgments were asked: each version of the guideline and of the rubric, in full."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.exports import filters
from app.exports.forms import File, Format
from app.models import Guideline, Project, RubricVersion
from app.rubric import Rubric
from app.snapshots.forms import SnapshotIn


@dataclass(frozen=True)
class Version:
    """One version as a file, and how many of the judgments that were read it was asked of."""

    number: int
    since: datetime
    path: str
    content: bytes
    judgments: int

    @property
    def text(self) -> str:
        """What the file says."""
        return self.content.decode()

    def as_dict(self) -> dict[str, Any]:
        """For the manifest, which names no file where it was asked of no judgment."""
        digest = hashlib.sha256(self.content).hexdigest()
        told = {"version": self.number, "since": self.since.isoformat(), "sha256": digest}
        return told | {"judgments": self.judgments} | ({"path": self.path} if self.judgments else {})


@dataclass(frozen=True)
class Asked:
    """Every version that the project published by then, in order."""

    guidelines: list[Version]
    rubrics: list[Version]

    @property
    def held(self) -> list[Version]:
        """Those asked of the snapshot's judgments, whose files it has."""
        return [one for one in (*self.guidelines, *self.rubrics) if one.judgments]

    @property
    def criteria(self) -> list[str]:
        """What its judgments were asked beside the verdict, as it was called last."""
        found: dict[str, str] = {}
        for one in self.rubrics:
            if one.judgments:
                found |= {item["key"]: item["name"] for item in orjson.loads(one.content)["criteria"]}
        return list(found.values())


def read(connection: sa.Connection, project: Project, asked: SnapshotIn) -> Asked:
    """Read them from the same moment as the rows."""
    # Of all formats, judgments alone has the retired ones and those that test annotators, too.
    widest = Format.JUDGMENTS if Format.JUDGMENTS in asked.formats else Format.TRL
    spec = asked.spec(widest, File.JSONL, asked.splits[0])
    by_guideline, by_rubric = Counter[int | None](), Counter[int | None]()
    for guideline, rubric, judgments in filters.asked_under(connection, project, spec):
        by_guideline[guideline] += judgments
        by_rubric[rubric] += judgments
    with Session(connection) as session:
        guidelines = select(Guideline).where(Guideline.project_id == project.id)
        rubrics = select(RubricVersion).where(RubricVersion.project_id == project.id)
        return Asked(
            [
                Version(
                    one.version,
                    one.created_at,
                    f"guidelines/v{one.version}.md",
                    one.text.encode(),
                    by_guideline[one.id],
                )
                for one in session.exec(guidelines.order_by(col(Guideline.version)))
            ],
            [
                Version(
                    one.version,
                    one.created_at,
                    f"rubrics/v{one.version}.json",
                    _written(one),
                    by_rubric[one.id],
                )
                for one in session.exec(rubrics.order_by(col(RubricVersion.version)))
            ],
        )


def _written(rubric: RubricVersion) -> bytes:
    """As the API gives it."""
    content = Rubric.model_validate(rubric.content).model_dump(mode="json") | {"version": rubric.version}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
