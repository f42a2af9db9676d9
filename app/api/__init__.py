"""The same verbs, JSON in and out."""

from flask import Blueprint

from app.accounts.session import csrf

bp = Blueprint("api", __name__, url_prefix="/api/v1")

# A token in a header is not sent by a browser on its own, and a cookie opens nothing here.
csrf.exempt(bp)

from app.api import (  # noqa: E402 -- their routes register on bp
    account,  # noqa: F401
    assignments,  # noqa: F401
    contents,  # noqa: F401
    exports,  # noqa: F401
    flags,  # noqa: F401
    imports,  # noqa: F401
    jobs,  # noqa: F401
    leaderboard,  # noqa: F401
    learning,  # noqa: F401
    members,  # noqa: F401
    openapi,  # noqa: F401
    pairs,  # noqa: F401
    projects,  # noqa: F401
    quality,  # noqa: F401
    review,  # noqa: F401
    snapshots,  # noqa: F401
    webhooks,  # noqa: F401
)
