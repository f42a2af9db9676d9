"""Static files: compressed for whoever takes it, and cached under an address that changes with them."""

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask

from app import assets

STATIC = Path(assets.STATIC)


@pytest.fixture
def stylesheet(app: Flask) -> str:
    """The address that pages name."""
    page = app.test_client().get("/sign-in", follow_redirects=True)
    found = re.search(r'rel="stylesheet" href="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_a_file_is_sent_compressed_to_whoever_takes_it(app: Flask, stylesheet: str) -> None:
    client, content = app.test_client(), (STATIC / "app.css").read_bytes()
    packed = client.get(stylesheet, headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == content
    plain = client.get(stylesheet)
    assert "Content-Encoding" not in plain.headers
    assert plain.data == content
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in (packed, plain))


def test_a_font_is_sent_as_it_is(app: Flask, stylesheet: str) -> None:
    """By the relative address that the stylesheet has of it."""
    address = stylesheet.replace("app.css", "vendor/stix-two-math.woff2")
    font = app.test_client().get(address, headers={"Accept-Encoding": "gzip"})
    assert font.content_type == "font/woff2"
    assert "Content-Encoding" not in font.headers
    assert "immutable" in font.headers["Cache-Control"]


def test_only_this_edition_is_kept_for_ever(app: Flask, stylesheet: str) -> None:
    client = app.test_client()
    assert client.get(stylesheet).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    other = client.get("/static/0123456789ab/app.css")
    assert (other.status_code, other.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("path", ["nothing.css", "../app/web.py", "%2e%2e/app/web.py", "vendor", ""])
def test_nothing_else_is_served(app: Flask, stylesheet: str, path: str) -> None:
    assert app.test_client().get(stylesheet.replace("app.css", path)).status_code == 404


def test_the_stylesheet_refers_to_files_that_are_there() -> None:
    for address in re.findall(r'url\("([^")]+)"\)', (STATIC / "app.css").read_text()):
        assert (STATIC / address).is_file()


def test_by_night_colours_change_and_nothing_else() -> None:
    """light-dark() takes colours alone, and the browser's tests count on it: see RULES in their conftest."""
    assert "prefers-color-scheme" not in (STATIC / "app.css").read_text()


def test_the_stylesheet_keeps_to_its_budget() -> None:
    """As it is written, with its comments: what is new reuses the parts that are there."""
    assert (STATIC / "app.css").stat().st_size <= 30 * 1024
