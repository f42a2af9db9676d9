"""A snapshot as a researcher comes by it: filters, preview, a name, progress, its files, what changed."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Complaints, Site, intercept, let_in, wrong_with

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
    intercept(page, "**/export?*", lambda route: under_way.append(route))
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
    expect(page.get_by_role("button", name="Copy Fetch and load it")).to_have_count(4)
    expect(page.get_by_role("button", name="Copy Cite it")).to_have_count(2)
    expect(stat(page, "Preferences")).to_have_text(filtered)
    assert wrong_with(page) == []

    page.locator("summary", has_text=re.compile(r"^\d+ files$")).click()
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

    page.goto(demo.address(f"/p/demo/snapshots/{label}"))
    page.locator("summary", has_text=re.compile("^Withdraw$")).click()
    page.get_by_label("Reason").fill("Half of it is missing.")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Half of it is missing.")).to_be_visible()
    page.locator("summary", has_text=re.compile("^Note$")).click()
    page.get_by_label("Note").click()
    page.keyboard.type("Use the next one.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("paragraph").filter(has_text="Use the next one.")).to_be_visible()


def test_the_panel_tells_of_the_fields_as_they_are(
    demo: Site, open_page: OpenPage, complaints: Complaints
) -> None:
    page = open_page()
    let_in(page, demo, "researcher@example.org")
    page.goto(demo.address("/p/demo/export"))
    panel, agreement = page.locator("#preview"), page.get_by_label("Least agreement")
    page.locator("summary", has_text="This selection as a command").click()
    command = page.locator("#typed-tiebreak")
    expect(command).to_have_text("tiebreak export demo --format trl -o demo-trl.jsonl")
    agreement.fill("7")
    expect(agreement).to_have_attribute("aria-invalid", "true")
    expect(command).to_have_count(0)
    expect(agreement).to_have_accessible_description(re.compile("Give 1.0 or less"))
    expect(page.locator(".field", has=agreement).locator(".error")).to_have_count(1)
    download, freezing = (page.get_by_role("button", name=name) for name in ("Download", "Freeze"))
    expect(download).to_be_disabled()
    expect(freezing).to_be_disabled()
    agreement.fill("0.5")
    expect(download).to_be_enabled()
    expect(agreement).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field .error")).to_have_count(0)
    for name in ("code", "safety"):
        page.get_by_role("checkbox", name=name, exact=True).check()
    expect(page).to_have_url(re.compile("category=code%2Csafety&"))
    expect(stat(page, "Rows")).to_be_visible()
    expect(command).to_contain_text("--category code --category safety --min-agreement 0.5")
    expect(command).to_have_css("white-space", "pre")  # an option is never broken in two
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the code scrolls"
    chip = page.get_by_role("checkbox", name="help")
    intercept(page, "**/export?*", lambda route: route.abort())
    chip.check()
    expect(panel).to_contain_text("The server did not tell what these choices leave.")
    for told in ("#rows-left", "#typed"):
        expect(page.locator(told)).to_have_text("No preview")
    page.unroute("**/export?*")
    # More than any address: a chip that stands for a thousand.
    chip.evaluate("(chip) => { chip.value = 'x'.repeat(9000) }")
    agreement.fill("0.6")
    expect(panel).to_contain_text("More is marked than an address can hold")
    page.get_by_role("button", name="Download").click()
    expect(panel).to_be_in_viewport()
    chip.uncheck()
    expect(stat(page, "Rows")).to_be_visible()
    complaints.clear()  # the browser and htmx tell of what failed


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
