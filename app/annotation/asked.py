"""What a project asks and what a judgment says: whether they fit, and which response is meant.

A judgment may say more than is asked where that means something by itself: a strength, a reason, a better
answer, how sure one is. A key (of a criterion, a tag, a question) must be one of the rubric's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_babel.speaklater import LazyString
from sqlmodel import Session

from app.annotation import statements
from app.annotation.forms import JudgmentIn
from app.errors import FieldError, Invalid
from app.models import Outcome, Project
from app.rubric import PLAIN, Answered, Judged, Need, Question, Rubric, parsed
from app.tallies import TURNED

NOT_COMPARED = lazy_gettext("This project has no such criterion to compare by.")
NOT_RATED = lazy_gettext("This project has no such criterion to rate by.")
NO_SUCH_TAG = lazy_gettext("This project has no such tag.")
NO_SUCH_QUESTION = lazy_gettext("This project has no such question.")


def live_rubric(session: Session, project: Project) -> tuple[int | None, Rubric]:
    """What a project asks now, and which version that is; None where it never asked for more."""
    row = statements.LIVE_RUBRIC.first(session, project_id=project.id)
    return (None, PLAIN) if row is None else (row.version, parsed(row.content))


def rubric_of(session: Session, rubric_id: int | None) -> tuple[int, Rubric]:
    """What a judgment was asked, and which version that is; 0 where it was a plain verdict."""
    if rubric_id is None:
        return 0, PLAIN
    row = statements.RUBRIC.one(session, rubric_id=rubric_id)
    return row.version, parsed(row.content)


def check(rubric: Rubric, given: JudgmentIn) -> None:
    """Raises Invalid with everything in which a judgment is not what the rubric asks for."""
    wrong = [*_verdict(rubric, given), *_needs(rubric, given), *_criteria(rubric, given)]
    wrong += [*_tags(rubric, given), *_answers(rubric, given)]
    if wrong:
        raise Invalid(_("Some of this is not what the project asks for."), wrong)


def _verdict(rubric: Rubric, given: JudgmentIn) -> Iterator[FieldError]:
    if given.outcome not in rubric.outcomes:
        offered = ", ".join(outcome for outcome in Outcome if outcome in rubric.outcomes)
        yield FieldError("/outcome", _("This project takes %(outcomes)s.", outcomes=offered))
    elif rubric.grades and given.outcome in TURNED and (given.strength or 9) > rubric.grades:
        yield FieldError("/strength", _("Say how much better, from 1 to %(most)s.", most=rubric.grades))


def _needs(rubric: Rubric, given: JudgmentIn) -> Iterator[FieldError]:
    rationale = (given.rationale or "").strip()
    if rubric.rationale == Need.REQUIRED and not rationale:
        yield FieldError("/rationale", _("Say why."))
    elif rubric.rationale != Need.OFF and rationale and len(rationale) < rubric.rationale_min:
        more = ngettext(
            "Say a little more: at least %(num)s character.",
            "Say a little more: at least %(num)s characters.",
            rubric.rationale_min,
        )
        yield FieldError("/rationale", more)
    if rubric.better_answer == Need.REQUIRED and not (given.better_answer or "").strip():
        yield FieldError("/better_answer", _("Write a better answer."))
    if rubric.confidence == Need.REQUIRED and given.confidence is None:
        yield FieldError("/confidence", _("Say how sure you are."))


def _criteria(rubric: Rubric, given: JudgmentIn) -> Iterator[FieldError]:
    compared = {item.key for item in rubric.criteria if item.judged == Judged.COMPARED}
    rated = {item.key for item in rubric.criteria if item.judged == Judged.RATED}
    yield from _unknown("criteria", given.criteria, compared, NOT_COMPARED)
    yield from _unknown("ratings", given.ratings, rated, NOT_RATED)
    for item in rubric.criteria:
        if item.required and item.key not in given.criteria and item.key not in given.ratings:
            field = "criteria" if item.key in compared else "ratings"
            yield FieldError(f"/{field}/{item.key}", _("Judge this too: %(criterion)s.", criterion=item.name))


def _tags(rubric: Rubric, given: JudgmentIn) -> Iterator[FieldError]:
    known = {tag.key for tag in rubric.tags}
    for side, keys in given.tags.items():
        yield from _unknown(f"tags/{side}", keys, known, NO_SUCH_TAG)
    for index, span in enumerate(given.spans):
        if span.tag is not None and span.tag not in known:
            yield FieldError(f"/spans/{index}/tag", str(NO_SUCH_TAG))


def _answers(rubric: Rubric, given: JudgmentIn) -> Iterator[FieldError]:
    yield from _unknown(
        "answers",
        given.answers,
        {item.key for item in rubric.questions},
        NO_SUCH_QUESTION,
    )
    for question in rubric.questions:
        answer = given.answers.get(question.key)
        if answer:
            wrong = _misfit(question, answer)
        else:
            wrong = _("Answer this too: %(question)s", question=question.text) if question.required else None
        if wrong:
            yield FieldError(f"/answers/{question.key}", wrong)


def _misfit(question: Question, answer: str | list[str]) -> str | None:
    several = question.answered == Answered.SEVERAL
    if several != isinstance(answer, list):
        return _("Send a list of the options that hold.") if several else _("Send one answer as text.")
    chosen = [answer] if isinstance(answer, str) else answer
    if question.answered != Answered.TEXT and not set(chosen) <= set(question.options):
        return _("Choose among: %(options)s.", options=", ".join(question.options))
    return None


def _unknown(field: str, keys: Iterable[str], known: set[str], wrong: LazyString) -> Iterator[FieldError]:
    for key in keys:
        if key not in known:
            yield FieldError(f"/{field}/{key}", str(wrong))


# The columns of what a judgment says.
SAID = (
    *("outcome", "strength", "criteria", "ratings", "tags", "spans"),
    *("rationale", "better_answer", "confidence", "answers"),
)


def stored(given: JudgmentIn) -> dict[str, Any]:
    """The columns, filled; what is not said is None."""
    rated = {key: ratings.verdict for key, ratings in given.ratings.items()}
    return {
        "outcome": given.outcome,
        "strength": given.strength,
        "criteria": (given.criteria | rated) or None,
        "ratings": {key: ratings.model_dump() for key, ratings in given.ratings.items()} or None,
        "tags": {side: list(dict.fromkeys(keys)) for side, keys in given.tags.items() if keys} or None,
        "spans": [span.model_dump() for span in given.spans] or None,
        "rationale": given.rationale,
        "better_answer": given.better_answer,
        "confidence": given.confidence,
        "answers": given.answers or None,
    }


def turned(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of places on a swapped screen, as of responses; and back."""
    return {name: _TURNS[name](value) if value and name in _TURNS else value for name, value in said.items()}


def _outcome(outcome: str) -> Outcome:
    return TURNED.get(Outcome(outcome), Outcome(outcome))


def _side(side: str) -> str:
    return "b" if side == "a" else "a"


_TURNS: dict[str, Callable[[Any], Any]] = {
    "outcome": _outcome,
    "criteria": lambda criteria: {key: _outcome(verdict) for key, verdict in criteria.items()},
    "ratings": lambda ratings: {key: {"a": each["b"], "b": each["a"]} for key, each in ratings.items()},
    "tags": lambda tags: {_side(side): keys for side, keys in tags.items()},
    "spans": lambda spans: [span | {"response": _side(span["response"])} for span in spans],
}
