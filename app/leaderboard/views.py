"""Pages of the leaderboard room."""

from dataclasses import asdict

from flask import Blueprint, Response, request

from app import permissions
from app.leaderboard import asked, caveats, examples, files, rendering, spoken, words
from app.leaderboard.page import Arrangement
from app.leaderboard.ranked import Row

bp = Blueprint("leaderboard", __name__)

HERE = "/p/<slug>/leaderboard"

bp.add_app_template_filter(spoken.slice_name)
bp.add_app_template_filter(caveats.shortened, "shortened")
bp.add_app_template_filter(spoken.slice_value)
bp.add_app_template_filter(spoken.by_slice)
bp.add_app_template_filter(spoken.share)
bp.add_app_template_filter(spoken.capital)
bp.add_app_template_filter(spoken.where, "where_asked")
bp.add_app_template_filter(spoken.which, "which_asked")
bp.add_app_template_filter(spoken.days, "days_asked")


@bp.app_template_filter()
def rank_range(row: Row) -> str:
    """ "2–3"."""
    return words.rank_range(asdict(row))


@bp.get(HERE)
def show(slug: str) -> Response:
    """Who leads, how surely, and what the judgments do not tell."""
    access, query = asked.enter(slug)
    arrangement = Arrangement.read(request.args)
    return asked.answer(
        access, (query, arrangement), lambda: rendering.standings_page(access, query, arrangement)
    )


@bp.get(f"{HERE}.<any(csv, json, svg):kind>")
def download(slug: str, kind: str) -> Response:
    """The same standings as a file."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query, kind), lambda: files.of_standings(access, query, kind))


@bp.get(f"{HERE}/matrix")
def matrix(slug: str) -> Response:
    """Every model against every other: observed, or as the ratings expect."""
    access, query = asked.enter(slug)
    shown = asked.shown()
    return asked.answer(access, (query, shown), lambda: rendering.matrix_page(access, query, shown))


@bp.get(f"{HERE}/matrix.<any(csv, json, svg):kind>")
def download_matrix(slug: str, kind: str) -> Response:
    """Every pair of models that met, as a file."""
    access, query = asked.enter(slug, "show")
    shown = asked.shown()
    return asked.answer(access, (query, kind, shown), lambda: files.of_matrix(access, query, shown, kind))


@bp.get(f"{HERE}/over-time")
def history(slug: str) -> Response:
    """How the ratings came about."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query,), lambda: rendering.history_page(access, query))


@bp.get(f"{HERE}/over-time.<any(csv, json, svg):kind>")
def download_history(slug: str, kind: str) -> Response:
    """The trajectory as a file."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query, kind), lambda: files.of_history(access, query, kind))


@bp.get(f"{HERE}/bias")
def biases(slug: str) -> Response:
    """Whether the side of the screen decides verdicts."""
    access, _ = asked.enter(slug)
    return asked.answer(access, (), lambda: rendering.bias_page(access))


@bp.get(f"{HERE}/bias.<any(csv, json, svg):kind>")
def download_bias(slug: str, kind: str) -> Response:
    """How far the side decides, as a file."""
    access, _ = asked.enter(slug, part=False)
    return asked.answer(access, (kind,), lambda: files.of_bias(access, kind))


@bp.get(f"{HERE}/robustness")
def firmness(slug: str) -> Response:
    """Whether the order would survive other judgments, another style, or judge models."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query,), lambda: rendering.firmness_page(access, query))


@bp.get(f"{HERE}/models/<uid>")
def model(slug: str, uid: str) -> Response:
    """Where one model wins and loses."""
    access, query = asked.enter(slug)
    one = asked.model(access, uid)
    result, offset = asked.result(), asked.offset()
    return asked.answer(
        access, (query, result, offset), lambda: rendering.model_page(access, query, one, result, offset)
    )


@bp.get(f"{HERE}/models/<uid>.<any(csv, json, svg):kind>")
def download_model(slug: str, uid: str, kind: str) -> Response:
    """One model in each slice, and against each other model, as a file."""
    access, query = asked.enter(slug)
    one = asked.model(access, uid)
    return asked.answer(access, (query, kind), lambda: files.of_model(access, query, one, kind))


@bp.get(f"{HERE}/models/<uid>/comparisons/<pair_id>")
def comparison(slug: str, uid: str, pair_id: str) -> Response:
    """One judged comparison of a model, with all of its texts."""
    access = permissions.here(slug, examples.READ)
    one = asked.model(access, uid)
    return asked.answer(access, (), lambda: rendering.comparison_page(access, one, pair_id))


@bp.get(f"{HERE}/models/<uid>/<other_uid>")
def head_to_head(slug: str, uid: str, other_uid: str) -> Response:
    """Two models against each other."""
    access, query = asked.enter(slug)
    pair = asked.pair(access, uid, other_uid)
    offset = asked.offset()
    return asked.answer(access, (query, offset), lambda: rendering.pair_page(access, query, pair, offset))


@bp.get(f"{HERE}/models/<uid>/<other_uid>.<any(csv, json, svg):kind>")
def download_pair(slug: str, uid: str, other_uid: str, kind: str) -> Response:
    """Two models against each other in each slice, as a file."""
    access, query = asked.enter(slug)
    pair = asked.pair(access, uid, other_uid)
    return asked.answer(access, (query, kind), lambda: files.of_pair(access, query, pair, kind))
