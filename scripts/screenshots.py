"""Take the pictures of the README from a demo that runs for them."""

import struct
import sys
import tempfile
import zlib
from itertools import groupby
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts import browser
from tests.browser.conftest import ARGUMENTS, Site, let_in, serving

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def main() -> None:
    """Write every picture anew."""
    found = browser.find()
    if found is None:
        sys.exit("No browser: install Chromium, or set TIEBREAK_TEST_BROWSER to one.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "demo", "--workers", "1") as site,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        take(chromium, site)
        chromium.close()


def take(chromium: Browser, site: Site) -> None:
    """What an annotator sees, by day and by night, and what a lead sees."""
    page = _page(chromium)
    let_in(page, site, "annotator@example.org")
    judging(page, site)
    keep(page, "judging")
    page.emulate_media(color_scheme="dark")
    keep(page, "judging-dark")
    page = _page(chromium)
    let_in(page, site, "lead@example.org")
    for name in ("leaderboard", "export"):
        page.goto(site.address(f"/p/demo/{name}"))
        keep(page, name)


def judging(page: Page, site: Site) -> None:
    """Go on to a pair whose responses fill the page: long enough, and with more than plain text."""
    page.goto(site.address("/p/demo/judge"))
    for _ in range(60):
        if page.locator(".veil").count() == 0 and fills(page):
            return
        before = page.locator("[name=assignment_id]").input_value()
        page.wait_for_timeout(300)  # as judging.js asks of everybody
        for key in "s5":
            page.keyboard.press(key)
        expect(page.locator(f"[name=assignment_id][value='{before}']")).to_have_count(0)
    raise SystemExit("The demo has no pair to show.")


def fills(page: Page) -> bool:
    """Whether both responses are long enough for a picture, with more than plain text."""
    formatted = page.locator(".response-body :is(pre, table, ol, ul)").count()
    return formatted >= 2 and min(map(len, page.locator(".response-body").all_inner_texts())) > 400


def _page(chromium: Browser) -> Page:
    return chromium.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="light",
        reduced_motion="reduce",
        locale="en-GB",
    ).new_page()


def keep(page: Page, name: str) -> None:
    """Write the page as it stands, packed as small as the format allows."""
    page.mouse.move(0, 0)
    path = FOLDER / f"{name}.png"
    path.write_bytes(packed(page.screenshot()))
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def packed(png: bytes) -> bytes:
    """The same picture, compressed harder than a browser in a hurry does."""
    chunks = list(_chunks(png))
    out = [SIGNATURE]
    for is_data, group in groupby(chunks, key=lambda chunk: chunk[0] == b"IDAT"):
        if is_data:
            pixels = zlib.decompress(b"".join(body for _, body in group))
            out.append(_chunk(b"IDAT", zlib.compress(pixels, 9)))
        else:
            out += [_chunk(kind, body) for kind, body in group]
    return b"".join(out)


def _chunks(png: bytes) -> "list[tuple[bytes, bytes]]":
    found, at = [], len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main()
