"""The statements that read comparisons as they are shown, with what was rendered of them before."""

import sqlalchemy as sa

from app.annotation.statements import comparison, comparisons, prompts
from app.models import RenderedPrompt, RenderedResponse, Response, answers
from app.prepared import Prepared, table
from app.text import RENDERER_VERSION


def _side(side: str) -> tuple[sa.FromClause, sa.FromClause]:
    return table(Response).alias(f"response_{side}"), table(RenderedResponse).alias(f"rendered_{side}")


_a, _rendered_a = _side("a")
_b, _rendered_b = _side("b")
_rendered_prompt = table(RenderedPrompt)


def _of_this_version(rendered: sa.FromClause, key: str, what: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(rendered.c[key] == what.c.id, rendered.c.version == sa.literal(RENDERER_VERSION))


# Comparisons as they are shown; what was never rendered, or by another version, is None.
comparisons_shown = sa.select(
    comparisons.c.id,
    prompts.c.id.label("prompt_id"),
    prompts.c.category,
    prompts.c.language,
    prompts.c.tags,
    _a.c.id.label("response_a_id"),
    _b.c.id.label("response_b_id"),
    _rendered_prompt.c.html.label("prompt"),
    _rendered_a.c.html.label("response_a"),
    _rendered_b.c.html.label("response_b"),
).select_from(
    sa.join(comparisons, prompts, comparisons.c.prompt_id == prompts.c.id)
    .join(_a, answers(_a.c, comparisons.c, "a"))
    .join(_b, answers(_b.c, comparisons.c, "b"))
    .outerjoin(_rendered_prompt, _of_this_version(_rendered_prompt, "prompt_id", prompts))
    .outerjoin(_rendered_a, _of_this_version(_rendered_a, "response_id", _a))
    .outerjoin(_rendered_b, _of_this_version(_rendered_b, "response_id", _b))
)
SHOWN = Prepared(comparisons_shown.where(comparisons.c.id == comparison))
