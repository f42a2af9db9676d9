"""Every part of the look on one page, for whoever changes it; in development only."""

from flask import Blueprint, render_template, request

bp = Blueprint("styleguide", __name__)


@bp.get("/styleguide")
def show() -> str:
    """All parts, or with ``?page=comparison`` the comparison page as an example of a whole one."""
    whole = request.args.get("page") == "comparison"
    return render_template("styleguide_comparison.html" if whole else "styleguide.html")
