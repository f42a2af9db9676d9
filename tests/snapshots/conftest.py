"""Somebody's program, as in the tests of the API, and what snapshots are made of."""

import pytest
from sqlmodel import Session

from app.models import Judgment
from tests.annotation.arrange import queue
from tests.api.conftest import program
from tests.conftest import Cast
from tests.exports.arrange import judge

__all__ = ["program"]


@pytest.fixture
def judged(session: Session, cast: Cast) -> list[Judgment]:
    found = queue(session, cast.project, 12, category="code", language="en")
    return [judge(session, cast.project, cast.ann, comparison, "a") for comparison in found]
