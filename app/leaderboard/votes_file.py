"""Votes from a file, column by column: names become codes in Arrow, never in a loop over votes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app import cells
from app.errors import Problem
from app.inputs import moment_in_file
from app.leaderboard.column_files import Source, not_utf8, read, recognise
from app.words import UNKNOWN_PROMPT, listed
from ranking import Outcome

Codes = NDArray[np.integer[Any]]
Cluster = Literal["annotator", "prompt", "comparison"]
ClusterBy = Literal["both", "annotator", "prompt", "comparison", "none"]

# How files say who won. Nothing else is a tie.
WORDS = {
    "model_a": Outcome.A,
    "model_b": Outcome.B,
    "left": Outcome.A,
    "right": Outcome.B,
    "a": Outcome.A,
    "b": Outcome.B,
    "tie": Outcome.TIE,
    "both_bad": Outcome.BOTH_BAD,
    "tie (bothbad)": Outcome.BOTH_BAD,
}
# The shapes of votes: the columns of the models, and that of who won; the last is an export of judgments.
EXPORTED = ("model_a", "model_b", "outcome")
SHAPES = (("model_a", "model_b", "winner"), ("left", "right", "winner"), EXPORTED)
# What no other file has: in one as CSV, texts are written as ``cells.safe`` does.
OURS = "judgment_id"
# What such an export says of a judgment that counts for no model.
UNCOUNTED = ("retired_at", "gold")
# What files call the columns that say which votes belong together.
CLUSTERS: dict[Cluster, tuple[str, ...]] = {
    "annotator": ("annotator", "annotator_id", "worker", "judge"),
    "prompt": ("prompt_id", "question_id", "prompt"),
    "comparison": ("comparison_id", "pair_id"),
}
COLUMNS = ("a", "b", "outcome", "cluster", "prompt", "comparison", "judge", "simulated", "left", "slices")
# What such an export says of which response stood on the left, and of annotators that are nobody.
SHOWN, SIMULATED = "first_shown", "simulated"
# What files call the time of a vote, as imports know it.
TIMES = ("timestamp", "tstamp", "created_at")
# How an export of judgments tells judge models from people.
JUDGES = ("annotator_kind", "model")
# Ratings need a few matrices of this many rows and columns.
MOST_MODELS = 2_000


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes as (n,) columns of codes: ``a`` and ``b`` into ``models``, ``outcome`` of ``ranking.Outcome``.

    ``cluster`` says which votes belong together, as codes into ``clusters`` where one column names them;
    ``prompt`` which are on one prompt besides, or None; ``item`` whether these are prompts, or comparisons
    where the file names nothing wider. ``comparison`` says which are of one comparison and ``judge`` which
    are a judge model's, where that was asked for; ``simulated`` which an export says are nobody's. ``left``
    is which model stood on the left, 0 for ``a``, 1 for ``b``, -1 where an export does not say it, or None
    where the first of each row is taken to have. ``slices`` are codes into ``slice_values``. Prompts and
    slices are -1 where the file says nothing. ``ordered_by`` is the column of times they are sorted by;
    empty where they stand as in the file, and ``untimed`` says why where a time cannot be read. ``part_of``
    are the votes that these are a slice of.
    """

    models: tuple[str, ...]
    a: Codes
    b: Codes
    outcome: Codes
    cluster: Codes | None = None
    clusters: tuple[str, ...] = ()
    prompt: Codes | None = None
    item: Literal["prompt", "comparison"] = "prompt"
    comparison: Codes | None = None
    judge: NDArray[np.bool_] | None = None
    simulated: NDArray[np.bool_] | None = None
    left: Codes | None = None
    slices: Codes | None = None
    slice_values: tuple[str, ...] = ()
    ordered_by: str = ""
    untimed: str = ""
    part_of: "Votes | None" = None

    def by_slice(self) -> "Iterator[tuple[str, Votes]]":
        """The votes of each slice that has any, the largest first, then by name.

        All models stay, so that one without votes is seen to have none.
        """
        codes = np.zeros(0, np.intp) if self.slices is None else self.slices
        times = np.bincount(codes[codes >= 0], minlength=len(self.slice_values)).tolist()
        sizes = dict(zip(self.slice_values, times, strict=True))
        for value in sorted(filter(sizes.get, sizes), key=lambda value: (-sizes[value], value)):
            rows = codes == self.slice_values.index(value)
            yield value, replace(self.where(rows), slices=None, slice_values=(), part_of=self)

    def where(self, rows: NDArray[np.bool_ | np.intp]) -> "Votes":
        """Some of the votes, marked or by their numbers, with all models."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return replace(self, **{name: column[rows] for name, column in columns.items() if column is not None})


def read_votes(
    path: Path,
    cluster: ClusterBy = "none",
    by: str | None = None,
    judges: tuple[str, str] | None = None,
    *,
    compared: bool = False,
    judged: bool = True,
    in_time: bool = False,
) -> Votes:
    """Read a CSV, JSON Lines or Parquet file of votes (text also as .gz or .zst).

    ``cluster`` says which votes belong together; ``by`` is a column to slice by; ``judges`` the column, and
    its value, by which judge models' votes are known, and ``judged`` whether there must be any; ``compared``
    tells comparisons apart. ``in_time`` sorts the votes by their times where the file says every one's and
    each can be read, those of one time as in the file. Of an export of judgments those withdrawn, on gold,
    or between two answers of one model are left out. Raises Problem where the file lacks a column, or with
    the line of a value that cannot be understood.
    """
    source = recognise(path)
    *shape, winner = _shape(source)
    exported = (*shape, winner) == EXPORTED
    groups = _cluster_columns(source, "annotator" if cluster == "both" else cluster)
    prompts = _prompt_columns(source) if cluster == "both" else []
    comparisons = _cluster_columns(source, "comparison") if compared else []
    marks = [name for name in UNCOUNTED if exported and name in source.columns]
    named = [name for name in (by, judges and judges[0]) if name]
    for name in named:
        if name not in source.columns:
            raise Problem(f"{path.name} has no column {name!r}; it has {', '.join(source.columns)}.")
    times = [name for name in TIMES if in_time and name in source.columns][:1]
    told = [name for name in (SHOWN, SIMULATED) if exported and name in source.columns]
    wanted = [*shape, winner, *groups, *prompts, *comparisons, *marks, *told, *named, *times]
    table = read(source, list(dict.fromkeys(wanted)))
    if not table.num_rows:
        raise Problem(f"{path.name} holds no votes: there is nothing below its header.")
    models, a, b = _models(source, table, shape)
    if not exported and (a == b).any():
        row = int(np.argmax(a == b))
        raise source.refuse(row, f"{models[a[row]]!r} is compared with itself.")
    outcome = _outcomes(source, table, winner)
    joined, clusters = _joined(source, table, groups, a, b) if groups else (None, ())
    slices, values = _codes(source, table, by) if by else (None, ())
    votes = Votes(
        models,
        a,
        b,
        outcome,
        joined,
        clusters,
        prompt=_prompts(source, table, prompts[0]) if prompts else None,
        item="prompt" if _named(source, "prompt") else "comparison",
        comparison=_joined(source, table, comparisons, a, b)[0] if comparisons else None,
        judge=_judges(source, table, *judges, needed=judged) if judges else None,
        simulated=_simulated(source, table) if SIMULATED in told else None,
        left=_left(source, table, told) if exported else None,
        slices=slices,
        slice_values=values,
    )
    counting = _counting(source, table, votes, marks) if exported else None
    return _in_time(source, table, votes, counting, times)


def _in_time(
    source: Source, table: pa.Table, votes: Votes, counting: NDArray[np.bool_] | None, times: list[str]
) -> Votes:
    """The votes that count (all, for None), sorted by the column of times where each of them has one."""
    if not times:
        return votes if counting is None else votes.where(counting)
    rows = np.arange(table.num_rows) if counting is None else np.flatnonzero(counting)
    codes, values = _codes(source, table, times[0])
    moments = [moment_in_file(value) for value in values]
    unread = np.array([moment is None for moment in moments] + [False])[codes[rows]]
    if unread.any():
        row = rows[np.argmax(unread)]
        why = source.refuse(
            int(row),
            f"{times[0]} is {values[codes[row]]!r}; expected an ISO time, or seconds since 1970. "
            "So the votes are taken in the order of the file.",
        )
        return replace(votes.where(rows), untimed=str(why))
    known = [np.nan if moment is None else moment.timestamp() for moment in moments]
    seconds = np.array([*known, np.nan], np.float64)[codes[rows]]
    if np.isnan(seconds).any():
        return votes.where(rows)
    return replace(votes.where(rows[np.argsort(seconds, kind="stable")]), ordered_by=times[0])


def _counting(source: Source, table: pa.Table, votes: Votes, marks: list[str]) -> NDArray[np.bool_]:
    """Which judgments of an export count for a model."""
    counts = votes.a != votes.b
    for name in marks:
        counts &= _codes(source, table, name)[0] < 0
    if not counts.any():
        raise Problem(f"{source.path.name} holds no judgment that counts: all are withdrawn, or on gold.")
    return np.asarray(counts)


def names_annotators(path: Path) -> bool:
    """Whether the file says whose each vote is."""
    return bool(_named(recognise(path), "annotator"))


def default_cluster(path: Path) -> ClusterBy:
    """Annotators and prompts, as far as the file names them."""
    source = recognise(path)
    annotators = _named(source, "annotator")
    if _prompt_columns(source):
        return "both" if annotators else "prompt" if _named(source, "prompt") else "comparison"
    return "annotator" if annotators else "none"


def default_judges(path: Path, *, needed: bool) -> tuple[str, str] | None:
    """How the file tells judge models' votes from people's, if it does. Raises Problem where it is needed."""
    if JUDGES[0] not in recognise(path).columns:
        if not needed:
            return None
        raise Problem(
            f"{path.name} has no column {JUDGES[0]} that tells judge models' votes from people's: name the "
            "one that does, and what it says of judge models, with --judges COLUMN=VALUE."
        )
    return JUDGES


def _named(source: Source, cluster: Cluster) -> list[str]:
    return [name for name in CLUSTERS[cluster] if name in source.columns][:1]


def _prompt_columns(source: Source) -> list[str]:
    """The column that names the prompt of each vote or, where none does, the comparison."""
    return _named(source, "prompt") or _named(source, "comparison")


def _shape(source: Source) -> tuple[str, str, str]:
    for shape in SHAPES:
        if set(shape) <= set(source.columns):
            return shape
    raise Problem(
        f"{source.path.name} is not a file of votes: expected the columns model_a, model_b, winner "
        f"(or left, right, winner; or an export of judgments), found {', '.join(source.columns) or 'none'}."
    )


def _cluster_columns(source: Source, cluster: Cluster | Literal["none"]) -> list[str]:
    """The columns that together name a cluster; the same pair on the same prompt is one comparison."""
    if cluster == "none":
        return []
    if named := _named(source, cluster):
        return named
    if cluster == "comparison":
        return [*_cluster_columns(source, "prompt"), *_shape(source)[:2]]
    names = " or ".join(CLUSTERS[cluster])
    raise Problem(f"{source.path.name} has no column that names the {cluster}, such as {names}.")


def _joined(
    source: Source, table: pa.Table, columns: list[str], a: Codes, b: Codes
) -> tuple[Codes, tuple[str, ...]]:
    codes, names = _sorted(*_codes(source, table, columns[0]))
    if codes.min(initial=0) < 0:
        raise source.refuse(
            int(np.argmin(codes)), f"{columns[0]} is missing, and votes are to be joined by it."
        )
    if len(columns) == 1:
        return codes, names
    size = max(a.max(initial=0), b.max(initial=0)) + 1
    return (codes.astype(np.int64) * size + np.minimum(a, b)) * size + np.maximum(a, b), ()


def _models(source: Source, table: pa.Table, shape: list[str]) -> tuple[tuple[str, ...], Codes, Codes]:
    columns = [_codes(source, table, name) for name in shape]
    for name, (codes, words) in zip(shape, columns, strict=True):
        missing = np.array([not word.strip() for word in words] + [True])[codes]
        if missing.any():
            raise source.refuse(int(np.argmax(missing)), f"{name} is missing.")
    models = tuple(sorted({word for _, words in columns for word in words}))
    if len(models) > MOST_MODELS:
        raise Problem(
            f"{source.path.name} names {len(models):,} models, and at most {MOST_MODELS:,} can be ranked. "
            f"Are {shape[0]} and {shape[1]} the models' columns?"
        )
    number = {model: i for i, model in enumerate(models)}
    a, b = (np.array([number[word] for word in words], np.int32)[codes] for codes, words in columns)
    return models, a, b


def _outcomes(source: Source, table: pa.Table, winner: str) -> Codes:
    codes, values = _codes(source, table, winner)
    unknown = len(Outcome)
    outcome = np.array([WORDS.get(value, unknown) for value in values] + [unknown], np.uint8)[codes]
    if outcome.max(initial=0) == unknown:
        row = int(np.argmax(outcome))
        found = repr(values[codes[row]]) if codes[row] >= 0 else "missing"
        raise source.refuse(row, f"{winner} is {found}; expected one of {', '.join(WORDS)}.")
    return outcome


def _prompts(source: Source, table: pa.Table, name: str) -> Codes:
    codes, keys = _sorted(*_codes(source, table, name))
    known = np.array([not key.startswith(UNKNOWN_PROMPT) for key in keys] + [True], bool)
    return np.where(known[codes], codes, -1)


def _simulated(source: Source, table: pa.Table) -> NDArray[np.bool_]:
    codes, values = _codes(source, table, SIMULATED)
    return np.array([value.lower() == "true" for value in values] + [False])[codes]


def _left(source: Source, table: pa.Table, told: list[str]) -> Codes:
    if SHOWN not in told:
        return np.full(table.num_rows, -1)
    codes, values = _codes(source, table, SHOWN)
    return np.array([{"a": 0, "b": 1}.get(value, -1) for value in values] + [-1])[codes]


def _judges(source: Source, table: pa.Table, column: str, value: str, *, needed: bool) -> NDArray[np.bool_]:
    codes, values = _codes(source, table, column)
    if value not in values and not needed:
        return np.zeros(len(codes), bool)
    if value not in values:
        found = f"it says {listed(values)}" if values else "it is empty"
        raise Problem(f"No vote of {source.path.name} has {value!r} in the column {column!r}; {found}.")
    return np.asarray(codes == values.index(value))


def _sorted(codes: Codes, names: tuple[str, ...]) -> tuple[Codes, tuple[str, ...]]:
    """By name, not as they first appear: what is drawn at random is the same in whatever order rows come."""
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.full(len(names) + 1, -1, np.int32)
    place[order] = np.arange(len(names))
    return place[codes], tuple(names[i] for i in order)


def _codes(source: Source, table: pa.Table, name: str) -> tuple[Codes, tuple[str, ...]]:
    """A column as codes into its distinct values as text; -1 where it has none."""
    column = table[name]
    if pa.types.is_nested(column.type):
        raise Problem(f"{source.path.name}: {name} holds lists or objects, where a word was expected.")
    if pa.types.is_floating(column.type):
        # What data frames write where there is no text.
        column = pc.if_else(pc.is_nan(column), None, column)
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column.cast(pa.string()))
    whole = column.unify_dictionaries()
    if whole.num_chunks == 0:
        return np.zeros(0, np.int32), ()
    codes = np.concatenate([np.asarray(chunk.indices.fill_null(-1)) for chunk in whole.chunks])
    try:
        values = whole.chunk(0).dictionary.to_pylist()
    except UnicodeDecodeError as error:
        # Arrow takes the bytes of JSON Lines as they are.
        raise not_utf8(source.path) from error
    if source.kind == "csv" and {OURS, *EXPORTED} <= set(source.columns):
        return _plain(codes, values)
    return codes, tuple(values)


def _plain(codes: Codes, values: list[str]) -> tuple[Codes, tuple[str, ...]]:
    """The same of cells as they were before they were written; a spreadsheet may have left some without."""
    number: dict[str, int] = {}
    numbers = [number.setdefault(cells.plain(value), len(number)) for value in values]
    return np.array([*numbers, -1], np.int32)[codes], tuple(number)
