"""Pages of the leaderboard room."""

from flask import Blueprint

bp = Blueprint("leaderboard", __name__)
