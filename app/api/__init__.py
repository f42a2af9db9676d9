"""The same verbs, JSON in and out."""

from flask import Blueprint

bp = Blueprint("api", __name__, url_prefix="/api/v1")

from app.api import leaderboard  # noqa: E402, F401 -- their routes register on bp
