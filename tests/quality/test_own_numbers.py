"""An annotator's own numbers: right, theirs alone, and quiet while they say little."""

from collections.abc import Callable
from datetime import timedelta

from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Judgment, Outcome, now
from app.permissions import Access
from app.quality import own
from tests.annotation.arrange import annotator_of, queue
from tests.conftest import Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
NUMBERS = "/p/birds/numbers"


def numbers(session: Session, cast: Cast) -> own.Own:
    session.expire_all()
    return own.of(session, Access(cast.project, cast.ann, None))


def test_before_the_first_judgment_all_is_zero(session: Session, cast: Cast, client_of: ClientOf) -> None:
    page = client_of(cast.ann).get(NUMBERS)
    assert page.status_code == 200
    assert "What is recorded" in page.text
    found = numbers(session, cast)
    assert (found.judged, found.seconds, found.median, found.others) == (0, 0, None, 0)
    for name in ("rosa", "vic"):
        assert client_of(getattr(cast, name)).get(NUMBERS).status_code == 403


def test_time_and_days(session: Session, cast: Cast, client_of: ClientOf) -> None:
    rows = queue(session, cast.project, 5)
    for row in rows:
        judge(session, cast.project, cast.ann, row, "a")
    times = [10_000, 20_000, 90_000, None, 40_000]
    judgments = session.exec(select(Judgment).order_by(Judgment.id)).all()  # type: ignore[arg-type]
    for judgment, spent in zip(judgments, times, strict=True):
        judgment.duration_ms = spent
    judgments[0].created_at = now() - timedelta(days=1)
    judgments[1].created_at = now() - timedelta(days=200)
    judgments[4].retired_at = now()
    annotator_of(session, cast.project, cast.ann).judged = 4
    session.commit()
    found = numbers(session, cast)
    assert (found.judged, found.seconds, found.median) == (4, 120.0, 20.0)
    assert (found.today.judged, found.today.seconds) == (2, 90.0)
    assert [day.judged for day in found.days][-2:] == [1, 2]
    assert len(found.days) == own.DAYS
    page = client_of(cast.ann).get(NUMBERS).text
    assert "2 min" in page


def test_agreement_is_told_once_enough_are_in(session: Session, cast: Cast, client_of: ClientOf) -> None:
    rows = queue(session, cast.project, own.LEAST_VERDICTS)
    [gold] = queue(session, cast.project, 1, gold=Outcome.A)
    for number, row in enumerate([*rows, gold]):
        judge(session, cast.project, cast.ann, row, "a")
        if row is not rows[-1]:
            judge(session, cast.project, cast.ben, row, "a" if number % 4 else "b")
    found = numbers(session, cast)
    assert (found.others, found.agreement) == (own.LEAST_VERDICTS - 1, None)
    assert "19 are in" in client_of(cast.ann).get(NUMBERS).text
    judge(session, cast.project, cast.ben, rows[-1], "a")
    found = numbers(session, cast)
    assert found.agreement is not None
    assert (found.agreement.some, found.agreement.many) == (15, 20)
    assert found.agreement.lower < 0.75 < found.agreement.upper
    page = client_of(cast.ann).get(NUMBERS).text
    assert "75%" in page
    assert cast.ben.name not in page


def test_gold_is_shown_where_the_lead_wants_it(session: Session, cast: Cast, client_of: ClientOf) -> None:
    for number, row in enumerate(queue(session, cast.project, own.LEAST_GOLD, gold=Outcome.A)):
        judge(session, cast.project, cast.ann, row, "a" if number else "b")
    assert numbers(session, cast).gold is None
    assert (
        "right verdict is known" not in client_of(cast.ann).get(NUMBERS).text.partition("What is recorded")[0]
    )
    cast.project.shows_gold = True
    session.add(cast.project)
    session.commit()
    found = numbers(session, cast).gold
    assert found is not None
    assert (found.some, found.many) == (4, 5)
    assert "80%" in client_of(cast.ann).get(NUMBERS).text
