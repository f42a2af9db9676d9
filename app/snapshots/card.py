"""The dataset card: what was asked, of whom, how they agreed and what is missing, told from the data."""

import re
from collections import Counter
from dataclasses import dataclass
from operator import ne
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
import yaml
from flask import current_app
from sqlmodel import Session, col, select

from app.exports import exclusions
from app.exports.forms import Aggregate, Format, Split
from app.exports.judged import Judged
from app.models import Annotator, Project
from app.quality.annotators import Share
from app.snapshots import citing, columns, licences
from app.snapshots.asking import Asked, Version
from app.snapshots.forms import SnapshotIn

# Of a guideline on the card; the whole of it has a file.
LONGEST_GUIDELINE = 600
SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}
# Of models and categories, the most frequent.
MOST_NAMED = 50
# Fewer comparisons say little of a model.
FEW = 30
# How the files of formats end, packed or plain.
LINES = (".jsonl.zst", ".jsonl")
# What Markdown would take for its own in a line of plain text, formulas among it.
SPECIAL = re.compile(r"[\\`*_\[\]<>&~$|]")
# Rows read at once, with their texts.
MEASURED = 1_000


@dataclass
class Measured:
    """The preferences of a snapshot, counted from its files.

    A pair may stand in several rows, each for another judgment; all but ``rows`` and the judgments
    (``votes``, by whom they are) are told of pairs. Of the ``prompts``, ``held_out`` are in the test split.
    ``single`` are pairs with one judgment, ``several`` those with more; ``agreement`` is summed over the
    latter, where rows are pairs.
    """

    rows: int = 0
    pairs: int = 0
    prompts: int = 0
    held_out: int = 0
    votes: int = 0
    single: int = 0
    several: int = 0
    unanimous: int = 0
    agreement: float = 0.0
    human: int = 0
    model: int = 0
    simulated: int = 0
    adjudicated: int = 0
    longer: int = 0
    shorter: int = 0

    def __post_init__(self) -> None:
        # By judgments.
        self.annotators: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.chosen: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        # Rows by the guideline's version, 0 for none.
        self.guidelines: Counter[int] = Counter()
        # Where the rows counted so far end: those of a prompt, and of a pair, follow one another in one file.
        self._last_prompt = ""
        self._last_pairs = ["", ""]

    def add(self, batch: Any, *, held_out: bool) -> None:
        """Count Arrow's next rows, which are of the test split where they are ``held_out``."""
        import pyarrow as pa
        import pyarrow.compute as pc

        self.rows += batch.num_rows
        self.votes += pc.sum(batch["votes"]).as_py()
        self.human += pc.sum(batch["human_votes"]).as_py()
        self.model += pc.sum(batch["model_votes"]).as_py()
        self.simulated += pc.sum(batch["simulated_votes"]).as_py()
        _count(self.annotators, pc.list_flatten(batch["annotators"]))
        _count(self.guidelines, batch["guideline_version"])
        self._add_prompts(batch["prompt_id"].to_pylist(), held_out=held_out)
        ids = np.array([*self._last_pairs, *batch["pair_id"].to_pylist()])
        self._last_pairs = ids[-2:].tolist()
        first = ids[2:] != ids[1:-1]
        second = ~first & (ids[2:] != ids[:-2])
        self._add_pairs(batch.filter(pa.array(first)), again=int(second.sum()))

    def _add_prompts(self, ids: list[str], *, held_out: bool) -> None:
        begun = sum(map(ne, ids, [self._last_prompt, *ids]))
        self._last_prompt = ids[-1]
        self.prompts += begun
        self.held_out += begun if held_out else 0

    def _add_pairs(self, pairs: Any, *, again: int) -> None:
        """Count the first row of each pair, and how many pairs have a second one, of another judgment."""
        import pyarrow.compute as pc

        shared = pairs.filter(pc.greater(pairs["votes"], 1))
        alone = pc.sum(pc.equal(pairs["votes"], 1)).as_py() or 0
        self.pairs += pairs.num_rows
        self.several += shared.num_rows + again
        self.single += alone - again
        self.agreement += pc.sum(shared["agreement"]).as_py() or 0
        self.unanimous += pc.sum(pc.equal(shared["agreement"], 1)).as_py() or 0
        self.adjudicated += pc.sum(pairs["adjudicated"]).as_py() or 0
        chosen, rejected = _lengths(pairs["chosen"]), _lengths(pairs["rejected"])
        self.longer += int((chosen > rejected).sum())
        self.shorter += int((chosen < rejected).sum())
        for side in ("chosen_model", "rejected_model"):
            _count(self.models, pairs[side])
        _count(self.chosen, pairs["chosen_model"])
        _count(self.languages, pairs["language"])
        _count(self.categories, pairs["category"])

    @property
    def longer_chosen(self) -> Share | None:
        """In how many pairs the longer response was the preferred one; rows of one pair never differ."""
        different = self.longer + self.shorter
        return Share(self.longer, different) if different else None

    @property
    def by_model(self) -> list[str]:
        """How many pairs each model is in, and in how many it was chosen, as Markdown; the most frequent."""
        return [
            f"{_code(name)}: {_number(pairs)}, chosen in {self.chosen[name]:,}"
            for name, pairs in self.models.most_common(MOST_NAMED)
        ]

    @property
    def by_category(self) -> list[str]:
        """How many pairs each category has, as Markdown; the most frequent."""
        return [
            f"{_code(name) if name else 'none'}: {_number(pairs)}"
            for name, pairs in self.categories.most_common(MOST_NAMED)
        ]

    @property
    def rare_models(self) -> list[str]:
        """Models in few of its pairs, as Markdown."""
        return [_code(name) for name in sorted(self.models) if self.models[name] < FEW]


