"""Pages of the accounts room."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
