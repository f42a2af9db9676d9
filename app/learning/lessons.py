"""Gold comparisons, and what each is for: to train with, to test with, or unannounced among the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit
from app.annotation.history import excerpt
from app.errors import NotFound
from app.learning.forms import GoldIn
from app.models import Account, Comparison, GoldUse, Model, Outcome, Project, Prompt
from app.names import in_words
from app.prepared import table

A_PAGE = 50

_comparisons, _prompts = table(Comparison), table(Prompt)
_a, _b = table(Model).alias("model_a"), table(Model).alias("model_b")


@dataclass(frozen=True)
class Lesson:
    """One gold comparison as its lead sees it."""

    id: int
    pair_id: str
    excerpt: str
    category: str | None
    model_a: str
    model_b: str
    gold: Outcome
    use: GoldUse | None
    reason: str | None

    @property
    def verdict(self) -> str:
        """The right verdict, by the models' names."""
        better = {Outcome.A: self.model_a, Outcome.B: self.model_b}.get(self.gold)
        return _("%(model)s is better", model=better) if better else in_words(self.gold)


@dataclass(frozen=True)
class Page:
    """Some gold comparisons in the order they came; ``further`` continues where these end."""

    lessons: Sequence[Lesson]
    further: int | None


def page(session: Session, project: Project, after: int | None = None) -> Page:
    """The project's gold comparisons."""
    query = (
        sa.select(
            *(_comparisons.c[name] for name in ("id", "pair_id", "gold", "gold_use", "gold_reason")),
            *(_prompts.c[name] for name in ("messages", "category")),
            _a.c.name.label("model_a"),
            _b.c.name.label("model_b"),
        )
        .join(_prompts, _prompts.c.id == _comparisons.c.prompt_id)
        .join(_a, _a.c.id == _comparisons.c.model_a_id)
        .join(_b, _b.c.id == _comparisons.c.model_b_id)
        .where(_comparisons.c.project_id == project.id, sa.text("comparisons.gold IS NOT NULL"))
        .order_by(_comparisons.c.id)
        .limit(A_PAGE + 1)
    )
    if after is not None:
        query = query.where(_comparisons.c.id > after)
    found = [_lesson(row) for row in session.execute(query)]
    return Page(found[:A_PAGE], found[A_PAGE - 1].id if len(found) > A_PAGE else None)


def _lesson(row: Any) -> Lesson:
    return Lesson(
        id=row.id,
        pair_id=row.pair_id,
        excerpt=excerpt(row.messages or []),
        category=row.category,
        model_a=row.model_a,
        model_b=row.model_b,
        gold=row.gold,
        use=row.gold_use,
        reason=row.gold_reason,
    )


def use(session: Session, project: Project, wanted: Mapping[str, GoldIn], *, by: Account) -> int:
    """Say what gold comparisons, by pair_id, are for and why they are right; returns how many changed.

    Raises NotFound where one of them is not the project's, or not gold.
    """
    rows = session.exec(
        select(Comparison).where(
            Comparison.project_id == project.id,
            col(Comparison.pair_id).in_(wanted),
            col(Comparison.gold).is_not(None),
        )
    ).all()
    if len(rows) < len(wanted):
        raise NotFound(_("This project has no such gold comparison."))
    changed = 0
    for row in rows:
        before, after = GoldIn(use=row.gold_use, reason=row.gold_reason), wanted[row.pair_id]
        detail = audit.changed(before.model_dump(mode="json"), after.model_dump(mode="json"))
        if detail:
            changed += 1
            row.gold_use, row.gold_reason = after.use, after.reason
            audit.record(session, "gold.use", f"pair:{row.pair_id}", by=by, project=project, detail=detail)
    return changed
