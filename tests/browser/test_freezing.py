"""A snapshot as a researcher comes by it: filters, preview, a name, progress, its files, what changed."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Complaints, Site, let_in, wrong_with

OpenPage = Callable[..., Page]


def stat(page: Page, name: str) -> Locator:
    """A figure, by what stands over it."""
    title = page.locator("dt", has_text=re.compile(f"^{name}$"))
    return page.locator(".stat", has=title).locator("dd").first


def freeze(page: Page, name: str) -> str:
    """From the export page to the snapshot, whose label is returned."""
    page.get_by_role("button", name="Freeze as a snapshot").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the snapshot").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    page.get_by_role("link", name=re.compile("^Open ")).click()
    expect(page.get_by_role("heading", name="Card", exact=True)).to_be_visible()
    return page.url.rpartition("/")[2]


def test_a_snapshot_from_filters_to_what_changed(demo: Site, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(accept_downloads=True)
    let_in(page, demo, "researcher@example.org")
    page.goto(demo.address("/p/demo/snapshots"))
    page.get_by_role("link", name="Choose filters").click()
    everything = stat(page, "Rows").inner_text()
    categories, under_way = page.get_by_role("group", name="Category"), list[Route]()
    page.route("**/export?*", lambda route: under_way.append(route))
    other = categories.get_by_role("checkbox", name="safety")
    with page.expect_request("**/export?*"):
        other.check()
    # While this preview is under way another is asked for: it comes after it, and none is broken off.
    other.uncheck()
    categories.get_by_role("checkbox", name="code", exact=True).check()
    page.wait_for_timeout(400)
    page.route("**/export?*", lambda route: route.continue_())
    for route in under_way:
        route.continue_()
    expect(page).to_have_url(re.compile("category=code"))
    expect(stat(page, "Rows")).not_to_have_text(everything)
    filtered = stat(page, "Rows").inner_text()
    label = freeze(page, "of-code")
    assert label == "of-code-v1"
    expect(page.get_by_role("button", name="Copy Fetch and load it")).to_have_count(2)
    expect(stat(page, "Preferences")).to_have_text(filtered)
    assert wrong_with(page) == []

    row = page.get_by_role("row", name="data/train.parquet")
    with page.expect_download() as downloading:
        row.get_by_role("link").click()
    file = tmp_path / "train.parquet"
    downloading.value.save_as(file)
    assert downloading.value.suggested_filename == "of-code-v1-data-train.parquet"
    row.locator("summary").click()
    expect(row.locator("details > code")).to_have_text(hashlib.sha256(file.read_bytes()).hexdigest())

    page.goto(demo.address("/p/demo/export"))
    freeze(page, "everything")
    page.get_by_label("Since").select_option(label)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    expect(stat(page, "The same")).to_have_text(filtered)
    added = int(everything.replace(",", "")) - int(filtered.replace(",", ""))
    expect(stat(page, "Pairs added")).to_have_text(f"{added:,}")
    assert wrong_with(page) == []


def test_a_name_that_does_not_fit_is_told_beside_it(
    demo: Site, open_page: OpenPage, complaints: Complaints
) -> None:
    page = open_page()
    let_in(page, demo, "researcher@example.org")
    page.goto(demo.address("/p/demo/snapshots/new?category=code"))
    page.get_by_label("Name").fill("Wrong name")
    page.get_by_role("button", name="Make the snapshot").click()
    expect(page.locator("#name-error")).to_contain_text("small letters, digits and hyphens")
    expect(page.get_by_text("Category: code")).to_be_visible()
    assert wrong_with(page) == []
    assert len(complaints) == 1, "the status of the refusal"
    complaints.clear()
