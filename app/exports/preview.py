"""What an export would hold: told from the whole project, or from a sample where that is large.

A sample is whole prompts, from places spread evenly over the project, the same for every filter: what
is read is bounded, whatever the filters leave, and figures move because filters do.
"""

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa
from sqlmodel import col

from app.exports import exclusions, files, filters, formats, judged, stream
from app.exports.exclusions import Unit
from app.exports.forms import EVERYTHING, ExportSpec, File, Format, Part, Run
from app.exports.judged import Judged
from app.exports.lines import Lines
from app.exports.preferences import Battle, Side
from app.exports.seen import Preferences
from app.exports.verdicts import Verdict
from app.models import Comparison, Project
from ranking.uncertainty import clustered_wilson

# Comparisons read for a preview; a project with no more is read whole.
MOST_READ = 2_000
# Into so many places, as many of which are read as it takes.
PLACES = 64

SHOWN_ROWS = 3
# Lines kept while it is not known how many follow, from which those are chosen.
KEPT_ROWS = 16
# Characters of a row, and of a text in a row laid out; an answer may have a hundred thousand.
SHOWN_TEXT, LAID_OUT_TEXT = 4_000, 500
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
    """The beginning of a row as it will be written, and the row laid out to be read, its long texts cut."""

    text: str
    laid_out: str


@dataclass(frozen=True)
class Longer:
    """In how many rows the longer response was chosen, of those with one; and the share's 95 % interval.

    Rows of one comparison count as a cluster: what they share is not seen anew in each.
    """

    some: int
    many: int
    lower: float
    upper: float

    @property
    def value(self) -> float:
        """The share."""
        return self.some / self.many


@dataclass(frozen=True)
class Preview:
    """What filters leave. Counts are of what was read, and `sample` scales them; `units` are of `excluded`.

    `preferences` are those written, of KTO those its responses are from, of battles those with a winner,
    and of judgments none; what follows is of them, but for `judged`, which is of all judgments that the
    filters let through. `weighed` were decided by their votes' weights alone.
    """

    sample: Sample
    rows: int
    excluded: list[tuple[str, int]]
    units: dict[str, Unit]
    shown: list[Shown]
    preferences: int
    weighed: int
    longer: Longer | None
    agreement: float | None
    agreement_of: int
    splits: list[tuple[str, int]]
    categories: list[tuple[str, int]]
    models: list[tuple[str, int, int]]
    judged: Judged


def of(engine: sa.Engine, project: Project, spec: ExportSpec) -> Preview:
    """What this export would hold now."""
    with stream.snapshot(engine) as connection:
        sample = _sample(connection, project)
        return _read(connection, project, spec.within(sample.runs), sample)


def require_rows(engine: sa.Engine, project: Project, spec: ExportSpec) -> None:
    """Raises NotFound where this export would have no row, if a preview reads the project whole.

    Whoever waits for a page or an answer does not wait for a larger one to be looked through.
    """
    comparisons = sa.select(sa.func.count()).where(col(Comparison.project_id) == project.id)
    with stream.snapshot(engine) as connection:
        is_whole = connection.execute(comparisons).scalar_one() <= MOST_READ
    if is_whole:
        stream.require_rows(engine, project, spec)


def _read(connection: sa.Connection, project: Project, spec: ExportSpec, sample: Sample) -> Preview:
    pairs, excluded, lines = _Pairs(), Counter[str](), _Spread()
    watch = pairs.add_battles if spec.format is Format.ARENA else pairs.add
    for made in formats.make_lines(connection, project, spec, excluded, watch):
        lines.add(list(made))
    excluded += filters.left_out(connection, project, spec)
    return Preview(
        sample,
        lines.count,
        excluded.most_common(),
        exclusions.units(spec, excluded),
        _written(project, spec, lines.chosen()),
        pairs.count,
        pairs.weighed,
        pairs.by_length(),
        fmean(pairs.agreements) if pairs.agreements else None,
        len(pairs.agreements),
        sorted(pairs.splits.items(), reverse=True),
        pairs.categories.most_common(SHOWN_VALUES),
        pairs.by_model()[:SHOWN_VALUES],
        judged.of(connection, project, spec),
    )


