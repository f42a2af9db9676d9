"""Final verdicts over the API."""

from datetime import datetime

from pydantic import Field
from sqlmodel import Session

from app import db
from app.api.answers import Answer
from app.api.auth import account, enter
from app.api.operations import delete, get, put, saved
from app.api.paging import Page, PageIn, page
from app.api.reading import asked, received
from app.models import Comparison, Outcome, Prompt, Scope
from app.review import disputes, verdicts
from app.review.forms import ReviewIn, VerdictIn


class VerdictOut(Answer):
    """A reviewer's final verdict; the outcome names the response."""

    outcome: Outcome
    reason: str | None = Field(validation_alias="rationale")
    created_at: datetime


class DisputeOut(Answer):
    """A comparison that annotators are divided on, or that is settled."""

    pair_id: str
    prompt_id: str
    votes: dict[Outcome, int]
    verdict: VerdictOut | None


class ReviewPageIn(ReviewIn, PageIn):
    """Which comparisons."""


@get("/projects/<slug>/review", scope=Scope.ANNOTATE, query=ReviewPageIn, gives=Page[DisputeOut])
def review(slug: str) -> Page[DisputeOut]:
    """The comparisons that annotators are divided on, or with `settled` those that have a final verdict."""
    access, given, session = enter(slug, "review"), asked(ReviewPageIn), db.session()
    found = verdicts.waiting(access.project, settled=given.settled)
    return page(session, found, given, lambda row: _told(session, row.Comparison), by=Comparison.id)


def _told(session: Session, comparison: Comparison) -> DisputeOut:
    said = [judgment.outcome for judgment in disputes.votes(session, comparison)]
    verdict = verdicts.live(session, comparison)
    return DisputeOut(
        pair_id=comparison.pair_id,
        prompt_id=session.get_one(Prompt, comparison.prompt_id).key,
        votes={outcome: said.count(outcome) for outcome in dict.fromkeys(said)},
        verdict=VerdictOut.model_validate(verdict) if verdict else None,
    )


@put("/projects/<slug>/review/<pair_id>", scope=Scope.ANNOTATE, takes=VerdictIn, gives=VerdictOut)
def settle_comparison(slug: str, pair_id: str) -> VerdictOut:
    """Give the final verdict on a comparison, with a reason; an earlier one is kept in its history."""
    access, given = enter(slug, "review"), received(VerdictIn)
    return saved(
        VerdictOut.model_validate(verdicts.settle(db.session(), access.project, pair_id, given, by=account()))
    )


@delete("/projects/<slug>/review/<pair_id>", scope=Scope.ANNOTATE)
def withdraw_verdict(slug: str, pair_id: str) -> None:
    """Leave a comparison to its annotators again."""
    verdicts.withdraw(db.session(), enter(slug, "review").project, pair_id, by=account())
    db.session().commit()
