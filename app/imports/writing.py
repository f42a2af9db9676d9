"""What a chunk adds and changes, gathered row by row and written at once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from app import counting, tallies
from app.imports import bulk, known
from app.imports.known import Given, PromptState
from app.imports.scratch import Scratch
from app.models import Account, AnnotatorKind, Outcome, Project, now, row_id

ROWS: dict[str, tuple[str, ...]] = {
    "models": ("id", "uid", "project_id", "name"),
    "prompts": ("id", "project_id", "batch_id", "key", "messages", "category", "language", "tags", "meta"),
    "responses": ("id", "prompt_id", "model_id", "sample", "messages", "digest"),
    "comparisons": (
        "id", "project_id", "pair_id", "prompt_id", "model_a_id", "sample_a", "model_b_id", "sample_b",
        "batch_id", "gold",
    ),
    "slots": ("comparison_id", "project_id", "taken", "wanted", "position"),
    "annotators": (
        "id", "uid", "project_id", "kind", "name", "simulated", "cluster", "judged", "changes",
    ),
    "judgments": (
        "id", "submission_id", "project_id", "comparison_id", "annotator_id", "outcome", "swapped",
        "strength", "preference", "source", "created_at", "retired_at",
    ),
}  # fmt: skip

# Run before rows are added: one judgment by an annotator of a comparison is live, one supersedes another.
RETIRED = "UPDATE judgments SET retired_at = :retired_at, supersedes_id = NULL WHERE id = :id"

UPDATES = {
    "judgments linked": "UPDATE judgments SET supersedes_id = :supersedes WHERE id = :id",
    "prompts filled": (
        "UPDATE prompts SET messages = :messages, category = :category, language = :language, "
        "tags = coalesce(tags, :tags), meta = coalesce(meta, :meta) WHERE id = :id"
    ),
    "responses filled": (
        "UPDATE responses SET messages = :messages, digest = :digest "
        "WHERE prompt_id = :prompt AND model_id = :model AND sample = :sample"
    ),
    "gold set": "UPDATE comparisons SET gold = :gold WHERE id = :id",
    "taken off the queue": "DELETE FROM slots WHERE comparison_id = :id",
    "annotators": (
        "UPDATE annotators SET judged = judged + :judged, changes = changes + :changes WHERE id = :id"
    ),
}

# Stands for an annotator where what is counted does not depend on who it was.
NOBODY = 0


@dataclass
class Target:
    """Where an import goes, and what it remembers from chunk to chunk."""

    engine: sa.Engine
    project: Project
    by: Account | None = None
    batch_id: int | None = None
    batch: str = ""
    dry_run: bool = False
    # Of the file at hand: its name and number, and whose votes they are where the rows do not say.
    name: str = ""
    file: int = 0
    annotator: str = ""
    scratch: Scratch = field(default_factory=Scratch)
    models: dict[str, int] = field(default_factory=dict)
    annotators: dict[tuple[AnnotatorKind, str], tuple[int, int]] = field(default_factory=dict)
    # What the project's own exports call its annotators.
    pseudonyms: set[str] = field(default_factory=set)
    # Ids of what a dry run does not add.
    made_up: Iterator[int] = field(default_factory=lambda: count(-1, -1))


class Pending:
    """The rows to add, the changes to make and the votes to count of one chunk, in its transaction."""

    def __init__(self, target: Target, session: Session) -> None:
        self.target = target
        self.session = session
        self.connection = session.connection()
        self.project_id = row_id(target.project)
        self.rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in ROWS}
        self.updates: dict[str, list[dict[str, Any]]] = {name: [] for name in UPDATES}
        # By annotator too: whose kind and group are put in once their rows are locked.
        self.counted: Counter[tuple[int, tallies.Counted]] = Counter()
        self.votes: Counter[tuple[int, Outcome]] = Counter()
        # Each by annotator: how many more judgments are live, and how many were made.
        self.judged: Counter[int] = Counter()
        self.changes: Counter[int] = Counter()
        # Judgments that another took the place of, or that now take another's, as they will be.
        self.replacing: dict[int, Given] = {}
        self.ids: dict[str, Iterator[int]] = {}
        self.now = now()
        bulk.begin(self.connection, self.project_id)

    def new_id(self, table: str) -> int:
        if self.target.dry_run:
            return next(self.target.made_up)
        if table not in self.ids:
            self.ids[table] = bulk.new_ids(self.connection, table)
        return next(self.ids[table])

    def counts(self, prompts: Mapping[str, PromptState]) -> dict[str, int]:
        """What is new of each kind; prompts and responses that only votes know of are none."""
        new = [key for key, prompt in prompts.items() if prompt.new and prompt.messages is not None]
        texts = [row for row in self.rows["responses"] if row[4] is not None]
        if not self.target.dry_run:
            rows = {table: len(rows) for table, rows in self.rows.items()}
            filled = {name: len(self.updates[name]) for name in ("responses filled", "gold set")}
            told = {"prompts": len(new), "responses": len(texts), "queued": rows.pop("slots")}
            return {**rows, **told, **filled}
        keys = {prompt.id: key for key, prompt in prompts.items() if prompt.new}
        names: dict[str, list[Any]] = {
            "prompts": new,
            "models": [row[3] for row in self.rows["models"]],
            "responses": [(keys.get(row[1], row[1]), *row[2:4]) for row in texts],
            "comparisons": [row[2] for row in self.rows["comparisons"]],
            "judgments": [row[1] for row in self.rows["judgments"]],
        }
        counted = self.target.scratch.count
        return {
            kind: sum(counted(kind.encode(), orjson.dumps(name)) == 1 for name in found)
            for kind, found in names.items()
        }

    def write(self, prompts: Mapping[str, PromptState]) -> None:
        """Add and change everything that was decided."""
        self._refile(prompts.values())
        for name, prompt in prompts.items():
            self._write_prompt(name, prompt)
        self._retire()
        for table, columns in ROWS.items():
            bulk.insert(self.connection, table, columns, self.rows[table])
        self.updates["annotators"] = [
            {"id": id_, "judged": self.judged[id_], "changes": n} for id_, n in sorted(self.changes.items())
        ]
        for update, statement in UPDATES.items():
            if self.updates[update]:
                self.connection.execute(sa.text(statement), self.updates[update])
        filed = known.filed(self.connection, self.changes)
        deltas: Counter[tallies.Key] = Counter()
        for (annotator_id, counted), n in self.counted.items():
            kind, group = filed.get(annotator_id, (counted.kind, None))
            for key in tallies.keys(counted._replace(kind=kind, group=group)):
                deltas[key] += n
        counting.add(self.session, self.project_id, deltas, self.votes)
        if any(self.rows.values()) or any(self.updates.values()):
            tallies.outdate(self.session, self.project_id)

    def _retire(self) -> None:
        """Retire what is superseded, and have what takes its place say so."""
        for judgment in self.replacing.values():
            if judgment.place is not None:
                row = self.rows["judgments"][judgment.place]
                self.rows["judgments"][judgment.place] = (*row[:-1], judgment.retired_at)
        there = [
            {"id": judgment.id, "retired_at": judgment.retired_at}
            for judgment in self.replacing.values()
            if judgment.place is None
        ]
        if there:
            self.connection.execute(sa.text(RETIRED), there)
        self.updates["judgments linked"] = [
            {"id": judgment.id, "supersedes": judgment.supersedes}
            for judgment in self.replacing.values()
            if judgment.supersedes is not None
        ]

    def _refile(self, prompts: Iterable[PromptState]) -> None:
        """Move the counts of judgments made before their prompt's category or language was known."""
        refiled = {prompt.id: prompt for prompt in prompts if prompt.filed_as is not None and not prompt.new}
        for prompt_id, a, b, outcome, cluster, kind, swapped in known.counted(
            self.connection, self.project_id, refiled
        ):
            prompt = refiled[prompt_id]
            order = None if swapped is None else bool(swapped)
            now = tallies.Counted(
                a, b, Outcome(outcome), cluster, AnnotatorKind(kind), prompt.category, prompt.language, order
            )
            category, language = prompt.filed_as or (None, None)
            self.counted[NOBODY, now] += 1
            self.counted[NOBODY, now._replace(category=category, language=language)] -= 1

    def _write_prompt(self, key: str, prompt: PromptState) -> None:
        if prompt.new:
            row = (prompt.id, self.project_id, self.target.batch_id, key, prompt.messages, prompt.category,
                   prompt.language, prompt.tags, prompt.meta)  # fmt: skip
            self.rows["prompts"].append(row)
        elif prompt.changed:
            filled = {"id": prompt.id, "category": prompt.category, "language": prompt.language}
            for name in ("messages", "tags", "meta"):
                filled[name] = bulk.text(getattr(prompt, name))
            self.updates["prompts filled"].append(filled)
