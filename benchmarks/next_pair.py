"""How soon the next pair is on the screen while others judge: python -m benchmarks.next_pair [--quick]

One browser judges by the arrow keys, beside seven people who judge over HTTP at the pace of a quick
reader. What is measured is what the person in front of the screen waits: from the key going down to
the frame in which the next pair is painted.
"""

import argparse
import random
import threading
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.judging import Client, app_of, filled
from benchmarks.write_path import HttpClient, row, server
from scripts import browser
from tests.browser.conftest import ARGUMENTS

OTHERS = 7
# Seconds between two verdicts of one of the others; real people take ten times as long.
PACE = 1.0
KEYS = ("ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp")

# One swap for each key; two frames after it the next pair has been painted.
WATCH = """() => {
  window.waited = [];
  let pressed = 0;
  addEventListener("keydown", ({ timeStamp }) => { pressed = timeStamp; }, { capture: true });
  document.addEventListener("htmx:afterSwap", () => {
    if (!pressed) return;
    const from = pressed;
    pressed = 0;
    requestAnimationFrame(() => requestAnimationFrame(() => window.waited.push(performance.now() - from)));
  });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer verdicts and a short queue")
    quick = parser.parse_args().quick
    queued, verdicts = (5_000, 40) if quick else (100_000, 200)
    table = Table("What", "Measured", "Target", "")
    with filled(queued) as data:
        waits = sorted(measured(data, verdicts))
    middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.95)]
    what = f"From key to next pair on screen, {queued:,} queued, {OTHERS + 1} people"
    row(table, f"{what}: 95th percentile", f"{late:.0f} ms", "≤ 100 ms", late <= 100)
    table.add_row("… median", f"{middle:.0f} ms", "", "")
    Console().print(table)


def measured(data: Path, verdicts: int) -> list[float]:
    """Milliseconds that one person waited for each next pair."""
    app = app_of(data)
    cookies = [Client(app, number).cookie for number in range(OTHERS + 1)]
    app.extensions["engine"].dispose()
    over = threading.Event()
    with server("app:create_app", data) as port:
        others = [threading.Thread(target=judge_on, args=(port, cookie, over)) for cookie in cookies[1:]]
        for other in others:
            other.start()
        try:
            return waits_of(port, cookies[0], verdicts)
        finally:
            over.set()
            for other in others:
                other.join()


def judge_on(port: int, cookie: str, over: threading.Event) -> None:
    """One of the others, at a pace of their own."""
    with HttpClient(port, cookie) as client:
        client.open()
        while not over.wait(random.uniform(0.5, 1.5) * PACE):
            client.judge()


def waits_of(port: int, cookie: str, verdicts: int) -> list[float]:
    """What the browser saw."""
    found = browser.find()
    if found is None:
        raise SystemExit(browser.HINT)
    name, _, value = cookie.partition("=")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/p/bench/judge")
        page.evaluate(WATCH)
        for number in range(verdicts):
            judge_one(page, KEYS[number % len(KEYS)], number + 1)
        waits: list[float] = page.evaluate("() => window.waited")
        chromium.close()
    return waits


def judge_one(page: Page, key: str, count: int) -> None:
    """One key, after the pause that the page asks of everybody."""
    time.sleep(0.3)
    page.keyboard.press(key)
    page.wait_for_function("(count) => window.waited.length === count", arg=count, timeout=10_000)


if __name__ == "__main__":
    main()