@dataclass(frozen=True)
class Card:
    """All that the card says."""

    project: Project
    manifest: dict[str, Any]
    configs: list[dict[str, Any]]
    asked: SnapshotIn
    said: Asked
    measured: Measured
    imported: set[str]
    judged: Judged

    @property
    def guidelines(self) -> list[Version]:
        """Those that its judgments were made under."""
        return [one for one in self.said.guidelines if one.judgments]

    @property
    def rubrics(self) -> list[Version]:
        """Those that its judgments were made under."""
        return [one for one in self.said.rubrics if one.judgments]

    @property
    def quoted(self) -> Version:
        """Of its guidelines the one with the most rows, the latest of several."""
        return max(self.guidelines, key=lambda one: (self.measured.guidelines[one.number], one.number))

    @property
    def quotation(self) -> str:
        """That or its beginning, set off from the card's own headings, its lines kept as lines."""
        # Two spaces keep a line's end where Markdown would run on, and are nothing elsewhere.
        lines = re.sub(r"(?<=\S)\n(?=.*\S)", "  \n", beginning(self.quoted.text)).splitlines()
        return "\n".join(f"> {line}" if line.strip() else ">" for line in lines)

    @property
    def is_cut(self) -> bool:
        """Whether the guideline goes on."""
        return beginning(self.quoted.text) != self.quoted.text

    @property
    def imported_judgments(self) -> int:
        """Judgments of annotators out of imported files, simulated ones aside."""
        return sum(n for name, n in self.measured.annotators.items() if name in self.imported)

    @property
    def rows_by_split(self) -> dict[str, int]:
        """Rows of each split that was asked for."""
        rows = {
            file["split"]: file["rows"] for file in self.manifest["files"] if file["path"].startswith("data/")
        }
        return {split.value: rows.get(split.value, 0) for split in self.asked.splits}

    @property
    def lines(self) -> dict[str, Any] | None:
        """The one of its files of lines that is loaded as an example."""
        return loadable(self.manifest["files"])

    @property
    def salt(self) -> str:
        """What the split is drawn with, as Markdown."""
        return _code(self.asked.salt)

    @property
    def citation(self) -> str:
        """What it is cited by, as Markdown."""
        return _code(citing.citation(self.manifest))

    @property
    def columns(self) -> dict[str, str]:
        """What each column means."""
        return columns.meanings(margin=self.asked.margin)

    @property
    def left_out(self) -> list[str]:
        """What its preferences lack, by reason."""
        units = self.manifest["excluded_units"].get(Format.TRL, {})
        return [
            f"{exclusions.counted(units[reason], n)} left out: {reason}."
            for reason, n in self.manifest["excluded"].get(Format.TRL, {}).items()
        ]

    @property
    def title(self) -> str:
        """The project's name, as Markdown."""
        return _plain(self.project.name)

    @property
    def introduction(self) -> str:
        """Its description, as Markdown."""
        return _plain(self.description)

    @property
    def criteria(self) -> list[str]:
        """What was asked beside the verdict, as Markdown."""
        return list(map(_plain, self.said.criteria))

    @property
    def tags(self) -> list[str]:
        """What a catalogue finds it by: whose feedback it is, as the judgments say."""
        by = {
            "rlhf": self.measured.human,
            "human-feedback": self.measured.human,
            "rlaif": self.measured.model,
            "ai-feedback": self.measured.model,
            "synthetic": self.measured.simulated,
        }
        return ["preference", *(tag for tag, judgments in by.items() if judgments)]

    @property
    def is_each(self) -> bool:
        """Whether rows are judgments, and not pairs."""
        return self.asked.aggregating is Aggregate.EACH

    @property
    def description(self) -> str:
        """A sentence of it."""
        measured = self.measured
        what = (
            f"{measured.rows:,} judgments of {measured.pairs:,} pairs of responses"
            if self.is_each
            else f"{measured.rows:,} preferences between responses"
        )
        return (
            f"{what} of {len(measured.models)} models to {measured.prompts:,} prompts, judged side by side "
            f"in the project {self.project.name}."
        )


