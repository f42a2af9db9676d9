"""What an export would hold: told from the whole project, or from a sample where that is large.

A sample is whole prompts, from places spread evenly over the project, the same for every filter: what
is read is bounded, whatever the filters leave, and figures move because filters do.
"""

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import col

from app.exports import files, formats, stream
from app.exports.forms import EVERYTHING, ExportSpec, File, Format, Part, Run
from app.exports.preferences import iter_preferences
from app.exports.seen import Preference
from app.models import Comparison, Project
from app.quality.annotators import Share

# Comparisons read for a preview; a project with no more is read whole.
MOST_READ = 2_000
# Into so many places, as many of which are read as it takes.
PLACES = 64

SHOWN_ROWS = 3
# Characters of a row; an answer may have a hundred thousand.
SHOWN_TEXT = 4_000
# Values of a category or model, the most frequent.
SHOWN_VALUES = 12


@dataclass(frozen=True)
class Sample:
    """Which comparisons a preview read, of how many."""

    read: int
    comparisons: int
    runs: tuple[Run, ...] = EVERYTHING

    @property
    def is_whole(self) -> bool:
        """Whether all were read."""
        return self.read >= self.comparisons

    def scaled(self, count: int) -> int:
        """What a count comes to in the whole project; to two figures where it is an estimate."""
        if self.is_whole or not count:
            return count
        estimate = count * self.comparisons / self.read
        return round(float(f"{estimate:.2g}"))


@dataclass(frozen=True)
class Shown:
    """The beginning of a row as it will be written, and how many characters follow."""

    text: str
    more: int


@dataclass(frozen=True)
class Preview:
    """What filters leave. Counts are of what was read; `sample` scales them."""

    sample: Sample
    rows: int
    excluded: list[tuple[str, int]]
    shown: list[Shown]
    preferences: int
    longer: Share | None
    agreement: float | None
    agreement_of: int
    splits: list[tuple[str, int]]
    categories: list[tuple[str, int]]
    models: list[tuple[str, int, int]]


def of(engine: sa.Engine, project: Project, spec: ExportSpec) -> Preview:
    """What this export would hold now."""
    with stream.snapshot(engine) as connection:
        sample = _sample(connection, project)
        return _read(connection, project, spec.within(sample.runs), sample)


def _read(connection: sa.Connection, project: Project, spec: ExportSpec, sample: Sample) -> Preview:
    pairs, excluded = _Pairs(), Counter[str]()
    as_pairs = spec.model_copy(update={"format": Format.TRL, "part": Part.ROWS, "file": File.JSONL})
    for chunk in iter_preferences(connection, project, as_pairs, excluded):
        pairs.add(chunk)
    excluded = Counter()
    rows = 0
    first: list[bytes] = []
    for made in formats.make_lines(connection, project, spec, excluded):
        rows += len(made)
        first += made[: SHOWN_ROWS - len(first)]
    return Preview(
        sample,
        rows,
        excluded.most_common(),
        _written(project, spec, first),
        pairs.count,
        Share(pairs.longer, pairs.longer + pairs.shorter) if pairs.longer + pairs.shorter else None,
        fmean(pairs.agreements) if pairs.agreements else None,
        len(pairs.agreements),
        sorted(pairs.splits.items(), reverse=True),
        pairs.categories.most_common(SHOWN_VALUES),
        pairs.by_model()[:SHOWN_VALUES],
    )


class _Pairs:
    """What the preferences have in common, counted as they are read."""

    def __init__(self) -> None:
        self.count = self.longer = self.shorter = 0
        self.agreements: list[float] = []
        self.splits: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        self.chosen: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()

    def add(self, pairs: list[Preference]) -> None:
        self.count += len(pairs)
        for _, chosen, rejected, _, _, winner, loser, verdict, _, _, category, split, _ in pairs:
            self.longer += _length(chosen) > _length(rejected)
            self.shorter += _length(chosen) < _length(rejected)
            if verdict.votes["votes"] > 1:
                self.agreements.append(verdict.votes["agreement"])
            self.splits[split] += 1
            self.categories[category or "none"] += 1
            self.chosen[winner] += 1
            self.rejected[loser] += 1

    def by_model(self) -> list[tuple[str, int, int]]:
        """Models with how often they were chosen and rejected, the most frequent first."""
        both = self.chosen + self.rejected
        ranked = sorted(both, key=lambda name: (-both[name], name))
        return [(name, self.chosen[name], self.rejected[name]) for name in ranked]


def _length(messages: str) -> int:
    return sum(len(message["content"]) for message in orjson.loads(messages))


def _written(project: Project, spec: ExportSpec, lines: list[bytes]) -> list[Shown]:
    """The first rows as the file has them; of a file that is no text, as its columns."""
    if spec.part is Part.DATASET_INFO:
        return [_shown(formats.dataset_info(project.slug, spec).decode())]
    if spec.file is File.CSV:
        return [_shown(b"".join(files.encoded(iter([lines]), spec)).decode())] if lines else []
    return [_shown(line.decode()) for line in lines]


def _shown(text: str) -> Shown:
    return Shown(text[:SHOWN_TEXT], max(len(text) - SHOWN_TEXT, 0))


def _sample(connection: sa.Connection, project: Project) -> Sample:
    prompt: Any = col(Comparison.prompt_id)
    of_project = col(Comparison.project_id) == project.id
    extent = sa.select(sa.func.count(), sa.func.min(prompt), sa.func.max(prompt)).where(of_project)
    comparisons, first, last = connection.execute(extent).one()
    if comparisons <= MOST_READ:
        return Sample(comparisons, comparisons)
    runs: list[Run] = []
    read = 0
    # Far from each other first, so that it does not matter where enough have been read.
    for place in sorted(range(PLACES), key=lambda number: f"{number:06b}"[::-1]):
        begin = first + (last - first) * place // PLACES
        run = _run(connection, sa.select(prompt).where(of_project), begin)
        if any(run.begin <= other.end and other.begin <= run.end for other in runs):
            continue
        counted = sa.select(sa.func.count()).where(of_project, prompt.between(*run))
        read += connection.execute(counted).scalar_one()
        runs.append(run)
        if read >= MOST_READ:
            break
    return Sample(read, comparisons, tuple(sorted(runs)))


def _run(connection: sa.Connection, prompts: Any, begin: int) -> Run:
    """The prompts from a place on that have a share of what is read."""
    prompt: Any = col(Comparison.prompt_id)
    following = prompts.where(prompt >= begin).order_by(prompt, col(Comparison.id)).limit(MOST_READ // PLACES)
    found = connection.execute(following).scalars().all()
    return Run(found[0], found[-1])
