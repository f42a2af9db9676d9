"""Make sure the tests have a browser: find one, or get one where that can be done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN = ("chromium", "fonts-noto-core", "fonts-noto-cjk")
HINT = "No browser: install Chromium, or set TIEBREAK_TEST_BROWSER to one. The browser tests will be skipped."


def find() -> str | None:
    """A Chromium to drive: the one named, Playwright's own, or the system's."""
    named = os.environ.get("TIEBREAK_TEST_BROWSER")
    if named:
        return named
    return _playwrights_own() or next(filter(None, map(shutil.which, NAMES)), None)


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def get() -> None:
    """Try Playwright's download, then Debian's package where we may install it."""
    done = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, check=False
    )
    if done.returncode:
        install_debian(*DEBIAN)


def install_debian(*packages: str) -> None:
    """Install packages as root on Debian; elsewhere do nothing."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    subprocess.run([apt, "update", "-qq"], check=False)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = [apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)


if __name__ == "__main__":
    if find() is None:
        print("Getting a browser for the tests …")
        get()
    if find() is None:
        sys.exit(HINT if os.environ.get("CI") else print(HINT))
