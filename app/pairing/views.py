"""Pages of the pairing room."""

from flask import Blueprint

bp = Blueprint("pairing", __name__)
