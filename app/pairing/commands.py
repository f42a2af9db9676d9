"""``tiebreak pair``."""

import click
import orjson

from app import db, permissions
from app.errors import checked_options
from app.pairing import pairs
from app.pairing.forms import PairingIn

WORDS = {
    "prompts": "prompts with pairs",
    "queued": "comparisons queued",
    "already_there": "already in the queue",
    "retired": "taken out of the queue by a lead",
    "gold": "gold, served by their own rule",
    "identical_skipped": "pairs of identical texts skipped",
    "without_text": "responses without a text left out",
}


@click.command()
@click.argument("slug")
@click.option(
    "--models",
    multiple=True,
    metavar="A,B,…",
    help="By default all models of the project. May be repeated; a name with a comma is taken as it is.",
)
@click.option("--baseline", metavar="M", help="Compare each model with this one only.")
@click.option(
    "--per-prompt", type=int, metavar="N", help="Draw so many pairs of each prompt; by default all."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed draws and orders the same."
)
@click.option("--wanted", type=int, metavar="N", help="Judgments for each; by default the project's.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be queued.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def pair(
    slug: str,
    models: tuple[str, ...],
    baseline: str | None,
    per_prompt: int | None,
    seed: int,
    wanted: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Queue comparisons of project SLUG's responses; asking again with the same seed adds nothing."""
    given = {"baseline": baseline, "per_prompt": per_prompt, "seed": seed, "wanted": wanted}
    asked = checked_options(PairingIn, {"models": list(models), **given})
    project = permissions.project_named(db.engine(), slug)
    if dry_run:
        result = pairs.preview(db.engine(), project, asked)
    else:
        result = pairs.queue_pairs(db.engine(), project, asked, by=None)
    counts = result.as_dict()
    if as_json:
        click.echo(orjson.dumps(counts))
        return
    words = {**WORDS, "queued": "comparisons would be queued"} if dry_run else WORDS
    for name, count in counts.items():
        click.echo(f"{count:>10,}  {words[name]}")


commands = [pair]
