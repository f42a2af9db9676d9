"""Whom and what an import's rows name: their votes, models and annotators, by id."""

import hashlib
import secrets
from collections.abc import Iterable

import orjson
import sqlalchemy as sa

from app.imports.items import Item, Vote
from app.imports.writing import Pending, Target
from app.models import ANNOTATOR_GROUPS, AnnotatorKind, opaque_id, row_id
from app.words import UNKNOWN_PROMPT


def name_vote(target: Target, item: Item, vote: Vote) -> None:
    """Give a vote the name by which it is known when its file comes again."""
    ordinal = target.scratch.count(b"vote", b"%d " % target.file + vote.identity)
    named = orjson.dumps([row_id(target.project), target.batch, ordinal]) + vote.identity
    vote.submission = "import-" + hashlib.blake2b(named, digest_size=16).hexdigest()
    if not item.key:
        item.key = f"{UNKNOWN_PROMPT}{vote.submission[7:31]}"


class Names:
    """The project's models and imported annotators, as far as a chunk needs them; new ones are added."""

    def __init__(self, pending: Pending) -> None:
        self.pending = pending
        self.target = pending.target

    def know(self, items: Iterable[Item]) -> None:
        """Look up whom the items name."""
        target, project = self.target, {"project": self.pending.project_id}
        if any(answer.model not in target.models for item in items for answer in item.answers):
            models = self.pending.connection.execute(
                sa.text("SELECT name, id FROM models WHERE project_id = :project"), project
            )
            target.models.update((name, id_) for name, id_ in models)
        if any(item.vote and self._key(item.vote) not in target.annotators for item in items):
            annotators = self.pending.connection.execute(
                sa.text(
                    "SELECT kind, name, id, cluster, uid, account_id FROM annotators "
                    "WHERE project_id = :project"
                ),
                project,
            )
            for kind, name, id_, cluster, uid, account in annotators:
                target.pseudonyms.add(uid)
                if account is None:
                    target.annotators[AnnotatorKind(kind), name] = id_, cluster

    def model(self, name: str) -> int:
        """A model's id."""
        model_id = self.target.models.get(name)
        if model_id is None:
            model_id = self.target.models[name] = self.pending.new_id("models")
            self.pending.rows["models"].append((model_id, opaque_id(), self.pending.project_id, name))
        return model_id

    def _key(self, vote: Vote) -> tuple[AnnotatorKind, str]:
        name = vote.annotator or self.target.annotator
        if vote.kind is not None:
            return vote.kind, name
        # Files seldom say it. Whoever is there is meant, and a lead may have called them a judge model.
        person, judge = (AnnotatorKind.HUMAN, name), (AnnotatorKind.MODEL, name)
        return judge if judge in self.target.annotators and person not in self.target.annotators else person

    def annotator(self, vote: Vote) -> tuple[int, int]:
        """An annotator's id and cluster."""
        kind, name = key = self._key(vote)
        found = self.target.annotators.get(key)
        if found is None:
            found = self.pending.new_id("annotators"), secrets.randbelow(ANNOTATOR_GROUPS)
            self.target.annotators[key] = found
            row = (found[0], opaque_id(), self.pending.project_id, kind.value, name, vote.simulated, found[1])
            self.pending.rows["annotators"].append((*row, 0, 0))
        return found
