"""Programs that use a project from outside, with its own names filled in; tests run them as shown."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from app import web
from app.models import Outcome, Scope
from app.permissions import Access
from app.rubric import Answered, Judged, Need, Question, Rubric

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

    def code(self, site: str, slug: str, rubric: Rubric) -> str:
        """The program for one project."""
        filled = {
            "@SITE@": site,
            "@SLUG@": slug,
            "@OUTCOMES@": ", ".join(outcome for outcome in Outcome if outcome in rubric.outcomes),
            '"@REQUIRED@"': json.dumps(required(rubric), ensure_ascii=False),
        }
        code = (FOLDER / self.file).read_text()
        for name, value in filled.items():
            code = code.replace(name, value)
        return code


def required(rubric: Rubric) -> dict[str, Any]:
    """The least that a judgment for a side must say beside its outcome, as JSON, to be filled in anew."""
    asked: dict[str, Any] = {"strength": 1} if rubric.grades else {}
    for item in rubric.criteria:
        if item.required and item.judged == Judged.COMPARED:
            asked.setdefault("criteria", {})[item.key] = "tie"
        elif item.required:
            asked.setdefault("ratings", {})[item.key] = {"a": 3, "b": 3}
    if rubric.rationale == Need.REQUIRED:
        asked["rationale"] = "Say why.".ljust(rubric.rationale_min, ".")
    if rubric.better_answer == Need.REQUIRED:
        asked["better_answer"] = "A better answer."
    if rubric.confidence == Need.REQUIRED:
        asked["confidence"] = 1
    answers = {question.key: _answer(question) for question in rubric.questions if question.required}
    return asked | ({"answers": answers} if answers else {})


def _answer(question: Question) -> str | list[str]:
    if question.answered == Answered.TEXT:
        return "An answer."
    first = question.options[0]
    return [first] if question.answered == Answered.SEVERAL else first


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
