"""The way to live judging, what spares those who judge, and their own numbers."""

from datetime import date
from http import HTTPStatus
from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from app import db
from app.annotation import care, care_counts, readiness
from app.api.answers import Answer, TrialOut
from app.api.auth import account, enter
from app.api.blind import blind
from app.api.operations import answered, get, post, put
from app.api.paging import Page
from app.api.reading import received
from app.api.results import ShareOut
from app.learning import lessons, people, trials
from app.learning.forms import DecisionIn, GoldIn, PassIn, TrialIn, VersionIn
from app.models import Care, Outcome, Scope, Source, Stage
from app.permissions import Access
from app.quality import own
from app.quality.annotators import Share

JUDGE, MANAGE = Scope.ANNOTATE, Scope.MANAGE


class ResultOut(Answer):
    """One go at the test."""

    right: int
    of: int
    needed: int
    passed: bool


class WayOut(Answer):
    """How far one is on the way to live judging; ``warning`` is the project's, while it is not read."""

    stage: Stage
    done: int
    of: int
    left: int = Field(description="Goes at the test that are left.")
    results: list[ResultOut]
    warning: str | None


class AnsweredOut(Answer):
    """What came of a verdict; in a test nothing is told."""

    stage: Stage
    correct: bool | None
    gold: Outcome | None
    reason: str | None


class LearnerOut(Answer):
    """Where one annotator is."""

    uid: str
    name: str
    stage: Stage
    judged: int
    trained: int
    results: list[ResultOut]


class DeclinesOut(Answer):
    """The categories that one would rather not judge, and those there are."""

    declined: list[str]
    categories: list[str]


class CareOut(Answer):
    """What happened in the last days, without names: a count below five, or among fewer people, is null.

    Of declined categories only those are named that five or more decline.
    """

    days: int
    counts: dict[Care, int | None]
    declines: dict[str, int]


class DayOut(Answer):
    """One day, in UTC."""

    day: date
    judged: int
    seconds: float


class OwnOut(Answer):
    """One's own numbers; a share is null while too few verdicts are in for it."""

    judged: int
    seconds: float
    median: float | None
    days: list[DayOut]
    others: int
    agreement: ShareOut | None
    gold: ShareOut | None


class NothingIn(BaseModel):
    """Nothing is sent."""


@get("/projects/<slug>/way", scope=JUDGE, gives=WayOut)
@db.writes
def my_way(slug: str) -> WayOut:
    """How far one is on the way to live judging."""
    access = enter(slug, "judge")
    found = trials.way(db.session(), access)
    db.session().commit()
    return WayOut(
        stage=found.stage,
        done=found.done,
        of=found.of,
        left=found.left,
        results=[ResultOut.model_validate(one) for one in found.results],
        warning=None if found.warned else access.project.warning,
    )


@post("/projects/<slug>/warning/read", scope=JUDGE)
def read_warning(slug: str) -> None:
    """Say that one has read the project's warning."""
    care.acknowledge(db.session(), enter(slug, "judge"))
    db.session().commit()


@post("/projects/<slug>/guideline/read", scope=JUDGE, takes=VersionIn)
def read_guideline(slug: str) -> None:
    """Say that one has read a version of the guideline."""
    access, version = enter(slug, "judge"), received(VersionIn).version
    readiness.read_guideline(db.session(), access, version)
    db.session().commit()


@post("/projects/<slug>/test", scope=JUDGE)
def begin_test(slug: str) -> None:
    """Begin a go at the test, or go on with it."""
    trials.begin_test(db.session(), enter(slug, "judge"))
    db.session().commit()


@post(
    "/projects/<slug>/trials",
    scope=JUDGE,
    gives=TrialOut,
    also={204: ("There is none now", None)},
)
def next_trial(slug: str) -> Response:
    """The pair to judge next in the training round or the test, blind."""
    access = enter(slug, "judge")
    found = trials.way(db.session(), access)
    answer = Response(status=HTTPStatus.NO_CONTENT)
    if found.trial is not None and (found.warned or not access.project.warning):
        answer = answered(blind(TrialOut, access, found.trial, trial_id=found.trial.uid), HTTPStatus.OK)
    db.session().commit()
    return answer


