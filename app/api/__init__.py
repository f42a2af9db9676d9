"""The same verbs, JSON in and out."""

from flask import Blueprint

from app.accounts.session import csrf

bp = Blueprint("api", __name__, url_prefix="/api/v1")

# A token in a header is not sent by a browser on its own, and a cookie opens nothing here.
csrf.exempt(bp)

from app.api import imports, jobs, leaderboard, pairs, projects  # noqa: E402, F401 -- their routes register on bp
