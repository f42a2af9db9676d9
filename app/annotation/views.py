"""Pages of the annotation room."""

from flask import Blueprint

bp = Blueprint("annotation", __name__)
