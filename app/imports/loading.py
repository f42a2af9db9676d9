"""Writing items to the database, chunk by chunk, each chunk in one short transaction.

What is there already is left as it is, so a repeat adds nothing. A row that contradicts what is
there is refused whole, before anything of it is written.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from app import audit, db, tallies
from app.imports import bulk, known
from app.imports.items import Answer, Item, Vote
from app.imports.known import REPEATS, ComparisonState, PromptState, Side
from app.imports.scratch import Scratch
from app.imports.sources import Refusal, refused
from app.models import (
    ANNOTATOR_GROUPS,
    Account,
    AnnotatorKind,
    Outcome,
    Project,
    Source,
    now,
    opaque_id,
    row_id,
)
from app.pairing.names import pair_id
from app.tallies import TURNED

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
        "preference", "source", "created_at",
    ),
}  # fmt: skip

UPDATES = {
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
    "annotators": "UPDATE annotators SET judged = judged + :n, changes = changes + :n WHERE id = :id",
}


# Stands for an annotator where what is counted does not depend on who it was.
NOBODY = 0


class ConflictError(Exception):
    """A row contradicts what is there; the message is the reason it is refused for."""


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
    # Ids of what a dry run does not add.
    made_up: Iterator[int] = field(default_factory=lambda: count(-1, -1))


@dataclass
class Loaded:
    """What became of a chunk: rows that added something, rows refused, and counts by kind."""

    added: int = 0
    refused: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def load(target: Target, items: Sequence[Item]) -> Loaded:
    """Write one chunk in a transaction of its own; a dry run only finds out what would be written."""
    for item in items:
        if item.vote is not None:
            _name_vote(target, item, item.vote)
    if target.dry_run:
        with db.new_session(target.engine, write=False) as session:
            return Chunk(target, session).take(items)
    with db.transaction(target.engine) as session:
        chunk = Chunk(target, session)
        loaded = chunk.take(items)
        chunk.write()
        if loaded.added:
            _record(target, session, loaded)
    return loaded


def _record(target: Target, session: Session, loaded: Loaded) -> None:
    """With each chunk, so that an import that is cut off leaves nothing that nobody added."""
    detail = {"file": target.name, "added": loaded.added}
    subject = f"project:{target.project.slug}"
    audit.record(session, "import.rows", subject, by=target.by, project=target.project, detail=detail)


def _name_vote(target: Target, item: Item, vote: Vote) -> None:
    ordinal = target.scratch.count(b"vote", b"%d " % target.file + vote.identity)
    named = orjson.dumps([row_id(target.project), target.batch, ordinal]) + vote.identity
    vote.submission = "import-" + hashlib.blake2b(named, digest_size=16).hexdigest()
    if not item.key:
        item.key = f"vote-{vote.submission[7:31]}"


class Chunk:
    """One chunk's working set: what is known, and the rows to add."""

    def __init__(self, target: Target, session: Session) -> None:
        self.target = target
        self.session = session
        self.connection = session.connection()
        self.project_id = row_id(target.project)
        self.rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in ROWS}
        self.updates: dict[str, list[dict[str, Any]]] = {name: [] for name in UPDATES}
        # By annotator too: their groups are known once their rows are locked.
        self.counted: Counter[tuple[int, tallies.Counted]] = Counter()
        self.judged: Counter[int] = Counter()
        self.ids: dict[str, Iterator[int]] = {}
        self.now = now()
        bulk.begin(self.connection, self.project_id)

    def take(self, items: Sequence[Item]) -> Loaded:
        """Decide what to do about every item."""
        loaded = Loaded()
        self.prompts = known.prompts(self.connection, self.project_id, {item.key for item in items})
        self.responses = known.responses(self.connection, [prompt.id for prompt in self.prompts.values()])
        self._know_names(items)
        fresh = not self.prompts
        placed: list[tuple[Item, list[Side], bool]] = []
        for item in items:
            try:
                placed.append((item, *self._place(item)))
            except ConflictError as conflict:
                loaded.refused.append(refused(item.number, str(conflict), item.record))
        self._know_pairs([(item, sides) for item, sides, _ in placed if item.paired], fresh=fresh)
        for item, sides, added in placed:
            try:
                paired = item.paired and self._pair(item, sides)
                loaded.added += self._is_first(item, sides) if added or paired else 0
            except ConflictError as conflict:
                loaded.refused.append(refused(item.number, str(conflict), item.record))
        loaded.counts.update(self._counts())
        return loaded

    def _know_names(self, items: Sequence[Item]) -> None:
        target, project = self.target, {"project": self.project_id}
        if any(answer.model not in target.models for item in items for answer in item.answers):
            models = self.connection.execute(
                sa.text("SELECT name, id FROM models WHERE project_id = :project"), project
            )
            target.models.update((name, id_) for name, id_ in models)
        if any(item.vote and self._annotator_key(item.vote) not in target.annotators for item in items):
            annotators = self.connection.execute(
                sa.text(
                    "SELECT kind, name, id, cluster FROM annotators "
                    "WHERE project_id = :project AND account_id IS NULL"
                ),
                project,
            )
            target.annotators.update(
                ((AnnotatorKind(kind), name), (id_, cluster)) for kind, name, id_, cluster in annotators
            )

    def _new_id(self, table: str) -> int:
        if self.target.dry_run:
            return next(self.target.made_up)
        if table not in self.ids:
            self.ids[table] = bulk.new_ids(self.connection, table)
        return next(self.ids[table])

    # Prompts and responses

    def _place(self, item: Item) -> tuple[list[Side], bool]:
        """The item's responses by (model id, sample), and whether anything of it is new."""
        prompt = self.prompts.get(item.key)
        if prompt is not None:
            _check_prompt(item, prompt)
        is_new = prompt is None
        if prompt is None:
            prompt = PromptState(
                self._new_id("prompts"),
                item.messages,
                item.category,
                item.language,
                item.tags,
                item.meta,
                new=True,
            )
        sides = self._resolve(item.answers, prompt.id)
        if item.paired and sides[0] == sides[1]:
            raise ConflictError("the two responses are the same one")
        if is_new:
            self.prompts[item.key] = prompt
        filled = not is_new and self._fill(item, prompt)
        added = [self._add_response(prompt.id, *pair) for pair in zip(item.answers, sides, strict=True)]
        return sides, is_new or filled or any(added)

    def _resolve(self, answers: list[Answer], prompt_id: int) -> list[Side]:
        sides: list[Side] = []
        for answer in answers:
            model_id = self._model(answer.model)
            samples = self.responses.get((prompt_id, model_id), {})
            if answer.sample is None:
                taken = {sample for model, sample in sides if model == model_id}
                sides.append((model_id, _sample_of(answer, samples, taken)))
                continue
            there = samples.get(answer.sample)
            if there is not None and answer.digest is not None and there != answer.digest:
                raise ConflictError(
                    f"{answer.model} already has another response to this prompt"
                    + (f" as sample {answer.sample}" if answer.sample else "")
                )
            sides.append((model_id, answer.sample))
        return sides

    def _model(self, name: str) -> int:
        model_id = self.target.models.get(name)
        if model_id is None:
            model_id = self.target.models[name] = self._new_id("models")
            self.rows["models"].append((model_id, opaque_id(), self.project_id, name))
        return model_id

    def _add_response(self, prompt_id: int, answer: Answer, side: Side) -> bool:
        model_id, sample = side
        samples = self.responses.setdefault((prompt_id, model_id), {})
        if sample not in samples:
            samples[sample] = answer.digest
            row = (self._new_id("responses"), prompt_id, model_id, sample, answer.messages, answer.digest)
            self.rows["responses"].append(row)
            return True
        if samples[sample] is None and answer.digest is not None:
            samples[sample] = answer.digest
            self.updates["responses filled"].append(
                {
                    "prompt": prompt_id,
                    "model": model_id,
                    "sample": sample,
                    "messages": answer.messages,
                    "digest": answer.digest,
                }
            )
            return True
        return False

    def _fill(self, item: Item, prompt: PromptState) -> bool:
        """Give a prompt that came with votes or answers only what a later file knows of it."""
        filled = prompt.messages is None and item.messages is not None
        refiled = (prompt.category is None and item.category is not None) or (
            prompt.language is None and item.language is not None
        )
        if refiled and prompt.filed_as is None:
            prompt.filed_as = prompt.category, prompt.language
        if filled or refiled:
            prompt.messages = prompt.messages or item.messages
            prompt.category = prompt.category or item.category
            prompt.language = prompt.language or item.language
            prompt.tags, prompt.meta = item.tags, item.meta
            prompt.changed = True
        return filled or refiled

    # Comparisons and judgments

    def _know_pairs(self, paired: list[tuple[Item, list[Side]]], *, fresh: bool) -> None:
        self.pair_ids = {id(item): self._name(item, sides) for item, sides in paired}
        votes = [item.vote for item, _ in paired if item.vote is not None]
        self.submissions = known.submissions(self.connection, [vote.submission for vote in votes])
        if fresh:
            self.comparisons: dict[str, ComparisonState] = {}
            self.live: set[tuple[int, int]] = set()
            return
        old = {self.pair_ids[id(item)] for item, _ in paired if not self.prompts[item.key].new}
        self.comparisons = known.comparisons(self.connection, self.project_id, old)
        self.live = known.live(self.connection, [comparison.id for comparison in self.comparisons.values()])

    def _name(self, item: Item, sides: list[Side]) -> str:
        a, b = item.answers
        return pair_id(item.key, (a.model, sides[0][1]), (b.model, sides[1][1]))

    def _pair(self, item: Item, sides: list[Side]) -> bool:
        pair = self.pair_ids[id(item)]
        if item.vote is not None:
            return self._judge(item, item.vote, pair, sides)
        comparison = self.comparisons.get(pair)
        if comparison is None:
            comparison = self._compare(item, pair, sides, item.gold)
            if item.gold is None:
                self._queue(comparison)
            return True
        if item.gold is not None:
            return self._set_gold(comparison, item.gold, flipped=comparison.a != sides[0])
        if not comparison.queued and comparison.gold is None:
            self._queue(comparison)
            return True
        return False

    def _compare(self, item: Item, pair: str, sides: list[Side], gold: Outcome | None) -> ComparisonState:
        (model_a, sample_a), (model_b, sample_b) = sides
        comparison = ComparisonState(self._new_id("comparisons"), sides[0], sides[1], gold, queued=False)
        self.comparisons[pair] = comparison
        prompt_id = self.prompts[item.key].id
        self.rows["comparisons"].append(
            (
                comparison.id, self.project_id, pair, prompt_id, model_a, sample_a, model_b, sample_b,
                self.target.batch_id, gold.value if gold else None,
            )
        )  # fmt: skip
        return comparison

    def _queue(self, comparison: ComparisonState) -> None:
        comparison.queued = True
        # In the file's order: ids rise with it.
        self.rows["slots"].append(
            (comparison.id, self.project_id, 0, self.target.project.wanted, comparison.id)
        )

    def _set_gold(self, comparison: ComparisonState, gold: Outcome, *, flipped: bool) -> bool:
        gold = TURNED.get(gold, gold) if flipped else gold
        if comparison.gold == gold:
            return False
        if comparison.gold is not None:
            raise ConflictError(f"the gold verdict of this comparison is already {comparison.gold.value}")
        if any(judged == comparison.id for judged, _ in self.live):
            raise ConflictError("this comparison has been judged already, so it can no longer become gold")
        comparison.gold = gold
        self.updates["gold set"].append({"id": comparison.id, "gold": gold.value})
        if comparison.queued:
            comparison.queued = False
            self.updates["taken off the queue"].append({"id": comparison.id})
        return True

    def _judge(self, item: Item, vote: Vote, pair: str, sides: list[Side]) -> bool:
        if vote.submission in self.submissions:
            return False
        self.submissions.add(vote.submission)
        annotator_id, cluster = self._annotator(vote)
        comparison = self.comparisons.get(pair)
        if comparison is not None and (comparison.id, annotator_id) in self.live:
            comparison = self._repeat(item, sides, annotator_id)
        elif comparison is None:
            comparison = self._compare(item, pair, sides, None)
        self.live.add((comparison.id, annotator_id))
        flipped = comparison.a[0] != sides[0][0] if sides[0][0] != sides[1][0] else comparison.a != sides[0]
        self._add_judgment(item, vote, comparison, (annotator_id, cluster), flipped=flipped)
        return True

    def _repeat(self, item: Item, sides: list[Side], annotator_id: int) -> ComparisonState:
        """The comparison that carries an annotator's next vote on a pair they have voted on before.

        It is of responses without text, so it counts in rankings and is never shown or exported.
        """
        prompt_id = self.prompts[item.key].id
        (model_a, _), (model_b, _) = sides
        name = b"%d %d %d %d" % (prompt_id, min(model_a, model_b), max(model_a, model_b), annotator_id)
        if model_a == model_b:
            raise ConflictError("this annotator has judged this pair already")
        while True:
            sample = REPEATS + self.target.scratch.count(b"repeat", name)
            repeated = [(model_a, sample), (model_b, sample)]
            answers = [Answer(answer.model) for answer in item.answers]
            again = Item(item.number, item.key, None, answers, paired=True)
            pair = self._name(again, repeated)
            if pair not in self.comparisons:
                self.comparisons.update(known.comparisons(self.connection, self.project_id, [pair]))
            comparison = self.comparisons.get(pair)
            if comparison is None:
                for answer, side in zip(answers, repeated, strict=True):
                    self._add_repeated(prompt_id, answer, side)
                return self._compare(again, pair, repeated, None)
            self.live |= known.live(self.connection, [comparison.id])
            if (comparison.id, annotator_id) not in self.live:
                return comparison

    def _add_repeated(self, prompt_id: int, answer: Answer, side: Side) -> None:
        samples = self.responses.setdefault((prompt_id, side[0]), {})
        if side[1] not in samples and known.has_response(self.connection, prompt_id, side):
            samples[side[1]] = None
        self._add_response(prompt_id, answer, side)

    def _annotator_key(self, vote: Vote) -> tuple[AnnotatorKind, str]:
        return vote.kind, vote.annotator or self.target.annotator

    def _annotator(self, vote: Vote) -> tuple[int, int]:
        kind, name = key = self._annotator_key(vote)
        found = self.target.annotators.get(key)
        if found is None:
            found = self._new_id("annotators"), secrets.randbelow(ANNOTATOR_GROUPS)
            self.target.annotators[key] = found
            self.rows["annotators"].append(
                (found[0], opaque_id(), self.project_id, kind.value, name, False, found[1], 0, 0)
            )
        return found

    def _add_judgment(
        self,
        item: Item,
        vote: Vote,
        comparison: ComparisonState,
        annotator: tuple[int, int],
        *,
        flipped: bool,
    ) -> None:
        outcome, preference, swapped = vote.outcome, vote.preference, vote.swapped
        if flipped:
            outcome = TURNED.get(outcome, outcome)
            preference = None if preference is None else 1 - preference
            swapped = None if swapped is None else not swapped
        annotator_id, cluster = annotator
        self.rows["judgments"].append(
            (
                self._new_id("judgments"), vote.submission, self.project_id, comparison.id, annotator_id,
                outcome.value, swapped, preference, Source.IMPORT.value,
                bulk.moment(self.connection, vote.at or self.now),
            )
        )  # fmt: skip
        self.judged[annotator_id] += 1
        if comparison.gold is None:
            prompt = self.prompts[item.key]
            counted = tallies.Counted(
                comparison.a[0], comparison.b[0], outcome, cluster, vote.kind,
                prompt.category, prompt.language, swapped,
            )  # fmt: skip
            self.counted[annotator_id, counted] += 1

    # Counting and writing

    def _is_first(self, item: Item, sides: list[Side]) -> bool:
        """In a dry run a row is new once; otherwise the database has the first one by now."""
        if not self.target.dry_run:
            return True
        said = [item.key, item.gold, *sides, *(answer.digest for answer in item.answers)]
        vote = item.vote.submission if item.vote else ""
        return self.target.scratch.count(b"row", orjson.dumps([*said, vote], default=bytes.hex)) == 1

    def _counts(self) -> dict[str, int]:
        """What is new of each kind."""
        new = {key: prompt.id for key, prompt in self.prompts.items() if prompt.new}
        if not self.target.dry_run:
            rows = {table: len(rows) for table, rows in self.rows.items()}
            filled = {name: len(self.updates[name]) for name in ("responses filled", "gold set")}
            return {**rows, "prompts": len(new), "queued": rows.pop("slots"), **filled}
        keys = {id_: key for key, id_ in new.items()}
        names: dict[str, list[Any]] = {
            "prompts": list(new),
            "models": [row[3] for row in self.rows["models"]],
            "responses": [(keys.get(row[1], row[1]), *row[2:4]) for row in self.rows["responses"]],
            "comparisons": [row[2] for row in self.rows["comparisons"]],
            "judgments": [row[1] for row in self.rows["judgments"]],
        }
        counted = self.target.scratch.count
        return {
            kind: sum(counted(kind.encode(), orjson.dumps(name)) == 1 for name in found)
            for kind, found in names.items()
        }

    def write(self) -> None:
        """Add and change everything that was decided."""
        self._refile()
        for name, prompt in self.prompts.items():
            self._write_prompt(name, prompt)
        for table, columns in ROWS.items():
            bulk.insert(self.connection, table, columns, self.rows[table])
        self.updates["annotators"] = [{"id": id_, "n": n} for id_, n in sorted(self.judged.items())]
        for update, statement in UPDATES.items():
            if self.updates[update]:
                self.connection.execute(sa.text(statement), self.updates[update])
        groups = known.groups(self.connection, self.judged)
        deltas: Counter[tallies.Key] = Counter()
        for (annotator_id, counted), n in self.counted.items():
            for key in tallies.keys(counted._replace(group=groups.get(annotator_id))):
                deltas[key] += n
        tallies.apply(self.session, self.project_id, deltas)
        if any(self.rows.values()) or any(self.updates.values()):
            self.connection.execute(
                sa.text("UPDATE projects SET revision = revision + 1 WHERE id = :id"), {"id": self.project_id}
            )

    def _refile(self) -> None:
        """Move the counts of judgments made before their prompt's category or language was known."""
        refiled = {
            prompt.id: prompt
            for prompt in self.prompts.values()
            if prompt.filed_as is not None and not prompt.new
        }
        for prompt_id, a, b, outcome, cluster, kind, swapped in known.counted(self.connection, refiled):
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
            names = ("id", "messages", "category", "language", "tags", "meta")
            self.updates["prompts filled"].append({name: getattr(prompt, name) for name in names})


def _check_prompt(item: Item, prompt: PromptState) -> None:
    if item.messages is None or prompt.messages is None or item.messages == prompt.messages:
        return
    if orjson.loads(item.messages) != orjson.loads(prompt.messages):
        raise ConflictError(f"prompt {item.key} is already there with another text")


def _sample_of(answer: Answer, samples: dict[int, bytes | None], taken: set[int]) -> int:
    """The sample that has this text, else the first that is free."""
    for sample, digest in samples.items():
        if digest == answer.digest:
            return sample
    return next(
        sample
        for sample in range(len(samples) + len(taken) + 1)
        if sample not in samples | dict.fromkeys(taken)
    )
