"""A pair to judge as the API gives it: live, of the training round or of the test, and never whose it is."""

from typing import TypeVar

from app import db
from app.annotation.asked import live_rubric
from app.annotation.claim import Assigned
from app.annotation.pair import read
from app.api.answers import Asked, BlindOut, RubricOut, Said
from app.permissions import Access

Out = TypeVar("Out", bound=BlindOut)


def blind(out: type[Out], access: Access, assigned: Assigned, **named: str) -> Out:
    """The comparison in somebody's hands; ``named`` is what this kind of answer calls its id."""
    pair = read(db.session(), access.project, assigned)
    version, rubric = live_rubric(db.session(), access.project)
    return out(
        prompt=Asked(messages=pair.prompt, category=pair.category, language=pair.language),
        response_a=Said(messages=pair.a),
        response_b=Said(messages=pair.b),
        shown_first="b" if assigned.swapped else "a",
        content_warning=pair.sensitive,
        rubric=RubricOut(version=version, **dict(rubric)),
        **named,
    )
