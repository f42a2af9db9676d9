"""Queueing comparisons from responses: which pairs of each prompt, in which order."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, select

from app import audit, db, inputs
from app.errors import Invalid
from app.imports import bulk, known
from app.imports.known import ComparisonState
from app.jobs import StoppedError
from app.models import Account, Model, Project, row_id
from app.pairing.forms import PairingIn
from app.pairing.names import pair_id, position

# Prompts read at once, and pairs written in one transaction.
PROMPTS = 500
CHUNK = 2000

# Prompts whose pairs are counted while somebody waits: a second's, in whole blocks.
SHOWN = 10_000

Progress = Callable[[int, int], None]


@dataclass
class PairingResult:
    """Pairs by what became of them; ``without_text`` counts responses that cannot be shown.

    ``queued`` pairs are new in the queue. Gold comparisons are served by their own rule and stay
    off it, ``retired`` ones were taken out of it by a lead. Identical texts leave nothing to judge.
    """

    prompts: int = 0
    queued: int = 0
    already_there: int = 0
    retired: int = 0
    gold: int = 0
    identical_skipped: int = 0
    without_text: int = 0

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


class Preview(NamedTuple):
    """What so many of a project's prompts, its first, would come to when they are paired."""

    counted: PairingResult
    read: int
    prompts: int

    @property
    def is_whole(self) -> bool:
        """Whether all prompts were read."""
        return self.read >= self.prompts


@dataclass(frozen=True, slots=True)
class Candidate:
    """A response that can be shown: its model's id and name, its sample and its text's digest."""

    model_id: int
    model: str
    sample: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """Two responses to a prompt, under the comparison's public name."""

    name: str
    prompt_id: int
    a: Candidate
    b: Candidate


def preview(engine: sa.Engine, project: Project, asked: PairingIn) -> PairingResult:
    """What ``queue_pairs`` would do, without doing it."""
    result = PairingResult()
    _pair(engine, project, _told_apart(engine, project, asked), result, write=False)
    return result


def quick_preview(engine: sa.Engine, project: Project, asked: PairingIn) -> Preview:
    """As ``preview``, but of the first ``SHOWN`` prompts at most."""
    result = PairingResult()
    read = _pair(engine, project, _told_apart(engine, project, asked), result, write=False, most=SHOWN)
    return Preview(result, *read)


def queue_pairs(
    engine: sa.Engine,
    project: Project,
    asked: PairingIn,
    *,
    by: Account | None,
    progress: Progress | None = None,
) -> PairingResult:
    """Put the pairs asked for on the queue, those that are there already left alone.

    Written in chunks, each in its own short transaction, so that judging goes on meanwhile; cut
    off and run again with the same seed, it queues the rest. Raises Invalid for unknown models, and
    what ``progress`` raises.
    """
    asked = _told_apart(engine, project, asked)
    result = PairingResult()
    try:
        _pair(engine, project, asked, result, write=True, by=by, progress=progress)
    except StoppedError as stopped:
        stopped.result = result.as_dict()
        raise
    finally:
        if result.queued:
            _record(engine, project, asked, result, by)
    return result


def _record(
    engine: sa.Engine, project: Project, asked: PairingIn, result: PairingResult, by: Account | None
) -> None:
    detail = {**asked.model_dump(mode="json"), **result.as_dict()}
    with db.transaction(engine) as session:
        audit.record(session, "queue", f"project:{project.slug}", by=by, project=project, detail=detail)


def told_apart(session: Session, project: Project, asked: PairingIn) -> PairingIn:
    """What is asked with its models told apart: a text with commas names one model, or else several.

    Raises Invalid where one is not known, is named twice, or is named alone and has nothing to meet.
    """
    names = set(session.exec(select(Model.name).where(Model.project_id == project.id)))
    models = inputs.told_apart(asked.models, names)
    if len(set(models)) != len(models):
        raise Invalid.at("models", _("A model is named twice."))
    for field, wanted in (("models", models), ("baseline", [asked.baseline] if asked.baseline else [])):
        if missing := [name for name in wanted if name not in names]:
            there = ", ".join(sorted(names)) or _("none yet: import responses first")
            said = _(
                "There is no model %(name)s here. The models are: %(there)s.",
                name=repr(missing[0]),
                there=there,
            )
            raise Invalid.at(field, said)
    alone = len(models) == 1 and asked.baseline in (None, *models)
    if alone and not _has_samples(session, project, models[0]):
        raise Invalid.at(
            "models",
            _("A model by itself needs several responses to one prompt to compare. Name another model."),
        )
    return asked.model_copy(update={"models": models})


