"""What a start does not wait for."""

import os
import subprocess
import sys
from pathlib import Path

from app.settings import Settings

# Each takes a tenth of a second, or more, and a server can be ready and show a pair without them.
LATER = {"alembic", "pyarrow", "scipy.linalg", "scipy.sparse", "scipy.special"}


def test_a_server_starts_without_what_only_some_requests_need(settings: Settings) -> None:
    program = (
        "import sys; from app import create_app, db, server; from app.operations.commands import serve;"
        "assert db.misfit(create_app().extensions['engine']) is None;"
        f"print(sorted({LATER} & set(sys.modules)))"
    )
    made = {
        "TIEBREAK_DATA_DIR": str(settings.data_dir),
        "TIEBREAK_DATABASE_URL": settings.database_url,
        "TIEBREAK_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | made,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr
