"""What may be asked of an export on a command line, and of a snapshot the same."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import click

from app.exports.forms import Aggregate, Gold, Split, Ties
from app.models import AnnotatorKind

Command = TypeVar("Command", bound=Callable[..., Any])


def choice(values: type[StrEnum]) -> click.Choice[str]:
    """One of an enum's values."""
    return click.Choice([value.value for value in values])


# What an export may ask for beside its shape; a snapshot the same.
FILTERS = (
    click.option("--category", multiple=True, help="Only these prompts; may be repeated."),
    click.option("--language", multiple=True, help="Only these prompts; may be repeated."),
    click.option(
        "--model",
        multiple=True,
        help="Only comparisons between these models; of one, with any other. May be repeated.",
    ),
    click.option("--split", type=choice(Split), help="Only these prompts; both by default."),
    click.option(
        "--gold", type=choice(Gold), help="Comparisons that test annotators; in for judgments only."
    ),
    click.option("--adjudicated", is_flag=True, help="Only comparisons with a reviewer's verdict."),
    click.option("--kind", type=choice(AnnotatorKind), help="Only people's or judge models' judgments."),
    click.option("--group", multiple=True, help="Only judgments of annotators in this group."),
    click.option("--guideline", multiple=True, type=int, help="Only judgments made under this version."),
    click.option(
        "--criterion",
        help="Verdicts by this criterion instead of the overall ones; not for judgments, which have all.",
    ),
    click.option("--since", help="Only judgments from this ISO time on."),
    click.option("--until", help="Only judgments before this ISO time, or up to this day (UTC)."),
    click.option("--ties", type=choice(Ties), help="Drop: as if verdicts for neither side were not given."),
    click.option(
        "--aggregate",
        type=choice(Aggregate),
        help="How judgments become a verdict: each is a row by itself (trainers' formats leave out those "
        "against the majority), most annotators decide, most by their reliability, or the reviewer where "
        "there is one and else the majority.  [default: adjudicated; each for arena and judgments]",
    ),
    click.option("--min-votes", type=int, help="Fewest votes, as many annotators' judgments that count."),
    click.option("--min-agreement", type=float, help="Share of its votes that must agree, 0 to 1."),
    click.option("--min-strength", type=float, help="Mean strength of those that agree, 1 to 3."),
    click.option("--held-out", type=float, help="Share of prompts in the test split.  [default: 0.1]"),
    click.option("--salt", help="Draws another split."),
    click.option("--margin", is_flag=True, help="Add a margin column; trl and trl-implicit only."),
)


def filters(command: Command) -> Command:
    """Add these options to a command."""
    for option in reversed(FILTERS):
        command = option(command)
    return command
