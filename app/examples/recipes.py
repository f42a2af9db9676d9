"""Programs that use a project from outside, with its own names filled in; tests run them as shown."""

from dataclasses import dataclass
from pathlib import Path

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from app import web
from app.models import Scope
from app.permissions import Access

FOLDER = web.ROOT / "templates" / "examples" / "programs"
LANGUAGES = {".sh": "Shell", ".py": "Python"}


@dataclass(frozen=True)
class Recipe:
    """A program: what it is for, what one must be able to do, and what its token must be for."""

    file: str
    title: LazyString
    about: LazyString
    ability: str
    scope: Scope | None = None

    @property
    def name(self) -> str:
        """A name for its part of the page."""
        return self.file.replace(".", "-")

    @property
    def language(self) -> str:
        """What it is written in."""
        return LANGUAGES[Path(self.file).suffix]

    def code(self, site: str, slug: str) -> str:
        """The program for one project."""
        return (FOLDER / self.file).read_text().replace("@SITE@", site).replace("@SLUG@", slug)


RECIPES = (
    Recipe(
        "leaderboard.sh",
        _("Read the leaderboard"),
        _("With its intervals."),
        "read the leaderboard",
        Scope.READ,
    ),
    Recipe(
        "download.sh",
        _("Download preferences with curl"),
        _("And see nothing is missing."),
        "export",
        Scope.READ,
    ),
    Recipe("download.py", _("Download preferences in Python"), _("The same."), "export", Scope.READ),
    Recipe("datasets.py", _("Load them"), _("With the datasets library."), "export"),
    Recipe("trl.py", _("Train a reward model"), _("With TRL, from the file as it is."), "export"),
    Recipe(
        "judge.py",
        _("Let a judge model judge"),
        _("Blind, from the queue of people."),
        "judge",
        Scope.ANNOTATE,
    ),
    Recipe("import.sh", _("Import responses"), _("Answers with a job to watch."), "import", Scope.MANAGE),
    Recipe(
        "webhook.py", _("Check a webhook’s signature"), _("With the secret that was shown once."), "manage"
    ),
)


def for_access(access: Access) -> list[Recipe]:
    """What somebody may do here."""
    return [recipe for recipe in RECIPES if access.can(recipe.ability)]
