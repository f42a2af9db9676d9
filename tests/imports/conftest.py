"""An importer into the project of the cast."""

from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import Cast
from tests.imports.arrange import Importer


@pytest.fixture
def importer(app: Flask, cast: Cast, tmp_path: Path) -> Importer:
    return Importer(app, cast.project, tmp_path)