class _Spread:
    """Lines from all over those that come: at first each is kept, then every second, and so on."""

    def __init__(self) -> None:
        self.count = 0
        self._every = 1
        self._kept: list[bytes] = []

    def add(self, lines: list[bytes]) -> None:
        for line in lines[-self.count % self._every :: self._every]:
            self._kept.append(line)
        self.count += len(lines)
        while len(self._kept) > KEPT_ROWS:
            self._every *= 2
            self._kept = self._kept[::2]

    def chosen(self) -> list[bytes]:
        """A few of them, from the first to nearly the last."""
        last, steps = len(self._kept) - 1, SHOWN_ROWS - 1
        return [
            self._kept[place]
            for place in sorted({last * step // steps for step in range(SHOWN_ROWS)})
            if last >= 0
        ]


class _Pairs:
    """What the preferences have in common, counted as they are read."""

    def __init__(self) -> None:
        self.count = self.weighed = 0
        # By comparison.
        self.longer: Counter[str] = Counter()
        self.differing: Counter[str] = Counter()
        self.agreements: list[float] = []
        self.splits: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        self.chosen: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()

    def add(self, pairs: Preferences) -> None:
        winners = map(Side, pairs.chosen_model, pairs.chosen)
        losers = map(Side, pairs.rejected_model, pairs.rejected)
        for told in zip(
            pairs.pair_id, winners, losers, pairs.verdict, pairs.category, pairs.split, strict=True
        ):
            self._add(*told)

    def add_battles(self, battles: list[Battle]) -> None:
        for battle in battles:
            sides = {"a": (battle.a, battle.b), "b": (battle.b, battle.a)}.get(battle.verdict.outcome or "")
            if sides is not None:
                told = battle.provenance
                self._add(told["pair_id"], *sides, battle.verdict, told["category"], told["split"])

    def _add(
        self, pair_id: str, chosen: Side, rejected: Side, verdict: Verdict, category: str, split: str
    ) -> None:
        self.count += 1
        self.weighed += verdict.weighed
        longer_by = _length(chosen.response) - _length(rejected.response)
        if longer_by:
            self.longer[pair_id] += longer_by > 0
            self.differing[pair_id] += 1
        if verdict.votes["votes"] > 1:
            self.agreements.append(verdict.votes["agreement"])
        self.splits[split] += 1
        self.categories[category or "none"] += 1
        self.chosen[chosen.model] += 1
        self.rejected[rejected.model] += 1

    def by_length(self) -> Longer | None:
        """How often the longer response was chosen; None where all are as long."""
        if not self.differing:
            return None
        counted = zip(self.longer.values(), self.differing.values(), strict=True)
        some, many = np.array(list(counted), np.float64).T
        return Longer(self.longer.total(), self.differing.total(), *clustered_wilson(some, many))

    def by_model(self) -> list[tuple[str, int, int]]:
        """Models with how often they were chosen and rejected, the most frequent first."""
        both = self.chosen + self.rejected
        ranked = sorted(both, key=lambda name: (-both[name], name))
        return [(name, self.chosen[name], self.rejected[name]) for name in ranked]


def _length(messages: str) -> int:
    return sum(len(message["content"]) for message in orjson.loads(messages))


def _written(project: Project, spec: ExportSpec, lines: list[bytes]) -> list[Shown]:
    """These rows as the file has them; of a file that is no text, as its columns."""
    if not lines:
        return []
    if spec.part is Part.DATASET_INFO:
        return [_shown(formats.dataset_info(project.slug, spec).decode())]
    if spec.file is File.CSV:
        some = Lines(b"".join(lines), len(lines))
        return [_shown(b"".join(files.encoded(iter([some]), spec)).decode())]
    return [_shown(line.decode(), _laid_out(orjson.loads(line))) for line in lines]


def _shown(text: str, laid_out: str = "") -> Shown:
    return Shown(text[:SHOWN_TEXT], (laid_out or text)[:SHOWN_TEXT])


def _laid_out(row: Any) -> str:
    """A row's JSON over several lines, its long texts cut where a mark says so."""
    return orjson.dumps(_cut(row), option=orjson.OPT_INDENT_2).decode()


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_cut(part) for part in value]
    if isinstance(value, str) and len(value) > LAID_OUT_TEXT:
        return f"{value[:LAID_OUT_TEXT]}…"
    return value


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
