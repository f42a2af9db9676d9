"""Every view of the leaderboard as a file: CSV, JSON, and a picture."""

from collections.abc import Callable

import orjson
from flask import Response

from app import db
from app.leaderboard import asked, bias, objects, pairs, pictures, replay, standings, tables, words
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.pairs import ShareOf
from app.models import Model, Project
from app.permissions import Access

TYPES = {"csv": "text/csv", "json": "application/json", "svg": "image/svg+xml"}
# What makes each kind of file.
Makers = dict[str, Callable[[], str | bytes]]
# What a file's name may keep of a slice's value.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def of_standings(access: Access, query: StandingsQuery, kind: str) -> Response:
    """All that the leaderboard shows."""
    session, project = db.session(), access.project

    def rows() -> str:
        parts = standings.load_parts(session, project, query)
        return tables.rows_csv({part: found.rows for part, found in parts.items()}, asked.called(access))

    makers: Makers = {
        "csv": rows,
        "json": lambda: _json(standings.as_object(session, project, query)),
        "svg": lambda: pictures.standings_svg(
            asked.title(access, query), standings.load(session, project, query)
        ),
    }
    return _file(makers, kind, project, query, "leaderboard")


def of_matrix(access: Access, query: StandingsQuery, shown: ShareOf, kind: str) -> Response:
    """Every pair of models that met."""
    rows, project = pairs.matrix(asked.bradley_terry(access, query)), access.project
    met = [one for row in rows for one in row if one and one.judgments]
    makers: Makers = {
        "csv": lambda: tables.meetings_csv({asked.part(query): met}, asked.called(access)),
        "json": lambda: _json(objects.of_matrix(access, query)),
        "svg": lambda: pictures.matrix_svg(asked.title(access, query), rows, shown, query.ties),
    }
    return _file(makers, kind, project, query, "matrix")


def of_history(access: Access, query: StandingsQuery, kind: str) -> Response:
    """How the ratings came about."""
    trajectory, project = replay.trajectory(db.session(), access.project, query), access.project
    makers: Makers = {
        "csv": lambda: tables.trajectory_csv(trajectory),
        "json": lambda: _json(objects.of_history(access, query)),
        "svg": lambda: pictures.over_time_svg(asked.title(access, query), trajectory),
    }
    return _file(makers, kind, project, query, "over-time")


def of_model(access: Access, query: StandingsQuery, one: Model, kind: str) -> Response:
    """One model in each slice, against each other model, and what failed in its responses."""
    found, project = asked.bradley_terry(access, query), access.project
    meetings = pairs.meetings(found, one.name)
    subtitle = f"How often {one.name} is preferred: expected, with 95% interval, and observed (ring)"
    makers: Makers = {
        "csv": lambda: tables.placed_csv(asked.placed(access, query, one), asked.called(access)),
        "json": lambda: _json(objects.of_model(access, query, one)),
        "svg": lambda: pictures.shares_svg(
            asked.title(access, query), subtitle, [pictures.bar(one.other, one) for one in meetings]
        ),
    }
    return _file(makers, kind, project, query, one.name)


def of_pair(access: Access, query: StandingsQuery, pair: tuple[Model, Model], kind: str) -> Response:
    """Two models in each slice."""
    found, project = asked.meetings_by_slice(access, query, pair), access.project
    one, other = (model.name for model in pair)
    subtitle = f"How often {one} is preferred to {other}: expected, with 95% interval, and observed (ring)"

    def bars() -> list[pictures.Bar]:
        called = asked.called(access)
        labels = [
            f"{words.slice_name(by)}: {words.slice_value(value, by, called)}" if by else "All"
            for by, value in found
        ]
        return [pictures.bar(*both) for both in zip(labels, found.values(), strict=True)]

    makers: Makers = {
        "csv": lambda: tables.meetings_csv(
            {part: [meeting] for part, meeting in found.items()}, asked.called(access)
        ),
        "json": lambda: _json(objects.of_pair(access, query, pair)),
        "svg": lambda: pictures.shares_svg(asked.title(access, query), subtitle, bars()),
    }
    return _file(makers, kind, project, query, f"{one}-{other}")


def of_bias(access: Access, kind: str) -> Response:
    """How far the side of the screen decides."""
    found, project = bias.position(db.session(), access.project), access.project
    subtitle = "How often the left of two equal responses is preferred, with 95% interval"
    left = pictures.Bar("on the left", None, found.share, found.lower, found.upper, found.judgments)
    makers: Makers = {
        "csv": lambda: tables.position_csv(found),
        "json": lambda: _json(objects.of_bias(access)),
        "svg": lambda: pictures.shares_svg(asked.title(access, StandingsQuery()), subtitle, [left]),
    }
    return _file(makers, kind, project, StandingsQuery(), "bias")


def _json(found: object) -> bytes:
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def _file(makers: Makers, kind: str, project: Project, query: StandingsQuery, what: str) -> Response:
    response = Response(makers[kind](), mimetype=TYPES[kind])
    parts = (project.slug, what, query.by, query.value, query.since, query.until)
    name = "-".join(_plain(str(part)) for part in parts if part)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return response


def _plain(text: str) -> str:
    return "".join(letter if letter in PLAIN else "-" for letter in text)
