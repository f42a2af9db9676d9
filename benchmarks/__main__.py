"""Every benchmark, one after the other: python -m benchmarks [--quick]

Each runs in a process of its own, so that none is measured with another's memory or caches.
"""

import subprocess
import sys

NAMES = (
    "write_path",
    "next_pair",
    "judges",
    "import_speed",
    "export_speed",
    "snapshot_serving",
    "leaderboard",
    "ranking_speed",
    "ranking_coverage",
    "slice_marks",
    "agreement_coverage",
    "ranking_selection",
)


def main() -> None:
    """Run them all, and fail if one does."""
    failed = []
    for name in NAMES:
        print(f"\n=== {name}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], check=False)
        if done.returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
