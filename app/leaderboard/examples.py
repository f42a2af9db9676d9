"""The comparisons behind a number, with their texts: for those who may read them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app import text
from app.errors import NotFound
from app.leaderboard import reading
from app.leaderboard.forms import StandingsQuery
from app.models import Comparison, Judgment, Message, Model, Outcome, Project, Prompt, Response
from app.permissions import Access

# What of a model's comparisons is looked at: all, those it lost, those it won.
Result = Literal["", "lost", "won"]
READ = "read the responses"
# Rendering a response costs about a millisecond; nobody reads more on one page.
A_PAGE = 10
OPENING = 120
# Of a longer text a list shows so many characters; a page of its own shows it all.
EXCERPT = 1_500


@dataclass(frozen=True)
class Side:
    """One model's response; no HTML where it came with votes only."""

    model: str
    html: Markup | None


@dataclass(frozen=True)
class Mark:
    """A place that somebody marked as faulty in a model's response."""

    model: str
    quote: str
    tag: str | None
    note: str | None


@dataclass(frozen=True)
class Example:
    """A judged comparison: the prompt, both responses, and what was said of them in words.

    ``cut``: of some of its texts only the beginning is here.
    """

    pair_id: str
    prompt_key: str
    category: str | None
    opening: str
    prompt: Markup | None
    sides: tuple[Side, Side]
    verdicts: tuple[str, ...]
    rationales: tuple[str, ...]
    marks: tuple[Mark, ...]
    cut: bool


def may_read(access: Access) -> bool:
    """Whether texts may be shown."""
    return access.can(READ)


def find(
    session: Session,
    project: Project,
    query: StandingsQuery,
    model: Model,
    other: Model | None = None,
    *,
    result: Result = "",
    offset: int = 0,
) -> list[Example]:
    """Judged comparisons of a model (with the other; that it lost or won), newest first, and one more.

    Those that came with votes only are not among them: ``count_textless`` tells how many.
    """
    chosen = _chosen(project, query, model, other, result).where(sa.not_(_is_textless(project)))
    chosen = chosen.order_by(col(Comparison.id).desc()).offset(offset).limit(A_PAGE + 1)
    ids = list(session.scalars(chosen))
    return _examples(session, ids, model)


def count_textless(
    session: Session,
    project: Project,
    query: StandingsQuery,
    model: Model,
    other: Model | None = None,
    *,
    result: Result = "",
) -> int:
    """How many of them came with votes only: there is nothing to read."""
    chosen = _chosen(project, query, model, other, result).where(_is_textless(project))
    counted: int = session.execute(sa.select(sa.func.count()).select_from(chosen.subquery())).scalar_one()
    return counted


def _is_textless(project: Project) -> sa.ColumnElement[bool]:
    textless = sa.select(col(Prompt.id)).where(
        col(Prompt.project_id) == project.id, col(Prompt.messages).is_(None)
    )
    return col(Comparison.prompt_id).in_(textless)


def one(session: Session, project: Project, model: Model, pair_id: str) -> Example:
    """A judged comparison of a model with all of its texts. Raises NotFound."""
    chosen = _chosen(project, StandingsQuery(), model, None, "").where(col(Comparison.pair_id) == pair_id)
    found = _examples(session, list(session.scalars(chosen)), model, whole=True)
    if not found:
        raise NotFound(_("This model has no such comparison that was judged."))
    return found[0]


def _chosen(
    project: Project, query: StandingsQuery, model: Model, other: Model | None, result: Result
) -> Any:
    a, b = col(Comparison.model_a_id), col(Comparison.model_b_id)
    judged = sa.select(sa.literal(1)).where(
        col(Judgment.comparison_id) == col(Comparison.id),
        *reading.counts(project),
        *reading.asked(project, query),
    )
    if result:
        said = reading.verdict(query)
        first, second = ("b", "a") if result == "lost" else ("a", "b")
        as_a, as_b = (sa.and_(a == model.id, said == first), sa.and_(b == model.id, said == second))
        judged = judged.where(sa.or_(as_a, as_b))
    found = sa.select(col(Comparison.id)).where(
        col(Comparison.project_id) == project.id, judged.correlate(Comparison).exists()
    )
    if other is None:
        return found.where(sa.or_(a == model.id, b == model.id))
    pair = (model.id, other.id)
    return found.where(a.in_(pair), b.in_(pair))


