"""Which pairs are sensitive, and the statements that leave out what somebody is spared."""

from dataclasses import dataclass
from functools import lru_cache

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from app.annotation.statements import ALL, Takes, comparisons, prompts, taking
from app.models import Project
from app.prepared import Prepared

# Prompts of these kinds, by category or tag, come with a word of warning and open on request.
SENSITIVE = frozenset(
    {
        "safety",
        "adversarial",
        "harmful",
        "harmlessness",
        "toxicity",
        "toxic",
        "red-team",
        "red-teaming",
        "jailbreak",
        "violence",
        "self-harm",
        "hate",
        "sexual",
        "nsfw",
    }
)
_SMALL = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}

KIND = Prepared(
    sa.select(prompts.c.category, prompts.c.tags)
    .select_from(sa.join(comparisons, prompts, comparisons.c.prompt_id == prompts.c.id))
    .where(comparisons.c.id == sa.bindparam("comparison_id"))
)


def is_sensitive(project: Project, category: str | None, tags: list[str] | None) -> bool:
    """Whether a reader should be warned before the text is shown."""
    if project.all_sensitive:
        return True
    words = _words(project.sensitive)
    return any(_folded(word) in words for word in [category or "", *(tags or [])])


def unmatched(session: Session, project: Project) -> list[str]:
    """The project's own sensitive categories that no prompt has, neither as its category nor as a tag."""
    if not project.sensitive:
        return []
    kinds = sa.select(prompts.c.category, sa.cast(prompts.c.tags, sa.Text)).distinct()
    there: set[str] = set()
    for category, tags in session.execute(kinds.where(prompts.c.project_id == project.id)):
        there.update(map(_folded, [category or "", *(orjson.loads(tags or "[]") or [])]))
    return [name for name in project.sensitive if there.isdisjoint(_spellings((name,)))]


@lru_cache(maxsize=256)
def _words(beside: tuple[str, ...]) -> frozenset[str]:
    return _spellings(beside) | SENSITIVE


def _folded(word: str) -> str:
    """As SQLite's ``lower`` has it, which knows the letters of English only."""
    return word.translate(_SMALL)


def _spellings(names: tuple[str, ...]) -> frozenset[str]:
    """What words are compared with, folded; letters only Python can fold are tried in every usual case."""
    cases = (str, str.lower, str.upper, str.capitalize, str.title)
    return frozenset(_folded(spelt(name)) for name in names for spelt in cases)


@dataclass(frozen=True)
class Spared:
    """What somebody is not given: categories they declined, and all that is sensitive where they had enough.

    ``beside`` are the project's own sensitive categories.
    """

    categories: tuple[str, ...] = ()
    everything_sensitive: bool = False
    whole_project: bool = False
    beside: tuple[str, ...] = ()


def takes(spared: Spared) -> Takes:
    """The statements that take a place in the queue, or the next gold, for somebody spared this."""
    return _takes(spared) if spared != Spared() else ALL


@lru_cache(maxsize=256)
def _takes(spared: Spared) -> Takes:
    category = sa.func.coalesce(prompts.c.category, "")
    kept_from = [category == name for name in spared.categories]
    if spared.everything_sensitive:
        kept_from += [sa.true()] if spared.whole_project else list(_sensitive(category, spared.beside))
    return taking(sa.not_(sa.or_(*kept_from)))


def _sensitive(category: "sa.ColumnElement[str]", beside: tuple[str, ...]) -> "list[sa.ColumnElement[bool]]":
    """As ``is_sensitive`` has it; tags are a list in JSON."""
    tags = sa.func.lower(sa.func.coalesce(sa.cast(prompts.c.tags, sa.Text), ""))
    words = sorted(_words(beside))
    return [
        *(sa.func.lower(category) == word for word in words),
        *(tags.contains(orjson.dumps(word).decode(), autoescape=True) for word in words),
    ]
