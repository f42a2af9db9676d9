"""Comparisons as a reviewer reads them: without the models' names, with what annotators said."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from sqlmodel import Session, col, select

from app import text
from app.annotation.history import excerpt
from app.models import Adjudication, Comparison, Judgment, Message, Outcome, Prompt, Response
from app.review import verdicts

# Words and nothing else.
PARAGRAPH = re.compile(r"<p[^>]*>[^<]*</p>\s*")


@dataclass(frozen=True)
class Dispute:
    """A comparison, its votes, and the verdict that settled it, if one did.

    ``a`` and ``b`` are the stored order; a text is None where it came with votes only, and the prompt where
    the excerpt, which heads it, is all of it.
    """

    pair_id: str
    prompt_id: str
    excerpt: str
    prompt: Markup | None
    a: Markup | None
    b: Markup | None
    votes: dict[Outcome, int]
    rationales: tuple[tuple[Outcome, str], ...]
    verdict: Adjudication | None


def read(session: Session, comparisons: Sequence[Comparison]) -> list[Dispute]:
    """Each with its texts; rendering costs, so these should be few."""
    return [_read(session, comparison) for comparison in comparisons]


def votes(session: Session, comparison: Comparison) -> list[Judgment]:
    """The judgments in force, in order."""
    found = select(Judgment).where(
        Judgment.comparison_id == comparison.id, col(Judgment.retired_at).is_(None)
    )
    return list(session.exec(found.order_by(col(Judgment.id))))


def _read(session: Session, comparison: Comparison) -> Dispute:
    prompt = session.get_one(Prompt, comparison.prompt_id)
    said, messages = votes(session, comparison), prompt.messages or []
    heading = excerpt(messages)
    return Dispute(
        comparison.pair_id,
        prompt.key,
        heading,
        None if _says_all(heading, messages) else text.render_messages(messages, prompt.language),
        _response(session, prompt, comparison.model_a_id, comparison.sample_a),
        _response(session, prompt, comparison.model_b_id, comparison.sample_b),
        dict(Counter(judgment.outcome for judgment in said).most_common()),
        tuple((judgment.outcome, judgment.rationale) for judgment in said if judgment.rationale),
        verdicts.live(session, comparison),
    )


def _says_all(heading: str, messages: list[Message]) -> bool:
    """Whether there is nothing to a prompt but what heads it."""
    if len(messages) != 1:
        return not messages
    plain = PARAGRAPH.fullmatch(text.render_markdown(heading)) is not None
    return plain and messages[0].get("content") == heading


def _response(session: Session, prompt: Prompt, model_id: int, sample: int) -> Any:
    wanted = select(Response).where(
        Response.prompt_id == prompt.id, Response.model_id == model_id, Response.sample == sample
    )
    messages = session.exec(wanted).one().messages
    return text.render_response(messages, prompt.language) if messages else None