@post("/projects/<slug>/trials/answers", scope=JUDGE, takes=TrialIn, gives=AnsweredOut)
def answer_trial(slug: str) -> AnsweredOut:
    """Judge a pair of the training round or the test; only the former is answered by what is right."""
    found = trials.answer(db.session(), enter(slug, "judge"), received(TrialIn), Source.API)
    db.session().commit()
    if found.stage == Stage.TEST:
        return AnsweredOut(stage=found.stage, correct=None, gold=None, reason=None)
    told = found.told
    return AnsweredOut(stage=found.stage, correct=found.correct, gold=told.gold, reason=told.reason)


@post("/projects/<slug>/trials/passes", scope=JUDGE, takes=PassIn)
def pass_trial(slug: str) -> None:
    """Pass over a pair whose text may be harmful, at no cost; a test asks another where there is one."""
    trials.pass_over(db.session(), enter(slug, "judge"), received(PassIn))
    db.session().commit()


@get("/projects/<slug>/declines", scope=JUDGE, gives=DeclinesOut)
def my_declines(slug: str) -> DeclinesOut:
    """What one would rather not judge."""
    return _declines(enter(slug, "judge"))


@put("/projects/<slug>/declines", scope=JUDGE, takes=care.DeclinesIn, gives=DeclinesOut)
def set_declines(slug: str) -> DeclinesOut:
    """Be spared these categories from now on, and no others; nobody is told who."""
    access = enter(slug, "judge")
    care.decline(db.session(), access, received(care.DeclinesIn))
    found = _declines(access)
    db.session().commit()
    return found


def _declines(access: Access) -> DeclinesOut:
    there = [name for name, _ in care.categories(db.session(), access.project)]
    return DeclinesOut(declined=sorted(care.declined(db.session(), access)), categories=there)


@get("/projects/<slug>/numbers", scope=JUDGE, gives=OwnOut)
def my_numbers(slug: str) -> OwnOut:
    """One's own numbers: judgments, active time, agreement, and gold where the project shows it."""
    found = own.of(db.session(), enter(slug, "read your judgments"))
    return OwnOut(
        judged=found.judged,
        seconds=found.seconds,
        median=found.median,
        days=[DayOut.model_validate(day) for day in found.days],
        others=found.others,
        agreement=_share(found.agreement),
        gold=_share(found.gold),
    )


def _share(found: Share | None) -> Any:
    return None if found is None else ShareOut.model_validate(found)


@get("/projects/<slug>/learners", scope=MANAGE, gives=Page[LearnerOut])
def learners(slug: str) -> Page[LearnerOut]:
    """Who is how far on the way to live judging."""
    found = people.of(db.session(), enter(slug, "manage").project)
    return Page(
        items=[
            LearnerOut(
                uid=one.uid,
                name=one.name,
                stage=one.stage,
                judged=one.judged,
                trained=one.record.trained,
                results=[ResultOut.model_validate(result) for result in one.record.results],
            )
            for one in found
        ]
    )


@post("/projects/<slug>/learners/<uid>", scope=MANAGE, takes=DecisionIn)
def decide(slug: str, uid: str) -> None:
    """Let somebody in, or let them start over."""
    access, decision = enter(slug, "manage"), received(DecisionIn).decision
    people.decide(db.session(), access.project, uid, decision, by=account())
    db.session().commit()


@put("/projects/<slug>/gold/<pair_id>", scope=MANAGE, takes=GoldIn)
def use_gold(slug: str, pair_id: str) -> None:
    """Say what a gold comparison is for, and why its verdict is right."""
    access, given = enter(slug, "manage"), received(GoldIn)
    lessons.use(db.session(), access.project, {pair_id: given}, by=account())
    db.session().commit()


@get("/projects/<slug>/care", scope=MANAGE, gives=CareOut)
def care_taken(slug: str) -> CareOut:
    """How often warnings were read, breaks taken, limits reached and what is declined: none below five."""
    project = enter(slug, "manage").project
    return CareOut(
        days=care_counts.DAYS,
        counts=care_counts.lately(db.session(), project),
        declines=dict(care.declines(db.session(), project)),
    )