def gather(
    connection: sa.Connection,
    project: Project,
    asked: SnapshotIn,
    manifest: dict[str, Any],
    said: Asked,
    measured: Measured,
    judged: Judged,
) -> Card:
    """Read what the card tells beside what was measured, from the same moment as the rows."""
    with Session(connection) as session:
        return Card(
            project,
            manifest,
            _configs(manifest),
            asked,
            said,
            measured,
            _imported(session, project),
            judged,
        )


def _configs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What ``datasets`` loads: Parquet alone, since it takes one kind of file for all configurations."""
    paths = [file for file in manifest["files"] if file["path"].startswith("data/")]
    files = [{"split": file["split"], "path": file["path"]} for file in paths]
    return [{"config_name": "default", "data_files": files}]


def write(card: Card) -> str:
    """Markdown with the front matter that ``datasets`` reads."""
    front = {
        "pretty_name": f"{card.project.name}, {card.manifest['snapshot']}",
        **licences.front_matter(card.asked.licence),
        "language": [name for name, _ in card.measured.languages.most_common() if name],
        "tags": card.tags,
        "size_categories": [next((SIZES[size] for size in SIZES if card.measured.rows < size), "n>10M")],
        "configs": card.configs,
    }
    yaml_ = yaml.safe_dump(
        {name: value for name, value in front.items() if value}, sort_keys=False, allow_unicode=True
    )
    # Not as a page: there is no reader whose session or language it would follow.
    template = current_app.jinja_env.get_template("snapshots/card.md")
    return f"---\n{yaml_}---\n\n" + template.render(card=card, measured=card.measured)


def _imported(session: Session, project: Project) -> set[str]:
    """The pseudonyms of annotators that came with files; nobody signs in as one."""
    mine = (Annotator.project_id == project.id, col(Annotator.account_id).is_(None))
    return set(session.exec(select(Annotator.uid).where(*mine, col(Annotator.simulated).is_(False))))


def _number(pairs: int) -> str:
    return f"{pairs:,} {'pair' if pairs == 1 else 'pairs'}"


def _code(name: str) -> str:
    """A name as Markdown that is read as it stands, commas and all."""
    longest = max(map(len, re.findall("`+", name)), default=0)
    fence, room = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{room}{name}{room}{fence}"


def _plain(text: str) -> str:
    """A line of text as Markdown that says just that."""
    return SPECIAL.sub(r"\\\g<0>", text)


def loadable(files: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of a snapshot's files one of the last format, of the first split that it has."""
    lines = [file for file in files if file["path"].endswith(LINES)]
    return next((file for file in lines if file["format"] == lines[-1]["format"]), None)


def beginning(guideline: str) -> str:
    """As much of it as the card has room for, to the end of a word where there is one."""
    if len(guideline) <= LONGEST_GUIDELINE:
        return guideline
    words = re.match(rf".{{1,{LONGEST_GUIDELINE}}}(?=\s)", guideline, re.DOTALL)
    return words[0] if words else guideline[:LONGEST_GUIDELINE]


def measure(paths: list[Path]) -> Measured:
    """Count what Parquet files of trl hold, a part at a time."""
    # Not at the top: pyarrow takes long to start.
    import pyarrow.parquet as pq

    found = Measured()
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(MEASURED):
            found.add(batch, held_out=path.stem == Split.TEST)
    return found


def _lengths(messages: Any) -> "np.ndarray[Any, Any]":
    """Characters of each response."""
    import pyarrow.compute as pc

    turns = pc.list_flatten(messages)
    each = pc.utf8_length(pc.struct_field(turns, "content")).to_numpy()
    return np.bincount(pc.list_parent_indices(messages).to_numpy(), each, len(messages))


def _count(counter: Counter[Any], column: Any) -> None:
    for item in column.value_counts().to_pylist():
        counter[item["values"]] += item["counts"]
