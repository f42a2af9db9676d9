"""Pages of the exports room."""

from flask import Blueprint

bp = Blueprint("exports", __name__)
