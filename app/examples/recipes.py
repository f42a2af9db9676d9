"""Programs that use a project from outside, with its own names filled in; tests run them as shown."""

from dataclasses import dataclass
from pathlib import Path

from app import web
from app.permissions import Access

FOLDER = web.ROOT / "templates" / "examples" / "programs"
LANGUAGES = {".sh": "Shell", ".py": "Python"}


@dataclass(frozen=True)
class Recipe:
    """A program: what it is for, what one must be able to do, and what its token must be for."""

    file: str
    title: str
    about: str
    ability: str
    scope: str = ""

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
    Recipe("leaderboard.sh", "Read the leaderboard", "With its intervals.", "read the leaderboard", "read"),
    Recipe("download.sh", "Download preferences with curl", "And see nothing is missing.", "export", "read"),
    Recipe("download.py", "Download preferences in Python", "The same.", "export", "read"),
    Recipe("datasets.py", "Load them", "With the datasets library.", "export"),
    Recipe("trl.py", "Train a reward model", "With TRL, from the file as it is.", "export"),
    Recipe("judge.py", "Let a judge model judge", "Blind, from the queue of people.", "judge", "annotate"),
    Recipe("import.sh", "Import responses", "Answers with a job to watch.", "import", "manage"),
    Recipe("webhook.py", "Check a webhook’s signature", "With the secret that was shown once.", "manage"),
)


def for_access(access: Access) -> list[Recipe]:
    """What somebody may do here."""
    return [recipe for recipe in RECIPES if access.can(recipe.ability)]
