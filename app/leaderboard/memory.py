"""Answers of this process, remembered until a judgment or anything else a leaderboard shows changes."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.models import Annotator, Project

REMEMBERED = 256

Answer = TypeVar("Answer")


class _Memory:
    """The last answer to each question, in this process; the oldest are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: OrderedDict[object, tuple[int, Any]] = OrderedDict()

    def get(self, question: object) -> tuple[int, Any]:
        """(revision, answer); the answer to nothing is older than any."""
        with self._lock:
            if question in self._answers:
                self._answers.move_to_end(question)
            return self._answers.get(question, (-1, None))

    def put(self, question: object, revision: int, answer: Any) -> None:
        with self._lock:
            self._answers[question] = (revision, answer)
            self._answers.move_to_end(question)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()


_memory = _Memory()
# For measuring what a process that has just started has to do.
forget = _memory.clear


def revision(session: Session, project: Project) -> int:
    """A number that grows with every change a leaderboard could show."""
    changes = sa.select(sa.func.coalesce(sa.func.sum(col(Annotator.changes)), 0))
    found = session.scalar(changes.where(col(Annotator.project_id) == project.id))
    return project.revision + int(found or 0)


def remembered(session: Session, project: Project, question: object, make: Callable[[Any], Answer]) -> Answer:
    """The answer of this revision, or a new one made from the last (None at first)."""
    now, key = revision(session, project), _key(session, project, question)
    then, answer = _memory.get(key)
    if then != now:
        answer = make(answer)
        _memory.put(key, now, answer)
    return cast(Answer, answer)


def kept_up(session: Session, project: Project, question: object, make: Callable[[Any], Answer]) -> Answer:
    """An answer that is made anew from the last (None at first) and knows itself what changed since."""
    key = _key(session, project, question)
    answer = make(_memory.get(key)[1])
    _memory.put(key, 0, answer)
    return answer


def _key(session: Session, project: Project, question: object) -> object:
    return session.get_bind().engine.url, project.id, question
