"""How far judgments on one prompt agree beyond what the ratings expect, learnt from some drawn at random."""

from itertools import pairwise

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.leaderboard import reading
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.memory import remembered
from app.leaderboard.ranked import FEW_PROMPTS, Prompts
from app.leaderboard.reading import CODES, Integers
from app.models import Comparison, Judgment, Project, Prompt
from app.words import UNKNOWN_PROMPT
from ranking import Fit, crossed

# One number is learnt from them, so that no more are read however many there are.
MOST_PROMPTS = 2_000
MOST_JUDGMENTS = 10_000
# So few are read again at every change; from more, it is learnt anew when they are a quarter more.
FEW_JUDGMENTS = 2_000
# Prompts are asked for in a few readings: the first are enough where each has many judgments.
READINGS = (0, 50, 400, MOST_PROMPTS)


def load(session: Session, project: Project, query: StandingsQuery, fitted: Fit, codes: Integers) -> Prompts:
    """How many prompts there are, and what they add to the variance where those read tell it."""
    votes = round(fitted.matrix.judgments.sum() / 2)

    def told(before: tuple[int, Prompts] | None) -> tuple[int, Prompts]:
        if before and FEW_JUDGMENTS < before[0] <= votes <= 1.25 * before[0]:
            return before
        return votes, _prompts(session, project, query, fitted, codes)

    return remembered(session, project, ("shared prompts", query), told)[1]


def _prompts(
    session: Session, project: Project, query: StandingsQuery, fitted: Fit, codes: Integers
) -> Prompts:
    read, whole = _judgments(session, project, query)
    prompt, annotator, a, b, outcome = read
    pair = np.searchsorted(codes, a), np.searchsorted(codes, b)
    found = crossed(fitted, *pair, outcome, prompt, annotator)
    if not found.items and fitted.matrix.judgments.any() and not _any(session, project, known=True):
        return Prompts(unknown=True)
    if whole and len(prompt):
        votes = round(fitted.matrix.judgments.sum() / 2)
        # The judgments of unknown prompts are those not read; more may have come since they were counted.
        unread = max(votes - len(prompt), 0)
        return Prompts.of(np.append(prompt, np.full(unread, -1)), found)
    number = max(found.items, 0 if whole else _up_to_few(session, project, query))
    partly = not whole and _any(session, project, known=False)
    return Prompts(number, found if whole or found.known else None, partly=partly)


def _any(session: Session, project: Project, *, known: bool) -> bool:
    """Whether any of the prompts drawn is one that votes came with; or one that a vote came without."""
    drawn, _ = _draw(session, project)
    key = col(Prompt.key)
    like = key.not_like(f"{UNKNOWN_PROMPT}%") if known else key.like(f"{UNKNOWN_PROMPT}%")
    return bool(session.scalar(sa.select(sa.exists().where(col(Prompt.id).in_(drawn), like))))


def _up_to_few(session: Session, project: Project, query: StandingsQuery) -> int:
    """How many prompts a question may be about; no more are counted than are no longer few."""
    here = sa.select(col(Prompt.id)).where(
        col(Prompt.project_id) == project.id, col(Prompt.key).not_like(f"{UNKNOWN_PROMPT}%")
    )
    if query.value and query.by in ("category", "language"):
        here = here.where(getattr(Prompt, query.by) == query.value)
    return session.scalar(sa.select(sa.func.count()).select_from(here.limit(FEW_PROMPTS).subquery())) or 0


def _judgments(session: Session, project: Project, query: StandingsQuery) -> tuple[Integers, bool]:
    """(prompt, annotator, a, b, outcome) by judgment, and whether these are all; prompts are read whole."""
    drawn, whole = _draw(session, project)
    parts, left = [np.zeros((5, 0), np.int64)], MOST_JUDGMENTS
    for start, end in pairwise(READINGS):
        some = _of(project, query, sorted(drawn[start:end])).limit(left + 1)
        part = reading.columns(session, some, 5)
        if part.shape[1] > left:
            # The last prompt may have been cut off.
            parts.append(part[:, part[0] != part[0, -1]])
            return np.concatenate(parts, axis=1), False
        parts.append(part)
        left -= part.shape[1]
        if end >= len(drawn):
            break
    return np.concatenate(parts, axis=1), whole


def _draw(session: Session, project: Project) -> tuple[list[int], bool]:
    """Ids that may be prompts' of the project, in an order as good as drawn, and whether they hold all."""
    prompt_id, here = col(Comparison.prompt_id), col(Comparison.project_id) == project.id
    # Each end on its own is one look into an index.
    ends = (sa.select(end(prompt_id)).where(here).scalar_subquery() for end in (sa.func.min, sa.func.max))
    low, high = session.execute(sa.select(*ends)).one()
    if low is None:
        return [], True
    span = high - low + 1
    rng = np.random.default_rng(project.id)
    drawn = low + rng.choice(span, min(span, MOST_PROMPTS), replace=False)
    return drawn.tolist(), span <= MOST_PROMPTS


def _of(project: Project, query: StandingsQuery, prompts: list[int]) -> "sa.Select[*tuple[int, ...]]":
    # Votes that came without their prompts have one each, which tells nothing.
    unknown = sa.select(col(Prompt.id)).where(
        col(Prompt.id).in_(prompts), col(Prompt.key).like(f"{UNKNOWN_PROMPT}%")
    )
    wanted = (col(Comparison.prompt_id), col(Judgment.annotator_id), *reading.PAIR)
    return (
        sa.select(*wanted, sa.case(CODES, value=reading.verdict(query)))
        .join_from(Comparison, Judgment, col(Judgment.comparison_id) == col(Comparison.id))
        .where(
            col(Comparison.project_id) == project.id,
            col(Comparison.prompt_id).in_(prompts),
            col(Comparison.prompt_id).not_in(unknown),
            *reading.counts(project),
            *reading.asked(project, query),
        )
        .order_by(col(Comparison.prompt_id))
    )
