"""``tiebreak rank`` and ``tiebreak leaderboard``; ranking a file loads neither web nor database."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import ValidationError

from app.leaderboard import terminal
from app.words import written_out

if TYPE_CHECKING:
    from app.leaderboard.ranked import ClusterBy
    from app.leaderboard.shown import Shown
    from app.leaderboard.votes_file import Votes

Made = TypeVar("Made")

TIES = ("half", "davidson", "drop")
VIEWS = (
    *("standings", "matrix", "head-to-head", "model", "over-time", "bias", "firmness"),
    *("agreement", "annotators", "weighted", "with-judges"),
)
# Views of what the votes of one annotator have in common.
GROUPED: "dict[str, ClusterBy]" = {
    "annotators": "annotator",
    "weighted": "annotator",
}


# Views in which the order of the votes matters, whatever the method.
IN_TIME = ("over-time", "agreement")
# Views that tell comparisons apart, and judge models from people.
COMPARED = ("agreement", "with-judges")


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


class Judges(click.ParamType[tuple[str, str]]):
    """COLUMN=VALUE; the value may itself hold an equals sign."""

    name = "COLUMN=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        column, equals, said = str(value).partition("=")
        if not (column and equals):
            self.fail("expected COLUMN=VALUE", param, ctx)
        return column, said


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
    "(both), as far as the file names them and where there are prompts enough to speak for others.",
)
@click.option("--anchor", type=Anchor(), help="Pin a model's rating; otherwise ratings average 1000.")
@click.option("--by", metavar="COLUMN", help="Also show each value of a column by itself.")
@click.option("--show", type=click.Choice(VIEWS), default="standings", show_default=True)
@click.option(
    "--model", "models", metavar="NAME", multiple=True, help="For --show model; two of them for head-to-head."
)
@click.option(
    "--judges",
    type=Judges(),
    help="For --show with-judges and agreement: which votes are judge models'; annotator_kind=model by "
    "default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rank(
    votes: Path,
    cluster: "ClusterBy | None",
    by: str | None,
    show: str,
    models: tuple[str, ...],
    judges: tuple[str, str] | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Rank the models of VOTES (.csv, .jsonl or .parquet) without a database.

    The file has the columns model_a, model_b and winner (model_a, model_b, tie or both_bad), or left,
    right and winner (left, right or tie), or is an export of judgments. It may name the annotator and
    prompt_id of each vote.
    """
    from app.leaderboard import of_votes
    from app.leaderboard.ranked import Parameters
    from app.leaderboard.votes_file import default_cluster, default_judges, names_annotators, read_votes

    compared = show in COMPARED
    if judges and not compared:
        raise click.UsageError("--judges is for --show with-judges and --show agreement.")
    needed = judges is not None or show == "with-judges"
    if compared and not judges:
        judges = default_judges(votes, needed=needed)
    chosen, cluster = cluster is not None, cluster or default_cluster(votes)
    parameters = _usable(lambda: Parameters(cluster=cluster, chosen=chosen, **options))
    grouped = GROUPED.get(show, cluster)
    if show == "agreement":
        grouped = "annotator" if names_annotators(votes) else "none"
    in_time = show in IN_TIME or (show == "standings" and options["method"] == "elo")
    read = read_votes(votes, grouped, by, judges, compared=compared, judged=needed, in_time=in_time)

    def shown(part: "Votes") -> "Shown":
        return _usable(lambda: of_votes.show(show, part, parameters, models))

    whole, parts = shown(read), {value: shown(part) for value, part in read.by_slice()}
    if as_json:
        terminal.print_json(of_votes.with_slices(whole, by, parts) if by else whole.found)
        return
    terminal.print_table("", whole.table, whole.notes)
    for value, part in parts.items():
        terminal.print_table(f"{by}: {value}", part.table, part.notes)


def _usable(make: Callable[[], Made]) -> Made:
    """Options that do not go together, or with the file, are a wrong use of the command."""
    try:
        return make()
    except ValidationError as error:
        raise click.UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    except ValueError as error:
        raise click.UsageError(written_out(str(error))) from error


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
    from app.errors import checked_options
    from app.leaderboard import slicing, standings
    from app.leaderboard.forms import StandingsQuery
    from app.leaderboard.of_votes import standings_table

    if asked["value"] and not asked["by"]:
        raise click.UsageError("--value needs --by, which says what it is a value of.")
    project = permissions.project_named(db.engine(), slug)
    given = {name: value for name, value in asked.items() if value is not None}
    query = checked_options(StandingsQuery, given)
    with db.new_session(db.engine(), write=False) as session:
        slicing.check(session, project, query)
        found = standings.as_object(session, project, query)
    if as_json:
        terminal.print_json(found)
        return
    for part in (found, *found.get("slices", ())):
        title = f"{found['by']}: {part['label']}" if part is not found else ""
        terminal.print_table(title, standings_table(part), part["notes"])


commands = [rank, leaderboard]
