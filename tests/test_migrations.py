"""The schema: migrations lead to the models, from empty and from an older schema with data."""

from alembic import command
from flask import Flask

from app import db


def test_migrations_and_models_agree(app: Flask) -> None:
    command.check(db.alembic_config(app.extensions["engine"]))