def _has_samples(session: Session, project: Project, name: str) -> bool:
    found = sa.text(
        "SELECT 1 FROM responses r JOIN models m ON m.id = r.model_id WHERE m.project_id = :project "
        "AND m.name = :name AND r.sample > 0 AND r.sample < :repeats LIMIT 1"
    )
    asked = {"project": project.id, "name": name, "repeats": known.REPEATS}
    return session.execute(found, asked).first() is not None


def _told_apart(engine: sa.Engine, project: Project, asked: PairingIn) -> PairingIn:
    with db.new_session(engine, write=False) as session:
        return told_apart(session, project, asked)


def _chosen(session: Session, project: Project, asked: PairingIn) -> dict[int, str]:
    """The models to pair by id, the baseline among them."""
    found = session.exec(select(Model).where(Model.project_id == project.id))
    names = {row_id(model): model.name for model in found}
    if not asked.models:
        return names
    return {id_: name for id_, name in names.items() if name in asked.models or name == asked.baseline}


def _pair(
    engine: sa.Engine,
    project: Project,
    asked: PairingIn,
    result: PairingResult,
    *,
    write: bool,
    by: Account | None = None,
    progress: Progress | None = None,
    most: int | None = None,
) -> tuple[int, int]:
    """Returns the number of prompts read and the number there are.

    Stops after the block, of ``PROMPTS`` at most, that reaches ``most``.
    """
    with db.new_session(engine, write=False) as session:
        models = _chosen(session, project, asked)
        total, last = _prompts(session, project)
    low = done = 0
    while low < last and (most is None or done < most):
        with db.new_session(engine, write=False) as session:
            prompts = _next_prompts(session, project, low)
            candidates = _candidates(session, prompts, models, result)
        pairs = [pair for prompt in candidates.items() for pair in pairs_of(*prompt, asked, result)]
        for start in range(0, len(pairs), CHUNK):
            chunk = pairs[start : start + CHUNK]
            if write:
                _queue_chunk(engine, project, chunk, asked, result, by=by)
            else:
                _preview_chunk(engine, project, chunk, result)
        low, done = prompts[-1].id, done + len(prompts)
        if progress is not None:
            progress(done, max(done, total))
    return done, total


def _prompts(session: Session, project: Project) -> tuple[int, int]:
    """How many there are, and the last one's id."""
    found = sa.text("SELECT count(*), coalesce(max(id), 0) FROM prompts WHERE project_id = :id")
    total, last = session.execute(found, {"id": project.id}).one()
    return total, last


Prompt = tuple[int, str]


def _next_prompts(session: Session, project: Project, low: int) -> Sequence[sa.Row[Any]]:
    return session.execute(
        sa.text(
            "SELECT id, key, messages IS NOT NULL AS has_text FROM prompts "
            "WHERE project_id = :project AND id > :low ORDER BY id LIMIT :limit"
        ),
        {"project": project.id, "low": low, "limit": PROMPTS},
    ).all()


def _candidates(
    session: Session, prompts: Sequence[sa.Row[Any]], models: dict[int, str], result: PairingResult
) -> dict[Prompt, list[Candidate]]:
    """The prompts' responses by prompt (id, key)."""
    connection = session.connection()
    keys = {prompt.id: prompt.key for prompt in prompts if prompt.has_text}
    rows = connection.execute(
        sa.text(
            "SELECT prompt_id, model_id, sample, digest "  # noqa: S608 -- our own names
            f"FROM {bulk.among(connection, 'responses', 'prompt_id')} WHERE sample < {known.REPEATS} "
            "ORDER BY prompt_id, model_id, sample"
        ),
        {"wanted": bulk.values(connection, [prompt.id for prompt in prompts])},
    )
    found: dict[Prompt, list[Candidate]] = {}
    for prompt_id, model_id, sample, digest in rows:
        if model_id not in models:
            continue
        if digest is None or prompt_id not in keys:
            result.without_text += 1
            continue
        candidate = Candidate(model_id, models[model_id], sample, bytes(digest))
        found.setdefault((prompt_id, keys[prompt_id]), []).append(candidate)
    return found


def pairs_of(
    prompt: Prompt, candidates: list[Candidate], asked: PairingIn, result: PairingResult
) -> list[Pair]:
    """One prompt's pairs: every two models or each against the baseline, as many as asked for.

    The draw depends on the seed and the prompt's key alone, not on other prompts.
    """
    _, key = prompt
    both = [pair for pair in combinations(candidates, 2) if _wanted(*pair, asked)]
    different = [pair for pair in both if pair[0].digest != pair[1].digest]
    result.identical_skipped += len(both) - len(different)
    draw = random.Random(f"{asked.seed}:{key}")  # noqa: S311 -- a seeded draw, not a secret
    if asked.per_prompt is not None and len(different) > asked.per_prompt:
        # By name, so that the draw is the same in every database.
        different.sort(key=lambda pair: [(side.model, side.sample) for side in pair])
        different = draw.sample(different, asked.per_prompt)
    result.prompts += bool(different)
    return [_stored(prompt, *pair) for pair in different]


