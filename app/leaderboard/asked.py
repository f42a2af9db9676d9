"""What an address of the room asks for, and the standings its pages and files are made of."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

import flask
from flask import Response, request
from flask_babel import gettext as _
from pydantic import BaseModel
from sqlmodel import select

from app import assets, db, permissions, web
from app.errors import Invalid, NotFound, checked
from app.leaderboard import memory, page, pairs, slicing, standing_out, standings, words
from app.leaderboard.etags import unless_known
from app.leaderboard.examples import Result
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.page import Placed
from app.leaderboard.pairs import Meeting, ShareOf
from app.leaderboard.pictures import Title
from app.leaderboard.ranked import Standings
from app.leaderboard.tables import Part
from app.models import Model
from app.permissions import Access

READ = "read the leaderboard"
LAST_OFFSET = 1_000_000

Found = TypeVar("Found")


def enter(slug: str, *names: str, part: bool = True) -> tuple[Access, StandingsQuery]:
    """The reader's access to a project, and which judgments they look at.

    ``names`` are what a file's address may say besides; ``part`` is False where it is of all judgments.
    Raises Invalid for anything else: a program would take the file for what it asked for. Of a page's
    address the rest is not ours: a link that goes round is given names by whoever passes it on.
    """
    access = permissions.here(slug, READ)
    known = {*names, *(StandingsQuery.model_fields if part else ())}
    unknown = [name for name in request.args if name not in known]
    if unknown and web.is_file():
        raise Invalid.unknown(unknown, known)
    query = StandingsQuery.read(request.args)
    slicing.check(db.session(), access.project, query)
    return access, query


def model(access: Access, uid: str) -> Model:
    """A model of the project."""
    found = select(Model).where(Model.project_id == access.project.id, Model.uid == uid)
    one = db.session().exec(found).one_or_none()
    if one is None:
        raise NotFound(_("This project has no such model."))
    return one


def pair(access: Access, uid: str, other_uid: str) -> tuple[Model, Model]:
    """Two models of the project."""
    if uid == other_uid:
        raise NotFound(_("A model is not compared with itself."))
    return model(access, uid), model(access, other_uid)


def shown() -> ShareOf:
    """Which shares a win matrix shows. Raises Invalid."""
    return checked(_Looked, request.args.to_dict()).show


def result() -> Result:
    """Which of a model's comparisons are looked at. Raises Invalid."""
    return checked(_Looked, request.args.to_dict()).examples


class _Looked(BaseModel):
    """At what of a view."""

    show: ShareOf = "observed"
    examples: Result = "lost"


def offset() -> int:
    """How many comparisons the pages before have shown."""
    return min(max(web.number_asked("offset") or 0, 0), LAST_OFFSET)


def answer(access: Access, chosen: tuple[object, ...], make: Callable[[], Response]) -> Response:
    """What was made, or that the asker has it already."""
    known = memory.revision(db.session(), access.project), request.path, *chosen, *_reader(access)
    return unless_known(known, make)


def _reader(access: Access) -> tuple[object, ...]:
    """What of the reader a page depends on: their name, rights, colours and the form's token."""
    account = access.account
    who = (account.id, account.name, account.session_key) if account else None
    frame = (web.theme(), web.wants_fragment(), assets.edition())
    return (who, access.role, *frame, flask.session.get("csrf_token"), flask.session.get("_flashes"))


def bradley_terry(access: Access, query: StandingsQuery) -> Standings:
    """Pairs are read from Bradley-Terry ratings, whatever method the reader came from."""
    return standings.load(db.session(), access.project, query.model_copy(update={"method": "bt"}))


def all_slices(access: Access, query: StandingsQuery) -> dict[str, dict[str, Standings]]:
    """By every kind of slice that tells more than the whole, the largest values."""
    session, project = db.session(), access.project
    found = {}
    for by, values in slicing.known(session, project).items():
        one_kind = query.model_copy(update={"method": "bt", "by": by})
        if len(values) > 1 or by in page.TELLING_ALONE:
            found[by] = standings.load_slices(session, project, one_kind, values[: page.MAX_SIDE_BY_SIDE])
    return found


def meetings_by_slice(
    access: Access, query: StandingsQuery, models: tuple[Model, Model]
) -> dict[Part, Meeting]:
    """Two models where the query looks, first, and in each slice."""
    one, other = (model.name for model in models)
    parts = {part(query): bradley_terry(access, query), **flat(all_slices(access, query))}
    return {where: pairs.head_to_head(found, one, other) for where, found in parts.items()}


def placed(access: Access, query: StandingsQuery, one: Model) -> dict[Part, Placed]:
    """A model where the query looks, first, and in each slice, with where it stands out."""
    slices = all_slices(access, query)
    marks = standing_out.load(
        db.session(), access.project, query, {by: tuple(parts) for by, parts in slices.items()}
    )
    return {
        where: Placed(**asdict(page.row_of(found, one.name)), stands_out=marks.get((where, one.name), ""))
        for where, found in {part(query): bradley_terry(access, query), **flat(slices)}.items()
    }


def by_kind(found: Mapping[Part, Found]) -> dict[str, dict[str, Found]]:
    """What is kept by kind of slice and value, without the whole."""
    kinds: dict[str, dict[str, Found]] = {}
    for (by, value), one in found.items():
        if by:
            kinds.setdefault(by, {})[value] = one
    return kinds


def part(query: StandingsQuery) -> Part:
    """Where the query looks."""
    return (query.by, query.value) if query.value else ("", "")


def flat(found: Mapping[str, Mapping[str, Found]]) -> dict[Part, Found]:
    """What is kept by kind of slice and value, by both at once."""
    return {(by, value): one for by, parts in found.items() for value, one in parts.items()}


def called(access: Access) -> words.Called:
    """What values of slices are called."""
    return standings.called(db.session(), access.project)


def simulated(access: Access, query: StandingsQuery) -> tuple[str, ...]:
    """What is to be said of judgments that are nobody's."""
    return standings.simulated(db.session(), access.project, query)


def title(access: Access, query: StandingsQuery) -> Title:
    """What a picture is of."""
    return Title(access.project.name + words.where(query, called(access)), " ".join(simulated(access, query)))
