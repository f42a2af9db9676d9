"""Pages of the leaderboard room."""

from dataclasses import asdict
from typing import Any

import flask
import orjson
from flask import Blueprint, Response, render_template, request, url_for

from app import db, permissions, web
from app.leaderboard import page, standings, tables, words
from app.leaderboard.etags import unless_known
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.page import Arrangement
from app.leaderboard.ranked import Row
from app.models import Project
from app.permissions import Access

bp = Blueprint("leaderboard", __name__)

READ = "read the leaderboard"
# What a file's name may keep of a slice's value.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@bp.app_template_filter()
def rank_range(row: Row) -> str:
    """ "2–3"."""
    return words.rank_range(asdict(row))


@bp.app_template_filter()
def share(row: Row, key: str) -> str:
    """ "61%"."""
    return words.share(asdict(row), key)


bp.add_app_template_filter(words.slice_name)
bp.add_app_template_filter(words.slice_value)


@bp.get("/p/<slug>/leaderboard")
def show(slug: str) -> Response:
    """Who leads, how surely, and what the judgments do not tell."""
    access = permissions.enter(db.session(), web.account(), slug, READ)
    query, arrangement = StandingsQuery.read(request.args), Arrangement.read(request.args)
    known = (standings.revision(db.session(), access.project), query, arrangement, *_reader(access))
    return unless_known(known, lambda: _page(access, query, arrangement))


@bp.get("/p/<slug>/leaderboard.<any(csv, json, svg):kind>")
def download(slug: str, kind: str) -> Response:
    """The same standings as a file."""
    access = permissions.enter(db.session(), web.account(), slug, READ)
    query = StandingsQuery.read(request.args)
    known = (standings.revision(db.session(), access.project), query, kind)
    return unless_known(known, lambda: _file(access, query, kind))


def _reader(access: Access) -> tuple[object, ...]:
    """What of the reader a page depends on: their name, rights, colours and the form's token."""
    account = access.account
    who = (account.id, account.name, account.session_key) if account else None
    frame = (web.theme(), web.wants_fragment(), web.asset("app.css"))
    return (who, access.role, *frame, flask.session.get("csrf_token"), flask.session.get("_flashes"))


def _page(access: Access, query: StandingsQuery, arrangement: Arrangement) -> Response:
    session, project = db.session(), access.project
    found = standings.load(session, project, query)
    known = standings.slices(session, project)
    beside = known.get(query.by, [])[: page.MAX_SIDE_BY_SIDE] if not query.value else []
    head, tabs = standings.headline(session, project), page.tabs(known, query)
    return web.page_or_fragment(
        "leaderboard/show.html",
        "standings",
        access=access,
        project=project,
        query=query,
        arrangement=arrangement,
        standings=found,
        groups=page.groups(found, arrangement),
        axis=page.shared_axis(found),
        headline=page.headline(found, head, query),
        updated_at=head.updated_at,
        tabs=[(label, _address(project, to), current) for label, to, current in tabs],
        value_options=page.value_options(known, query),
        beside=standings.load_slices(session, project, query, beside),
    )


def _file(access: Access, query: StandingsQuery, kind: str) -> Response:
    session, project = db.session(), access.project
    if kind == "json":
        found = standings.as_object(session, project, query)
        response = Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), mimetype="application/json")
    elif kind == "csv":
        parts = standings.load_parts(session, project, query)
        rows = {part: found.rows for part, found in parts.items()}
        response = Response(tables.standings_csv(rows), mimetype="text/csv")
    else:
        one = standings.load(session, project, query)
        drawn = render_template(
            "leaderboard/standings.svg",
            project=project,
            query=query,
            standings=one,
            axis=page.shared_axis(one),
        )
        response = Response(drawn, mimetype="image/svg+xml")
    name = "-".join(filter(None, (project.slug, "leaderboard", query.by, _plain(query.value))))
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return response


def _plain(value: str) -> str:
    return "".join(letter if letter in PLAIN else "-" for letter in value)


def _address(project: Project, arguments: dict[str, Any]) -> str:
    return url_for("leaderboard.show", slug=project.slug, **arguments)
