"""The page on which a programme's quality is watched, and its table as a file."""

from typing import Any

from flask import Blueprint, Response, request
from flask import render_template as render

from app import db, permissions
from app.errors import checked
from app.leaderboard import standings, tables
from app.permissions import Access
from app.quality import agreement, annotators, own
from app.quality.annotators import AnnotatorQuality, Share
from app.quality.forms import QualityQuery
from ranking.units import FEWEST_UNITS

bp = Blueprint("quality", __name__)

HERE = "/p/<slug>/quality"


@bp.get(HERE)
def show(slug: str) -> Response:
    """How far people agree, with each other and with gold, and how each of them judges."""
    access = permissions.here(slug, "review")
    query = checked(QualityQuery, request.args.to_dict())
    session, project = db.session(), access.project
    page = render(
        "quality/page.html",
        access=access,
        project=project,
        query=query,
        headline=standings.headline(session, project),
        agreement=agreement.of_people(session, project, query.by),
        annotators=_annotators(access),
        by_name=_by_name(access),
        models=annotators.reweighted(session, project),
        fewest=FEWEST_UNITS,
        least_seconds=annotators.LEAST_SECONDS,
    )
    return Response(page)


@bp.get("/p/<slug>/numbers")
def numbers(slug: str) -> Response:
    """An annotator's own numbers."""
    access = permissions.here(slug, "read your judgments")
    page = render(
        "quality/own.html",
        access=access,
        project=access.project,
        own=own.of(db.session(), access),
        least=own.LEAST_VERDICTS,
        least_gold=own.LEAST_GOLD,
    )
    return Response(page)


@bp.get(f"{HERE}.csv")
def download(slug: str) -> Response:
    """The table of annotators."""
    access = permissions.here(slug, "review")
    body = tables.to_csv(COLUMNS, (_cells(one) for one in _annotators(access)))
    response = Response(body, mimetype="text/csv")
    name = f"{access.project.slug}-annotators.csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


COLUMNS = (
    *("annotator", "kind", "simulated", "judgments", "median_seconds"),
    *("gold_judged", "gold_right", "gold_share", "gold_lower", "gold_upper"),
    *("others_verdicts", "others_same", "agreement", "agreement_lower", "agreement_upper"),
    *("sides_chosen", "left_chosen", "left_share", "left_lower", "left_upper"),
    *("reliability", "reliability_lower", "reliability_upper"),
)


def _cells(one: AnnotatorQuality) -> list[Any]:
    return [
        *(one.name, one.kind.value, one.simulated, one.judgments, one.seconds),
        *_share(one.gold),
        *_share(one.agreement),
        *_share(one.left),
        *(one.reliability or (None,) * 3),
    ]


def _share(found: Share | None) -> tuple[Any, ...]:
    if found is None:
        return (0, 0, None, None, None)
    return found.many, found.some, found.value, found.lower, found.upper


def _by_name(access: Access) -> bool:
    """Reviewers judge work and need no names; the lead, who talks to people, does."""
    return access.can("manage")


def _annotators(access: Access) -> list[AnnotatorQuality]:
    return annotators.of(db.session(), access.project, by_name=_by_name(access))
