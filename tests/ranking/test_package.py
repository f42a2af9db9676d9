"""The package as others import it: light, single-threaded by default, sparing with memory."""

import ast
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import ranking


def run(code, **environment):
    env = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")} | environment
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(("environment", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_blas_has_one_thread_unless_the_environment_says_otherwise(environment, threads):
    code = "import os, ranking; print(os.environ['OPENBLAS_NUM_THREADS'])"
    assert run(code, **environment) == threads


def test_it_knows_three_libraries_and_nothing_else():
    """So whoever takes the package alone knows what it needs."""
    named = set()
    for path in Path(ranking.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                named.add(node.module)
    roots = {name.partition(".")[0] for name in named}
    assert roots - sys.stdlib_module_names == {"ranking", "numpy", "scipy", "choix"}


def test_every_public_name_is_there_and_explained():
    for name in ranking.__all__:
        assert getattr(ranking, name).__doc__, name


def test_memory_follows_the_models_and_not_the_votes():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 100, 1_000_000).astype(np.int16)
    b = ((a + rng.integers(1, 100, 1_000_000)) % 100).astype(np.int16)
    outcome = rng.integers(0, 4, 1_000_000).astype(np.uint8)
    # The libraries that a first fit loads stay.
    ranking.intervals(ranking.fit(ranking.WinMatrix.from_votes(a[:9], b[:9], outcome[:9], 100)))
    tracemalloc.start()
    try:
        ranking.intervals(ranking.fit(ranking.WinMatrix.from_votes(a, b, outcome, 100)))
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