def _examples(session: Session, ids: Sequence[int], first: Model, *, whole: bool = False) -> list[Example]:
    a, b, model_a, model_b = aliased(Response), aliased(Response), aliased(Model), aliased(Model)
    found = session.execute(
        sa.select(Comparison, Prompt, col(model_a.name), col(a.messages), col(model_b.name), col(b.messages))
        .join(Prompt, col(Comparison.prompt_id) == col(Prompt.id))
        .join(model_a, col(Comparison.model_a_id) == col(model_a.id))
        .join(model_b, col(Comparison.model_b_id) == col(model_b.id))
        .join(a, _of(a, Comparison.model_a_id, Comparison.sample_a))
        .join(b, _of(b, Comparison.model_b_id, Comparison.sample_b))
        .where(col(Comparison.id).in_(ids))
        .order_by(col(Comparison.id).desc())
    ).all()
    judgments = select(Judgment).where(
        col(Judgment.comparison_id).in_(ids), col(Judgment.retired_at).is_(None)
    )
    said: dict[int, list[Judgment]] = {}
    for judgment in session.exec(judgments.order_by(col(Judgment.id))):
        said.setdefault(judgment.comparison_id, []).append(judgment)
    return [
        _example(
            comparison, prompt, ((name_a, text_a), (name_b, text_b)), said[comparison.id], first, whole=whole
        )
        for comparison, prompt, name_a, text_a, name_b, text_b in found
    ]


def _of(response: Any, model_id: Any, sample: Any) -> Any:
    same = response.prompt_id == col(Comparison.prompt_id)
    return sa.and_(same, response.model_id == model_id, response.sample == sample)


def _example(
    comparison: Comparison,
    prompt: Prompt,
    pair: tuple[tuple[str, list[Message] | None], tuple[str, list[Message] | None]],
    judgments: Sequence[Judgment],
    first: Model,
    *,
    whole: bool,
) -> Example:
    asked = prompt.messages or []
    beginnings = [
        None if whole else text.render_beginning(messages or [], EXCERPT, prompt.language)
        for messages in (asked, *(said for _, said in pair))
    ]
    sides = [
        Side(name, beginning or (text.render_response(said, prompt.language) if said else None))
        for (name, said), beginning in zip(pair, beginnings[1:], strict=True)
    ]
    ordered = sides if pair[0][0] == first.name else sides[::-1]
    counts = Counter(judgment.outcome for judgment in judgments)
    words = {
        Outcome.A: _("%(model)s better", model=pair[0][0]),
        Outcome.B: _("%(model)s better", model=pair[1][0]),
        Outcome.TIE: _("tie"),
        Outcome.BOTH_BAD: _("both bad"),
    }
    return Example(
        pair_id=comparison.pair_id,
        prompt_key=prompt.key,
        category=prompt.category,
        opening=text.asked(asked, OPENING) or prompt.key,
        prompt=beginnings[0] or (text.render_messages(asked, prompt.language) if asked else None),
        sides=(ordered[0], ordered[1]),
        verdicts=tuple(words[said] if n == 1 else f"{words[said]} ({n})" for said, n in counts.most_common()),
        rationales=tuple(judgment.rationale for judgment in judgments if judgment.rationale),
        marks=tuple(
            Mark(pair["ab".index(span["response"])][0], span["quote"], span["tag"], span["note"])
            for judgment in judgments
            for span in judgment.spans or []
        ),
        cut=any(beginnings),
    )
