"""A flag goes to the lead, and the answer comes back."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Complaints, Site, intercept, let_in, wrong_with
from tests.browser.seat import ASKED, PHONE, OpenPage, make_project, say_why


@pytest.mark.parametrize(
    "look", [{}, PHONE, {"java_script_enabled": False}], ids=["desk", "phone", "no script"]
)
def test_a_pair_is_flagged_to_the_lead_and_answered(
    look: dict[str, Any], site: Site, open_page: OpenPage, complaints: Complaints
) -> None:
    name = {"desk": "faye", "phone": "finn", "no script": "fred"}[
        "desk" if not look else "phone" if "viewport" in look else "no script"
    ]
    scripted = look.get("java_script_enabled", True)
    project, page = make_project(site.data, name, **ASKED), open_page(**look)
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    if scripted:
        say_why(page, "Begun before.")
    if not look:
        page.keyboard.press("Escape")
    if look:
        page.get_by_role("link", name="Flag").click()
    else:
        page.keyboard.press("f")
        keys = page.locator("#drawer kbd")
        expect(keys).to_have_text(["1", "2", "3", "4"])
        expect(keys.first).to_be_visible()
        page.set_viewport_size({"width": 375, "height": 740})
        expect(keys.first).to_be_hidden()
    if look:
        page.get_by_label("Something else").check()
        page.get_by_role("button", name="Send to the lead").click()
        expect(page.get_by_label("Message")).to_have_accessible_description(re.compile("Write a few words."))
        complaints.clear()  # the browser tells of the refusal
    page.get_by_label("It tells which model wrote it").check()
    page.get_by_label("Message").fill("It says: I am Zephyr.")
    if scripted:
        assert wrong_with(page) == []
        page.set_viewport_size(look.get("viewport", {"width": 1280, "height": 800}))
    page.get_by_role("button", name="Send to the lead").click()
    expect(page.get_by_text("Your lead has it now")).to_be_visible()
    if scripted:
        expect(page.get_by_label("Why?")).to_have_value("Begun before.")

    lead = open_page()
    let_in(lead, site, f"lead-{name}@example.org")
    lead.goto(site.address(f"{project}/flags"))
    lead.get_by_text("The pair, as it was shown").click()
    expect(lead.get_by_text("What is a goose").last).to_be_visible()
    assert wrong_with(lead) == []
    lead.locator("html").evaluate("html => html.dir = 'rtl'")
    a, b = (lead.locator("details section").nth(number).bounding_box() for number in range(2))
    assert a and b and a["x"] + a["width"] + 20 < b["x"], "A is left in every language"
    lead.locator("html").evaluate("html => html.dir = 'ltr'")
    lead.get_by_label("Answer").fill("Thank you. Skip it.")
    lead.get_by_label("Take this pair out of the queue").check()
    lead.get_by_role("button", name="Answer and close").click()
    expect(lead.get_by_text("Nothing open")).to_be_visible()

    page.reload()
    page.get_by_role("link", name="Your lead has answered a flag of yours.").click()
    expect(page.get_by_text("Thank you. Skip it.")).to_be_visible()
    if scripted:
        assert wrong_with(page) == []


def test_half_a_flag_stays_with_its_pair_until_the_server_has_it(
    site: Site, open_page: OpenPage, complaints: Complaints
) -> None:
    project, page = make_project(site.data, "flora"), open_page()
    let_in(page, site, "flora@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("f")
    page.get_by_label("Something else").check()
    page.get_by_label("Message").fill("Half a")
    page.get_by_role("button", name="Tie").click()
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()
    expect(page.locator("#drawer")).to_be_hidden()
    page.keyboard.press("f")
    expect(page.get_by_label("Message")).to_have_value("")
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Pair 1 of 6")).to_be_focused()
    page.keyboard.press("f")
    expect(page.get_by_label("Message")).to_have_value("Half a")
    expect(page.get_by_label("Something else")).to_be_checked()
    for lost in (lambda route: route.fulfill(status=502), lambda route: route.abort()):
        intercept(page, "**/judge/flag", lost)
        page.get_by_role("button", name="Send to the lead").click()
        expect(page.get_by_role("alert")).to_contain_text("What you entered is still here")
        expect(page.get_by_label("Message")).to_have_value("Half a")
        page.unroute("**/judge/flag")
    page.reload()
    page.keyboard.press("f")
    expect(page.get_by_label("Message")).to_have_value("Half a")
    page.get_by_role("button", name="Send to the lead").click()
    expect(page.get_by_text("Your lead has it now")).to_be_visible()
    expect(page.get_by_role("link", name="Flag")).to_be_focused()
    complaints.clear()  # the browser tells of the lost requests
    page.keyboard.press("f")
    expect(page.get_by_label("Message")).to_have_value("")
    page.get_by_role("button", name="Tie").click()
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()
    expect(page.get_by_text("Your lead has it now")).to_be_hidden()
