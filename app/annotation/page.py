"""How a desk becomes a page: rendered whole, or, after each verdict, filled into a kept stencil."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import current_app, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import MultiDict

from app import language
from app.annotation.desk import Desk
from app.annotation.judge import Told
from app.annotation.pair import Shown
from app.annotation.waiting import Left
from app.errors import FieldError
from app.models import Outcome
from app.stencil import Stencils, gap

# Gaps beside those of the pair itself.
NAMED = ("csrf", "draft", "said", "left", "place", "today_value", "today_words")

# Shapes of the pair kept by one process; a project has a handful.
STENCILS = 256


def context(
    desk: Desk,
    values: "MultiDict[str, str] | None" = None,
    errors: Sequence[FieldError] = (),
    left: Left | None = None,
    **differing: Any,
) -> dict[str, Any]:
    """What the templates of the pair are given; ``values`` is the form as it was sent, if it was."""
    return {
        "desk": desk,
        "reading": desk.reading,
        "shown": desk.shown,
        "draft": desk.draft,
        "project": desk.project,
        "csrf": generate_csrf(),
        **_count(desk, language.current(), left),
        "told": in_words(desk.told) if desk.told else "",
        "values": desk.entered if values is None else values,
        "errors": errors,
        **differing,
    }


def fragment(desk: Desk, done: str) -> str:
    """The next pair for htmx; nothing but its texts and ids differs from the pair before.

    What was ``done`` with the pair before is said to those who do not see it go.
    """
    shown, spoken, said = desk.shown, language.current(), _said(language.current(), done)
    left = Left.sent(request.form.get("left", ""))
    left = left and left.after(done)
    if shown is None or desk.entered or desk.told:
        return _render(fragment=True, said=said, **context(desk, left=left))
    stencils: Stencils = current_app.extensions.setdefault("pair_stencils", Stencils(STENCILS))
    return stencils.get((spoken, *_shape(desk, shown)), lambda: _with_gaps(desk, shown)).fill(
        {
            # The token that came is as good to its sender as a new one.
            "csrf": request.form.get("csrf_token") or generate_csrf(),
            "submission_id": desk.submission_id,
            "undo": desk.undo,
            "draft": desk.draft,
            "said": said,
            **_count(desk, spoken, left),
            **vars(shown),
        }
    )


VERDICTS = {
    Outcome.A: lazy_gettext("A is better"),
    Outcome.B: lazy_gettext("B is better"),
    Outcome.TIE: lazy_gettext("it is a tie"),
    Outcome.BOTH_BAD: lazy_gettext("both are bad"),
}


PAIR_BEFORE = lazy_gettext("This is about the pair before.")


def in_words(told: Told) -> str:
    """What somebody is told of a gold comparison they missed; why is in its lead's words."""
    return _(
        "Its right verdict is known: %(right)s. You said: %(yours)s.",
        right=VERDICTS[told.right],
        yours=VERDICTS[told.yours],
    )


def in_a_line(told: Told) -> str:
    """The same with the reason, which isolating marks keep in its own direction where no markup can."""
    words = f"{PAIR_BEFORE} {in_words(told)}"
    return f"{words} \u2068{told.reason}\u2069" if told.reason else words


DONE = {
    "judged": lazy_gettext("Saved."),
    "skipped": lazy_gettext("Skipped."),
    "undone": lazy_gettext("Taken back."),
}


@lru_cache(maxsize=64)
def _said(_language: str, done: str) -> str:
    return str(DONE[done])


def _count(desk: Desk, spoken: str, left: Left | None) -> dict[str, object]:
    """How much was done today and is left: of the day's goal, else of what waits."""
    goal, left = desk.project.daily_goal or 0, left if desk.shown else None
    last = goal if desk.today < goal else desk.today + left.pairs if left and not left.more else 0
    numbers = {
        "done": language.number(desk.today),
        "goal": language.number(goal),
        "left": f"{language.number(left.pairs)}{'+' if left.more else ''}" if left else "",
        "n": language.number(desk.today + 1),
        "last": language.number(last),
    }
    # A goal that was passed is no measure any more.
    today, place = _sentences(spoken, 0 < goal >= desk.today, left is not None, bool(last))
    return {
        "left": left or "",
        "place": place % numbers,
        "today_value": min(desk.today, goal),
        "today_words": today % numbers,
    }


@lru_cache(maxsize=64)
def _sentences(_language: str, goal: bool, left: bool, last: bool) -> tuple[str, str]:
    """Kept, because looking a sentence up costs as much as a query."""
    today = _("%(done)s today, %(left)s left") if left else _("%(done)s today")
    return (
        _("%(done)s of %(goal)s today") if goal else today,
        _("Pair %(n)s of %(last)s") if last else _("Pair %(n)s"),
    )


def _shape(desk: Desk, shown: Shown) -> tuple[object, ...]:
    """All that the template's conditions look at."""
    project = desk.project
    return (
        *(project.slug, project.daily_goal, desk.rubric_version),
        *(desk.undo is None, desk.can_undo, desk.news),
        *(shown.category is None, shown.language is None, shown.sensitive, shown.note),
    )


def _with_gaps(desk: Desk, shown: Shown) -> str:
    gaps = replace(
        shown,
        assignment_id=gap("assignment_id"),
        prompt=gap("prompt"),
        first=gap("first"),
        second=gap("second"),
        category=shown.category and gap("category"),
        language=shown.language and gap("language"),
    )
    empty = replace(desk, shown=gaps, submission_id=gap("submission_id"), undo=desk.undo and gap("undo"))
    return _render(fragment=True, **context(empty) | {name: gap(name) for name in NAMED})


def _render(**values: Any) -> str:
    # Straight from the environment: the context of whole pages costs as much as the pair itself.
    return current_app.jinja_env.get_template("annotation/_pair.html").render(values)
