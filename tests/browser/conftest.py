"""A real browser, a real server process, and pages that must not complain."""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Route, expect

from app import create_app, db
from app.accounts import people, session
from app.demo import loading
from app.server import STOP_SECONDS
from scripts import browser as browsers
from tests.conftest import SECRET, make_settings

ROOT = Path(__file__).parent.parent.parent
AXE = (ROOT / "tests" / "vendor" / "axe.min.js").read_text()

# As root, in a container, without a screen.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # The address bar's lists, which nobody sees, take as long with each page that is opened as the page. The
    # last of these switches counts: what Playwright switches off, and a test could notice, is named again.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,MediaRouter,"
    "PaintHolding,ThirdPartyStoragePartitioning,OptimizationHints,AimEnabled,PreconnectToSearch",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The browser found or installed by ``make test``; none may skip, but not in CI."""
    found = browsers.find()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(browsers.HINT)
        pytest.skip(browsers.HINT)
    return {"executable_path": found, "args": list(ARGUMENTS)}


@dataclass
class Site:
    """A running server and its data directory."""

    url: str
    data: Path

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return self.url + path

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run the command line against the same data."""
        program = [sys.executable, "-c", "from app.cli import main; main()", *arguments]
        done = subprocess.run(
            program,
            env=environment(self.data),
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def environment(data: Path) -> dict[str, str]:
    """The environment of a server that nothing on this machine can change."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIEBREAK_")}
    return kept | {"TIEBREAK_DATA_DIR": str(data), "TIEBREAK_SECRET_KEY": SECRET}


@contextmanager
def serving(data: Path, *command: str, port: int = 0) -> Iterator[Site]:
    """A server process on a free port, or on this one, stopped at the end."""
    if not port:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    program = [sys.executable, "-c", "from app.cli import main; main()", *command, "--port", str(port)]
    with (data / "server.log").open("w") as log:
        server = subprocess.Popen(
            program, env=environment(data), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
    site = Site(f"http://127.0.0.1:{port}", data)
    try:
        _wait(site, server)
        yield site
    finally:
        server.terminate()
        # It gives open connections their time, then the job under way.
        server.wait(timeout=4 * STOP_SECONDS)


def _wait(site: Site, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert server.poll() is None, (site.data / "server.log").read_text()[-2000:]
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{site.url}/readyz", timeout=2).close()  # noqa: S310 (our own server)
            return
        time.sleep(0.1)
    raise AssertionError("the server did not become ready: " + (site.data / "server.log").read_text()[-2000:])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Site]:
    """The demo project, served as ``make run`` serves it; nothing is made in it but snapshots."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    data = tmp_path_factory.mktemp("demo")
    shutil.copytree(_filled_once(shared / "demo-filled"), data, dirs_exist_ok=True)
    with serving(data, "demo", "--workers", "1") as site:
        yield site


def _filled_once(folder: Path) -> Path:
    """The demo's data, made by the first of the processes that share the folder while the others wait."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "demo_password"  # written last
        if not made.exists():
            folder.mkdir()
            app = create_app(make_settings(folder))
            with app.app_context():
                db.upgrade(db.engine())
                loading.load(db.engine(), app.config["SETTINGS"], tell=lambda words: None)
            app.extensions["engine"].dispose()
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with nothing in it but what tests have made for themselves, under names of their own."""
    with serving(tmp_path_factory.mktemp("site"), "serve", "--workers", "1") as site:
        yield site


class Complaints(list[str]):
    """What a page logged as errors, and scripts that failed."""

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"{page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.append(f"{message.location.get('url')}: {message.text}")


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Collects console errors of every page of a test, and fails it if there are any."""
    found = Complaints()
    yield found
    assert found == []


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[Callable[..., Page]]:
    """Opens a page of a fresh browser context; keywords go to the context."""
    contexts: list[BrowserContext] = []

    def open_new(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield open_new
    for context in contexts:
        context.close()


def sign_in(page: Page, site: Site, email: str, password: str) -> None:
    """Through the form, as a person does."""
    page.goto(site.address("/sign-in"))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(re.compile("/sign-in"))


def let_in(page: Page, site: Site, email: str) -> None:
    """Signed in as by the form, which the journeys fill in, without the time its two pages take."""
    app = create_app(make_settings(site.data))
    with app.test_request_context():
        session.begin(people.by_email(db.session(), email))
        signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        cookie = signer.dumps(dict(flask.session))
    app.extensions["engine"].dispose()
    page.context.add_cookies(
        [{"name": "tiebreak", "value": cookie, "url": site.url, "httpOnly": True, "sameSite": "Lax"}]
    )


def violations(page: Page, scheme: str = "light") -> list[str]:
    """What axe-core finds wrong with the page as it stands, in this colour scheme."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    # A model's own table may have a column without a name.
    run = f"axe.run({{exclude: ['.prose th:empty']}}, {RULES[scheme]})"
    found = page.evaluate(f"async () => (await {run}).violations")
    return [f"{item['id']}: {node['html'][:160]}" for item in found for node in item["nodes"]]


WIDER = "() => document.documentElement.scrollWidth > innerWidth"
# By night the style sheet changes colours and nothing else (test_assets.py), so that of axe's rules only
# those that look at colours could say something new. Targets of 24 px are WCAG 2.2's, which axe leaves
# out unless it is asked.
RULES = {
    "light": "{resultTypes: ['violations'], rules: {'target-size': {enabled: true}}}",
    "dark": "{resultTypes: ['violations'], runOnly: ['color-contrast', 'link-in-text-block']}",
}
# The width of a phone held by somebody who sees everything four times as large (WCAG 1.4.10).
NARROWEST = 320
LOOKS = [(1440, "light"), (375, "light"), (375, "dark"), (1440, "dark")]


def asked_before_leaving(page: Page) -> bool:
    """Whether the browser asks before a link of the header is followed; whoever is asked stays."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.locator(".brand").click()
    return asked == ["beforeunload"]


def intercept(page: Page, url: str, handler: Callable[[Route], object]) -> None:
    """``page.route`` of a loaded page, where Chromium may say so before the page is told: 3 in 100."""
    page.route("**/healthz?held", lambda route: route.fulfill(body="held"))
    page.route(url, handler)
    page.wait_for_function(
        "() => fetch('/healthz?held').then((it) => it.text()).then((text) => text === 'held')"
    )


def wrong_with(page: Page) -> list[str]:
    """What hinders somebody, on a large screen and on a phone, by day and by night."""
    page.set_viewport_size({"width": NARROWEST, "height": 600})
    found = [f"wider than {NARROWEST} px"] if page.evaluate(WIDER) else []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        # Without motion, because colours on their way from one scheme to the other have no contrast yet.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        # Where the verdict lies over nothing: what is half below it is a click away from whole.
        page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
        look = f"{width} px, {scheme}: "
        found += [look + barrier for barrier in violations(page, scheme)]
        if page.evaluate(WIDER):
            found.append(look + "wider than the screen")
    return found
