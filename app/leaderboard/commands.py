"""``tiebreak rank`` and ``tiebreak leaderboard``; ranking a file loads neither web nor database."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson
from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.leaderboard.words import rank_range, share

if TYPE_CHECKING:
    from app.leaderboard.ranked import ClusterBy

Made = TypeVar("Made")

WIDE = 160
TIES = ("half", "davidson", "drop")


class Anchor(click.ParamType[tuple[str, float]]):
    """MODEL=RATING; the model's name may itself hold an equals sign."""

    name = "MODEL=RATING"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        model, _, rating = str(value).rpartition("=")
        if not model:
            self.fail("expected MODEL=RATING", param, ctx)
        try:
            pinned = float(rating)
        except ValueError:
            pinned = math.nan
        if not math.isfinite(pinned):
            self.fail(f"{rating!r} is not a number", param, ctx)
        return model, pinned


@click.command()
@click.argument("votes", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--method", type=click.Choice(["bt", "elo"]), default="bt", show_default=True)
@click.option("--ties", type=click.Choice(TIES), default="half", show_default=True)
@click.option("--prior", type=click.Choice(["firth", "none"]), default="firth", show_default=True)
@click.option(
    "--interval", type=click.Choice(["sandwich", "bootstrap", "none"]), default="sandwich", show_default=True
)
@click.option(
    "--cluster",
    type=click.Choice(["both", "annotator", "prompt", "comparison", "none"]),
    help="Which votes are not independent; by default those of one annotator and those on one prompt "
    "(both), as far as the file names them.",
)
@click.option("--anchor", type=Anchor(), help="Pin a model's rating; otherwise ratings average 1000.")
@click.option("--by", metavar="COLUMN", help="Also rank each value of a column by itself.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rank(votes: Path, cluster: "ClusterBy | None", by: str | None, as_json: bool, **options: Any) -> None:
    """Rank the models of VOTES (.csv, .jsonl or .parquet) without a database.

    The file has the columns model_a, model_b and winner (model_a, model_b, tie or both_bad), or left,
    right and winner (left, right or tie), and may name the annotator and prompt_id of each vote.
    """
    from app.leaderboard.ranked import Parameters, Standings, rank_votes, with_slices
    from app.leaderboard.votes_file import Votes, default_cluster, read_votes

    cluster = cluster or default_cluster(votes)
    parameters = _usable(lambda: Parameters(cluster=cluster, **options))
    read = read_votes(votes, cluster, by)

    def ranked(part: Votes) -> Standings:
        return _usable(
            lambda: rank_votes(
                part.models, part.a, part.b, part.outcome, parameters, part.cluster, part.prompt
            )
        )

    found = ranked(read)
    slices = {value: ranked(part) for value, part in read.by_slice()}
    _show(with_slices(found, by, slices) if by else found.as_object(), as_json)


def _usable(make: Callable[[], Made]) -> Made:
    """Options that do not go together, or with the file, are a wrong use of the command."""
    try:
        return make()
    except ValidationError as error:
        raise click.UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@click.command()
@click.argument("slug")
@click.option(
    "--by",
    type=click.Choice(["category", "language", "criterion", "group", "kind"]),
    help="Also rank each slice by itself.",
)
@click.option("--value", help="Only this slice of --by.")
@click.option("--since", metavar="DAY", help="Only judgments from this day (UTC) on, such as 2025-06-01.")
@click.option("--until", metavar="DAY", help="Only judgments up to this day (UTC), which counts.")
@click.option("--method", type=click.Choice(["bt", "elo"]), default="bt", show_default=True)
@click.option("--ties", type=click.Choice(TIES), default="half", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def leaderboard(slug: str, as_json: bool, **asked: str | None) -> None:
    """Print a project's leaderboard."""
    from app import db, permissions
    from app.leaderboard import standings
    from app.leaderboard.forms import StandingsQuery

    project = permissions.project_named(db.engine(), slug)
    given = {name: value for name, value in asked.items() if value is not None}
    query = _usable(lambda: StandingsQuery.model_validate(given))
    with db.new_session(db.engine(), write=False) as session:
        _show(standings.as_object(session, project, query), as_json)


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    # A pipe has no width to fit.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    _print_table(console, "", found)
    for part in found.get("slices", ()):
        _print_table(console, f"{found['by']}: {part['value']}", part)


def _print_table(console: Console, title: str, found: dict[str, Any]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left")
    table.add_column("Rank")
    table.add_column("Model", overflow="fold")
    for heading in (
        "Rating",
        f"{found['parameters']['level']:.0%} interval",
        "Win",
        "Tie",
        "Loss",
        "Judgments",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for before, row in zip([None, *found["models"]], found["models"], strict=False):
        if before and before["component"] != row["component"]:
            # Models that no votes join are no one list.
            table.add_section()
        table.add_row(*map(Text, _cells(row)))
    console.print(table)
    words = Console(stderr=True, highlight=False)
    for note in found["notes"]:
        words.print(Text(f"• {title}: {note}" if title else f"• {note}"))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    rating = "–" if row["rating"] is None else f"{row['rating']:.0f}"
    bounds = "–" if row["lower"] is None else f"{row['lower']:.0f} to {row['upper']:.0f}"
    shares = [share(row, key) for key in ("wins", "ties", "losses")]
    return (rank_range(row), row["model"], rating, bounds, *shares, f"{row['judgments']:,}")


commands = [rank, leaderboard]
