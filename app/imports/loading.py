"""Writing items to the database, chunk by chunk, each chunk in one short transaction.

What is there already is left as it is, so a repeat adds nothing. A row that contradicts what is
there is refused whole, before anything of it is written.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlmodel import Session

from app import audit, db, tallies
from app.imports import bulk, known
from app.imports.items import Answer, Item, Vote
from app.imports.known import REPEATS, ComparisonState, Given, Side
from app.imports.naming import Names, name_vote
from app.imports.placing import ConflictError, Places
from app.imports.sources import Refusal, refused
from app.imports.writing import Pending, Target
from app.models import AnnotatorKind, Outcome, Source
from app.pairing.names import pair_id
from app.tallies import TURNED

# Why a vote under a pseudonym of the project's own is refused.
OWN_GONE = "this project no longer has this judgment of its own, and an export cannot bring it back"
OWN_UNNAMED = "its annotator is one of this project's, and it does not say which judgment it is"


@dataclass
class Loaded:
    """What became of a chunk: rows that added something, rows refused, and counts by kind.

    ``differing`` counts rows whose prompt kept another category, language, tags or metadata,
    ``replaced`` judgments that are no longer live because of another by the same annotator, ``unnamed``
    further votes on texts by nobody named.
    """

    added: int = 0
    differing: int = 0
    replaced: int = 0
    unnamed: int = 0
    refused: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def load(target: Target, items: Sequence[Item]) -> Loaded:
    """Write one chunk in a transaction of its own; a dry run only finds out what would be written."""
    for item in items:
        if item.vote is not None:
            name_vote(target, item, item.vote)
    if target.dry_run:
        with db.new_session(target.engine, write=False) as session:
            return Chunk(target, session).take(items)
    with db.transaction(target.engine) as session:
        chunk = Chunk(target, session)
        loaded = chunk.take(items)
        chunk.pending.write(chunk.places.prompts)
        if loaded.added:
            _record(target, session, loaded)
    return loaded


def _record(target: Target, session: Session, loaded: Loaded) -> None:
    """With each chunk, so that an import that is cut off leaves nothing that nobody added."""
    detail: dict[str, Any] = {"file": target.name, "added": loaded.added}
    if loaded.replaced:
        detail["replaced"] = loaded.replaced
    subject = f"project:{target.project.slug}"
    audit.record(session, "import.rows", subject, by=target.by, project=target.project, detail=detail)


class Chunk:
    """One chunk: what becomes of each of its items."""

    def __init__(self, target: Target, session: Session) -> None:
        self.target = target
        self.pending = Pending(target, session)
        self.names = Names(self.pending)
        self.connection, self.project_id = self.pending.connection, self.pending.project_id
        # Judgments of the comparisons at hand: live ones by comparison id and annotator id, and all by id.
        self.live: defaultdict[int, dict[int, Given]] = defaultdict(dict)
        self.given: dict[int, Given] = {}
        self.replaced = self.unnamed = 0

    def take(self, items: Sequence[Item]) -> Loaded:
        """Decide what to do about every item."""
        loaded = Loaded()
        self.places = Places(self.pending, self.names, items)
        self.names.know(items)
        own = [item.vote for item in items if item.vote and item.vote.annotator in self.target.pseudonyms]
        pairs = {vote.exported[1] for vote in own if vote.exported}
        self.exported = known.exported(self.connection, self.project_id, pairs)
        fresh = not self.places.prompts
        placed: list[tuple[Item, str | None, list[Side], bool]] = []
        for item in items:
            try:
                if item.vote is not None:
                    self._check_own(item.vote)
                sides, added = self.places.place(item)
                placed.append((item, self._name(item, sides) if item.paired else None, sides, added))
            except ConflictError as conflict:
                loaded.refused.append(refused(item.number, str(conflict), item.record))
        self._know_pairs([(item, pair) for item, pair, _, _ in placed if pair], fresh=fresh)
        for item, pair, sides, added in placed:
            try:
                paired = pair is not None and self._pair(item, pair, sides)
                loaded.added += self._is_first(item, sides) if added or paired else 0
            except ConflictError as conflict:
                loaded.refused.append(refused(item.number, str(conflict), item.record))
        loaded.differing = self.places.differing
        loaded.replaced, loaded.unnamed = self.replaced, self.unnamed
        loaded.counts.update(self.pending.counts(self.places.prompts))
        return loaded

    def _check_own(self, vote: Vote) -> None:
        """Refuse a vote by an annotator of the project itself, unless it is there."""
        if vote.annotator not in self.target.pseudonyms:
            return
        if vote.exported is None:
            raise ConflictError(OWN_UNNAMED)
        if vote.exported[0] not in self.exported:
            raise ConflictError(OWN_GONE)

    def _know_pairs(self, paired: list[tuple[Item, str]], *, fresh: bool) -> None:
        votes = [item.vote for item, _ in paired if item.vote is not None]
        self.submissions = known.submissions(self.connection, [vote.submission for vote in votes])
        if fresh:
            self.comparisons: dict[str, ComparisonState] = {}
            return
        old = {pair for item, pair in paired if not self.places.prompts[item.key].new}
        self.comparisons = known.comparisons(self.connection, self.project_id, old)
        # Where a vote is there already, nobody asks what was judged before it.
        added = {
            pair for item, pair in paired if item.vote is None or item.vote.submission not in self.submissions
        }
        self._know_given(self.comparisons[pair].id for pair in added & self.comparisons.keys())

    def _know_given(self, comparison_ids: Iterable[int]) -> None:
        for comparison_id, annotator_id, judgment in known.given(self.connection, [*comparison_ids]):
            # What this chunk has decided of one stays.
            if judgment.id in self.given:
                continue
            self.given[judgment.id] = judgment
            if judgment.retired_at is None:
                self.live[comparison_id][annotator_id] = judgment

    def _name(self, item: Item, sides: list[Side]) -> str:
        a, b = item.answers
        return pair_id(item.key, (a.model, sides[0][1]), (b.model, sides[1][1]))

    def _pair(self, item: Item, pair: str, sides: list[Side]) -> bool:
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
        if not (comparison.queued or comparison.retired) and comparison.gold is None:
            self._queue(comparison)
            return True
        return False

    def _compare(self, item: Item, pair: str, sides: list[Side], gold: Outcome | None) -> ComparisonState:
        (model_a, sample_a), (model_b, sample_b) = sides
        comparison = ComparisonState(
            self.pending.new_id("comparisons"), sides[0], sides[1], gold, queued=False
        )
        self.comparisons[pair] = comparison
        prompt_id = self.places.prompts[item.key].id
        self.pending.rows["comparisons"].append(
            (
                comparison.id, self.project_id, pair, prompt_id, model_a, sample_a, model_b, sample_b,
                self.target.batch_id, gold.value if gold else None,
            )
        )  # fmt: skip
        return comparison

    def _queue(self, comparison: ComparisonState) -> None:
        comparison.queued = True
        # In the file's order: ids rise with it.
        self.pending.rows["slots"].append(
            (comparison.id, self.project_id, 0, self.target.project.wanted, comparison.id)
        )

    def _set_gold(self, comparison: ComparisonState, gold: Outcome, *, flipped: bool) -> bool:
        gold = TURNED.get(gold, gold) if flipped else gold
        if comparison.gold == gold:
            return False
        if comparison.gold is not None:
            raise ConflictError(f"the gold verdict of this comparison is already {comparison.gold.value}")
        if self.live[comparison.id]:
            raise ConflictError("this comparison has been judged already, so it can no longer become gold")
        comparison.gold = gold
        self.pending.updates["gold set"].append({"id": comparison.id, "gold": gold.value})
        if comparison.queued:
            comparison.queued = False
            self.pending.updates["taken off the queue"].append({"id": comparison.id})
        return True

    def _judge(self, item: Item, vote: Vote, pair: str, sides: list[Side]) -> bool:
        if vote.submission in self.submissions or vote.annotator in self.target.pseudonyms:
            return False
        comparison = self.comparisons.get(pair)
        if comparison is not None and item.gold is not None:
            self._set_gold(comparison, item.gold, flipped=comparison.a != sides[0])
        self.submissions.add(vote.submission)
        annotator_id, cluster = self.names.annotator(vote)
        before = None if comparison is None else self.live[comparison.id].get(annotator_id)
        self._count_further(item, vote, (pair, annotator_id), there=before is not None)
        if comparison is None:
            comparison = self._compare(item, pair, sides, item.gold)
        elif before is not None and not vote.replaces:
            comparison, before = self._repeat(item, sides, annotator_id), None
        flipped = comparison.a[0] != sides[0][0] if sides[0][0] != sides[1][0] else comparison.a != sides[0]
        self._add_judgment(item, vote, comparison, (annotator_id, cluster), before, flipped=flipped)
        return True

    def _repeat(self, item: Item, sides: list[Side], annotator_id: int) -> ComparisonState:
        """The comparison that carries an annotator's next vote on a pair they have voted on before.

        It is of responses without text, so it counts in rankings and is never shown or exported.
        """
        prompt_id = self.places.prompts[item.key].id
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
                    self.places.add_repeated(prompt_id, answer, side)
                return self._compare(again, pair, repeated, None)
            self._know_given([comparison.id])
            if annotator_id not in self.live[comparison.id]:
                return comparison

    def _add_judgment(
        self,
        item: Item,
        vote: Vote,
        comparison: ComparisonState,
        annotator: tuple[int, int],
        before: Given | None,
        *,
        flipped: bool,
    ) -> None:
        outcome, preference, swapped = vote.outcome, vote.preference, vote.swapped
        if flipped:
            outcome = TURNED.get(outcome, outcome)
            preference = None if preference is None else 1 - preference
            swapped = None if swapped is None else not swapped
        rows = self.pending.rows["judgments"]
        at = bulk.moment(self.connection, vote.at or self.pending.now)
        given = Given(self.pending.new_id("judgments"), outcome, swapped, at, place=len(rows))
        rows.append(
            (
                given.id, vote.submission, self.project_id, comparison.id, annotator[0],
                outcome.value, swapped, vote.strength, preference, Source.IMPORT.value, at, None,
            )
        )  # fmt: skip
        self.given[given.id] = given
        self.pending.changes[annotator[0]] += 1
        if before is not None:
            self._replace(given, before)
            if before.retired_at is None:
                return
            self._count(item, comparison, annotator, before, -1)
        self.live[comparison.id][annotator[0]] = given
        self._count(item, comparison, annotator, given, +1)

    def _count(
        self, item: Item, comparison: ComparisonState, annotator: tuple[int, int], given: Given, by: int
    ) -> None:
        """Count a judgment as live, or no longer."""
        annotator_id, cluster = annotator
        self.pending.judged[annotator_id] += by
        self.pending.votes[comparison.id, given.outcome] += by
        if comparison.gold is None:
            prompt = self.places.prompts[item.key]
            # Whose kind is put in when it is written, as it is by then.
            counted = tallies.Counted(
                comparison.a[0], comparison.b[0], given.outcome, cluster, AnnotatorKind.HUMAN,
                prompt.category, prompt.language, given.swapped, criteria=given.criteria,
            )  # fmt: skip
            self.pending.counted[annotator_id, counted] += by

    def _replace(self, given: Given, live: Given) -> None:
        """Put a judgment among those of its annotator, in the order they were made, whichever came in first.

        Those of one moment are in the order they came in.
        """
        later: Given | None = None
        earlier: Given | None = live
        while earlier is not None and given.at < earlier.at:
            later = earlier
            earlier = None if later.supersedes is None else self.given[later.supersedes]
        if earlier is not None:
            given.supersedes, earlier.retired_at = earlier.id, given.at
        if later is not None:
            later.supersedes, given.retired_at = given.id, later.at
        self.pending.replacing |= {one.id: one for one in (earlier, given, later) if one is not None}

    def _count_further(self, item: Item, vote: Vote, given: tuple[str, int], *, there: bool) -> None:
        """Count a vote of one who voted on this pair before: (pair id, annotator id)."""
        if self.target.dry_run:
            # What an earlier chunk would have added is not there.
            there = self.target.scratch.count(b"given", orjson.dumps(given)) > 1 or there
        if there and vote.replaces:
            self.replaced += 1
        elif there and all(answer.digest for answer in item.answers):
            self.unnamed += 1

    def _is_first(self, item: Item, sides: list[Side]) -> bool:
        """In a dry run a row is new once; otherwise the database has the first one by now."""
        if not self.target.dry_run:
            return True
        said = [item.key, item.gold, *sides, *(answer.digest for answer in item.answers)]
        filed = [item.category, item.language, item.tags, item.meta]
        vote = item.vote.submission if item.vote else ""
        return self.target.scratch.count(b"row", orjson.dumps([*said, *filed, vote], default=bytes.hex)) == 1
