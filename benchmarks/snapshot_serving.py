"""A file of a ready snapshot, rights checked and all, beside the same file from a bare Flask view.

Run: python -m benchmarks.snapshot_serving [--quick]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from flask import Flask, Response, send_file
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import create_app, db
from app.accounts import tokens
from app.models import Account, Membership, Project, Role, Scope, Snapshot, SnapshotState, now, row_id
from app.snapshots import reading
from app.snapshots.store import Store
from benchmarks.judging import settings_of

NAME = "data/train.parquet"
ROUNDS = 25


def ready(app: Flask, size: int) -> tuple[Path, str]:
    """A published snapshot of one file; returns the file and a token that may read it."""
    with app.app_context(), db.transaction(db.engine()) as session:
        account, project = Account(email="r@example.org", name="R"), Project(slug="bench", name="Bench")
        session.add_all([account, project])
        session.flush()
        session.add(Membership(account_id=row_id(account), project_id=row_id(project), role=Role.RESEARCHER))
        snapshot = Snapshot(
            project_id=row_id(project),
            name="bench",
            version=1,
            state=SnapshotState.READY,
            digest="0" * 64,
            ready_at=now(),
            files=[{"path": NAME, "bytes": size, "sha256": "0" * 64}],
        )
        session.add(snapshot)
        _, secret = tokens.create(session, account, "bench", by=account, scopes=(Scope.READ,), project=None)
        path = Store(app.config["SETTINGS"]).path(reading.key(snapshot, NAME))
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(os.urandom(size))
    return path, secret


def plain(path: Path) -> Flask:
    """Nothing but the file."""
    app = Flask("plain")

    @app.get("/")
    def file() -> Response:
        return send_file(path)

    return app


def seconds(app: Flask, address: str, secret: str, size: int) -> float:
    """For one answer, down to its last byte."""
    environ = EnvironBuilder(address, headers=[("Authorization", f"Bearer {secret}")]).get_environ()
    start = time.perf_counter()
    body, status, _ = run_wsgi_app(app, environ)
    taken = sum(map(len, body))
    assert (status, taken) == ("200 OK", size), status
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    size = (128 if asked.quick else asked.megabytes) * 2**20
    with tempfile.TemporaryDirectory(prefix="tiebreak-bench-") as folder:
        settings = settings_of(Path(folder))
        engine = db.make_engine(settings)
        db.upgrade(engine)
        engine.dispose()
        app = create_app(settings)
        path, secret = ready(app, size)
        bare, address = plain(path), f"/api/v1/projects/bench/snapshots/bench-v1/{NAME}"
        # Each right after the other, and in either order, because the machine has other work.
        runs: list[tuple[float, float]] = []
        for number in range(ROUNDS):
            sides = [(bare, "/"), (app, address)]
            taken = [seconds(*side, secret, size) for side in sides[:: 1 if number % 2 else -1]]
            floor, ours = taken[:: 1 if number % 2 else -1]
            runs.append((floor, ours))
    floor, ours = (median(column) for column in zip(*runs, strict=True))
    share = median(floor / ours for floor, ours in runs)
    speed = f"{size / ours / 1e6:,.0f} MB/s against {size / floor / 1e6:,.0f}"
    print(f"snapshot file of {size >> 20} MB: {speed}: {share:.0%} of plain serving (≥ 80 %), medians")


if __name__ == "__main__":
    main()
