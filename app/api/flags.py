"""Flags over the API: an annotator writes them, the lead answers."""

from datetime import datetime

from app import db
from app.api.answers import Answer
from app.api.auth import enter
from app.api.operations import get, post, saved
from app.api.paging import Page, PageIn, address, position
from app.api.reading import asked, received
from app.flags import flagging
from app.flags.flagging import Flagged
from app.flags.forms import FlagIn, SettleIn
from app.models import FlagKind, FlagState, Scope


class FlagOut(Answer):
    """What somebody told the lead about a pair, and the answer."""

    uid: str
    kind: FlagKind
    message: str
    state: FlagState
    created_at: datetime
    answer: str | None
    answered_at: datetime | None


class FlaggedOut(FlagOut):
    """A flag as the lead sees it; ``queued`` says whether its pair is still handed out.

    ``retired`` says whether it was taken out of the queue, where it can be put back.
    """

    annotator: str
    pair_id: str
    queued: bool
    retired: bool


class FlagsIn(PageIn):
    """Which of a project's flags."""

    state: FlagState = FlagState.OPEN


@post(
    "/projects/<slug>/assignments/<uid>/flags",
    scope=Scope.ANNOTATE,
    takes=FlagIn,
    gives=FlagOut,
    status=201,
    repeatable=True,
)
def flag_assignment(slug: str, uid: str) -> FlagOut:
    """Tell the lead about an assignment; it stays open."""
    access, given = enter(slug, "judge"), received(FlagIn)
    return saved(FlagOut.model_validate(flagging.raise_flag(db.session(), access, uid, given)))


@get("/projects/<slug>/my-flags", scope=Scope.ANNOTATE, query=PageIn, gives=Page[FlagOut])
@db.writes
def my_flags(slug: str) -> Page[FlagOut]:
    """One's own flags and their answers, newest first."""
    access, given = enter(slug, "read your judgments"), asked(PageIn)
    session = db.session()
    found = flagging.mine(session, access, _before(given), given.limit)
    rows = found[: given.limit]
    items = [FlagOut.model_validate(flag) for flag in rows]
    flagging.see(session, rows)
    following = rows[-1].id if len(found) > given.limit else None
    session.commit()
    return Page(items=items, next=address(following))


@get("/projects/<slug>/flags", scope=Scope.MANAGE, query=FlagsIn, gives=Page[FlaggedOut])
def flags(slug: str) -> Page[FlaggedOut]:
    """What annotators told the lead: open or closed flags, newest first."""
    access, given = enter(slug, "manage"), asked(FlagsIn)
    found = flagging.of_project(db.session(), access, given.state, _before(given), given.limit)
    rows = found[: given.limit]
    following = rows[-1].id if len(found) > given.limit else None
    return Page(items=[_flagged(one) for one in rows], next=address(following))


@post("/projects/<slug>/flags/<uid>", scope=Scope.MANAGE, takes=SettleIn, gives=FlagOut)
def settle_flag(slug: str, uid: str) -> FlagOut:
    """Answer a flag, close it, take its pair out of the queue or put it back."""
    access, given = enter(slug, "manage"), received(SettleIn)
    return saved(FlagOut.model_validate(flagging.settle(db.session(), access, uid, given)))


def _before(given: PageIn) -> int | None:
    return position(given.after) if given.after else None


def _flagged(one: Flagged) -> FlaggedOut:
    said = FlagOut.model_validate(one.flag).model_dump()
    shown = {name: getattr(one, name) for name in ("annotator", "pair_id", "queued", "retired")}
    return FlaggedOut(**said, **shown)