def _stored(prompt: Prompt, first: Candidate, second: Candidate) -> Pair:
    """Stored in an order that its name tosses for: else who judges by the API could tell models by it."""
    prompt_id, key = prompt
    name = pair_id(key, (first.model, first.sample), (second.model, second.sample))
    a, b = (first, second) if int(name, 16) % 2 else (second, first)
    return Pair(name, prompt_id, a, b)


def _wanted(a: Candidate, b: Candidate, asked: PairingIn) -> bool:
    """Samples of one model are compared only where it is the only model chosen."""
    if a.model_id == b.model_id:
        return len(asked.models) == 1 and asked.baseline in (None, a.model)
    return asked.baseline is None or asked.baseline in (a.model, b.model)


def _queue_chunk(
    engine: sa.Engine,
    project: Project,
    pairs: list[Pair],
    asked: PairingIn,
    result: PairingResult,
    *,
    by: Account | None,
) -> None:
    """Each chunk with its own event, so that a job that is cut off leaves nothing that nobody queued."""
    with db.transaction(engine) as session:
        connection = session.connection()
        bulk.begin(connection, row_id(project))
        there = known.comparisons(connection, row_id(project), [pair.name for pair in pairs])
        queued = _count(pairs, there, result)
        _write(connection, project, queued, there, asked)
        if queued:
            subject, detail = f"project:{project.slug}", {"queued": len(queued)}
            audit.record(session, "queue.pairs", subject, by=by, project=project, detail=detail)


def _preview_chunk(engine: sa.Engine, project: Project, pairs: list[Pair], result: PairingResult) -> None:
    with db.new_session(engine, write=False) as session:
        there = known.comparisons(session.connection(), row_id(project), [pair.name for pair in pairs])
    _count(pairs, there, result)


def _count(pairs: list[Pair], there: dict[str, ComparisonState], result: PairingResult) -> list[Pair]:
    """Those to be queued."""
    counts = Counter(_fate(there.get(pair.name)) for pair in pairs)
    result.already_there += counts["already_there"]
    result.retired += counts["retired"]
    result.gold += counts["gold"]
    result.queued += counts["queued"]
    return [pair for pair in pairs if _fate(there.get(pair.name)) == "queued"]


def _fate(comparison: ComparisonState | None) -> str:
    if comparison is None:
        return "queued"
    if comparison.gold is not None:
        return "gold"
    if comparison.retired:
        return "retired"
    return "already_there" if comparison.queued else "queued"


def _write(
    connection: sa.Connection,
    project: Project,
    pairs: list[Pair],
    there: dict[str, ComparisonState],
    asked: PairingIn,
) -> None:
    ids = bulk.new_ids(connection, "comparisons")
    comparisons: list[tuple[Any, ...]] = []
    slots: list[tuple[Any, ...]] = []
    wanted = asked.wanted or project.wanted
    for pair in pairs:
        if pair.name in there:
            comparison_id = there[pair.name].id
        else:
            comparison_id = next(ids)
            a, b = pair.a, pair.b
            comparisons.append(
                (
                    comparison_id,
                    project.id,
                    pair.name,
                    pair.prompt_id,
                    a.model_id,
                    a.sample,
                    b.model_id,
                    b.sample,
                )
            )
        slots.append((comparison_id, project.id, 0, wanted, position(pair.name, asked.seed)))
    columns = ("id", "project_id", "pair_id", "prompt_id", "model_a_id", "sample_a", "model_b_id", "sample_b")
    bulk.insert(connection, "comparisons", columns, comparisons)
    bulk.insert(connection, "slots", ("comparison_id", "project_id", "taken", "wanted", "position"), slots)


def models_with_text(session: Session, project: Project) -> list[tuple[str, int]]:
    """The project's models by name, each with how many responses it has that can be shown."""
    rows = session.execute(
        sa.text(
            "SELECT m.name, count(r.digest) FROM models m LEFT JOIN responses r ON r.model_id = m.id "
            "WHERE m.project_id = :project GROUP BY m.id, m.name ORDER BY m.name"
        ),
        {"project": project.id},
    )
    return [(name, n) for name, n in rows]
