"""Each view of the leaderboard as an object: what the API answers and the JSON files hold."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app import db
from app.leaderboard import asked, bias, failures, pairs, replay, robustness, style, with_judges, words
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.tables import Part
from app.models import Model
from app.permissions import Access


def of_matrix(access: Access, query: StandingsQuery) -> dict[str, Any]:
    """Every pair of models that met."""
    rows = pairs.matrix(asked.bradley_terry(access, query))
    met = [asdict(one) for row in rows for one in row if one and one.judgments]
    return {"pairs": met, **_notes(access, query)}


def of_history(access: Access, query: StandingsQuery) -> dict[str, Any]:
    """How the ratings came about."""
    trajectory = replay.trajectory(db.session(), access.project, query)
    return {**asdict(trajectory), **_notes(access, query)}


def of_model(access: Access, query: StandingsQuery, one: Model) -> dict[str, Any]:
    """One model in each slice, against each other model, and what failed in its responses."""
    failed = failures.of_model(db.session(), access.project, query, one)
    found = asked.bradley_terry(access, query)
    return {
        "slices": _listed(access, asked.placed(access, query, one)),
        "against": [asdict(meeting) for meeting in pairs.meetings(found, one.name)],
        "failures": [each.as_object() for each in failed.found],
        **_notes(access, query),
    }


def of_pair(access: Access, query: StandingsQuery, pair: tuple[Model, Model]) -> dict[str, Any]:
    """Two models in each slice."""
    return {"slices": _listed(access, asked.meetings_by_slice(access, query, pair)), **_notes(access, query)}


def of_bias(access: Access) -> dict[str, Any]:
    """How far the side of the screen decides."""
    return {**asdict(bias.position(db.session(), access.project)), **_notes(access, StandingsQuery())}


def of_firmness(access: Access) -> dict[str, Any]:
    """Whether the order would survive other judgments, another style, or judge models."""
    session, project = db.session(), access.project
    controlled = style.load(session, project)
    told = ("votes", "missing", "part", "prompts", "few_annotators", "effects", "rows")
    return {
        **asdict(robustness.load(session, project)),
        "style": {name: getattr(controlled, name) for name in told},
        "judges": asdict(with_judges.load(session, project)),
        **_notes(access, StandingsQuery()),
    }


def _notes(access: Access, query: StandingsQuery) -> dict[str, list[str]]:
    """What must be told of all views alike."""
    return {"notes": list(asked.simulated(access, query))}


def _listed(access: Access, parts: Mapping[Part, Any]) -> list[dict[str, Any]]:
    called = asked.called(access)
    return [
        {"by": by, "value": value, "label": words.slice_value(value, by, called), **asdict(one)}
        for (by, value), one in parts.items()
    ]
