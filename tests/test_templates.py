"""Every template compiles: a slip in a page nobody opens is found here and not by its first reader."""

import pytest
from flask import Flask

from app.web import ROOT

TEMPLATES = sorted(
    str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*") if path.is_file()
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles(app: Flask, name: str) -> None:
    assert app.jinja_env.get_template(name).name == name
