"""A rubric that asks for much: set up by its lead, answered by its annotators."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site, asked_before_leaving, intercept, let_in, wrong_with
from tests.browser.seat import OpenPage, judgments, make_project

CHECKED = ["Yes, in what I remember", "Yes, in a book", "No"]
FULL: dict[str, Any] = {
    "points": 7,
    "criteria": [
        *(
            {"key": key, "name": key.title(), "description": f"What of {key}?"}
            for key in ("accuracy", "relevance", "safety", "bias")
        ),
        *({"key": key, "name": key.title(), "judged": "rated"} for key in ("clarity", "tone")),
    ],
    "tags": "usual",
    "spans": True,
    "confidence": "required",
    "questions": [
        {"key": "checked", "text": "Did you look it up?", "answered": "one", "options": CHECKED},
        {"key": "helped", "text": "What helped?", "answered": "several", "options": ["Form", "Facts"]},
    ],
    "rationale": "required",
    "better_answer": "optional",
}


def test_a_rubric_that_requires_much_can_be_saved_and_edited(site: Site, open_page: OpenPage) -> None:
    """Its preview shows fields that must be filled in, but not by the lead."""
    project, page = make_project(site.data, "rhea"), open_page(viewport={"width": 1440, "height": 900})
    let_in(page, site, "lead-rhea@example.org")
    page.goto(site.address(f"{project}/rubric"))
    heading, footer = (page.locator(part).bounding_box() or {} for part in ("h1", ".site-footer span"))
    assert footer["x"] == heading["x"], "they stand in one line"
    page.set_viewport_size({"width": 1024, "height": 900})
    assert (page.locator(".site-header").bounding_box() or {})["height"] < 60, "as do all rooms of a project"
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("group", name="Why?").get_by_label("Always").check(force=True)
    expect(page.locator("#sample-rationale")).to_be_visible()
    page.get_by_role("button", name="Save the rubric").click()
    expect(page.get_by_text("Saved. It is asked from the next pair on.")).to_be_visible()
    expect(page.locator("#sample-rationale")).to_be_visible()
    question = page.get_by_label("Question of a new criterion")
    question.fill("Which one is more correct, and more honest about what it does not know?")
    assert question.evaluate("it => it.scrollWidth <= it.clientWidth && it.scrollHeight <= it.clientHeight")
    question.fill("")
    page.get_by_role("group", name="How sure they are").get_by_label("Always").check(force=True)
    page.get_by_role("button", name="Save the rubric").click()
    expect(page.get_by_role("group", name="How sure they are").get_by_label("Always")).to_be_checked()
    expect(page.get_by_text("Saved. It is asked from the next pair on.")).to_be_visible()
    # What was typed is previewed while the usual tags are on their way, and the preview comes after them.
    save, under_way = page.get_by_role("button", name="Save the rubric"), list[Route]()
    intercept(page, "**/rubric/preview", lambda route: under_way.append(route))
    page.get_by_label("Name of a new criterion").fill("Honesty")
    page.get_by_role("button", name="Add the usual ones").last.click()
    page.wait_for_timeout(400)
    expect(save).to_be_disabled()
    for route in under_way:
        route.continue_()
        page.wait_for_timeout(100)
    assert len(under_way) == 2
    expect(page.get_by_label("Name of Made-up source or fact")).to_be_visible()
    assert asked_before_leaving(page)
    page.get_by_label("Name of Honesty").press("Enter")
    expect(page.get_by_text("Saved. It is asked from the next pair on.")).to_be_visible()
    expect(page.get_by_label("Name of Made-up source or fact")).to_be_visible()


# How much of the screen's height is text, and how much the page is too high for the screen.
HEIGHTS = """() => {
  const height = (name) => document.querySelector(name).getBoundingClientRect().height;
  const text = height(".turns") + height(".response-body");
  const { scrollHeight, scrollWidth } = document.documentElement;
  return { text: text / innerHeight, beyond: scrollHeight - innerHeight, across: scrollWidth - innerWidth };
}"""


# How much is seen of a response that could fill half of the screen's height, and how much the verdict takes.
ENLARGED = """() => {
  const box = (name) => document.querySelector(name).getBoundingClientRect();
  const response = document.querySelector(".response-body");
  response.scrollIntoView({ block: "start" });
  const [body, verdict] = [box(".response-body"), box(".verdict")];
  const text = Math.min(body.bottom, verdict.top) - Math.max(0, body.top);
  const across = document.documentElement.scrollWidth - innerWidth;
  const wanted = Math.min(response.scrollHeight, innerHeight / 2);
  return { text: text / wanted, verdict: verdict.height / innerHeight, across };
}"""

# Where labels begin, and how far from its label's beginning each answer beside it does; whether the heading
# is above them all.
ROWS = """() => {
  const box = (part) => part.getBoundingClientRect();
  const begin = (part) => Math.round(document.dir === "rtl" ? innerWidth - box(part).right : box(part).left);
  const asked = [...document.querySelectorAll(".ask")].filter((one) => !one.querySelector(".ask"));
  const parts = ["legend, label", ".segments, .chips, textarea"];
  const rows = asked.map((one) => parts.map((part) => one.querySelector(part)));
  const beside = rows.filter(([label, answer]) => box(answer).top < box(label).bottom);
  const { bottom } = box(document.querySelector("[data-asks] > p"));
  return {
    labels: [...new Set(rows.map(([label]) => begin(label)))],
    answers: [...new Set(beside.map(([label, answer]) => begin(answer) - begin(label)))],
    headed: rows.every(([label]) => box(label).top >= bottom),
  };
}"""


def sit_at(page: Page, site: Site, name: str, **rubric: Any) -> str:
    """Sign in and open a pair of a project that asks this; returns its address."""
    project = make_project(site.data, name, **rubric)
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    return project


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_full_rubric_leaves_the_height_to_the_texts(language: str, site: Site, open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sit_at(page, site, f"hedda-{language}", **FULL)
    page.context.add_cookies([{"name": "language", "value": language, "url": site.url}])
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", language)
    for width, height in ((1440, 900), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        found = page.evaluate(HEIGHTS)
        assert found["text"] >= 0.55, (width, found)
        assert (found["beyond"], found["across"]) == (0, 0)
    asked, why = page.locator("[id='criteria/relevance']"), page.get_by_text("What of relevance?")
    expect(asked).to_have_accessible_description("What of relevance?")
    asked.locator("summary").press("Enter")
    expect(why).to_be_visible()
    parts = (
        asked.locator(".segments"),
        why,
        page.locator("[id='criteria/safety']"),
        page.locator("[data-asks]"),
    )
    answers, text, below, panel = (one.bounding_box() or {} for one in parts)
    assert text["y"] >= answers["y"] + answers["height"], "it stands below its question"
    assert text["y"] + text["height"] <= below["y"], "and covers no other"
    assert panel["x"] <= text["x"], "and no response"
    assert text["x"] + text["width"] <= panel["x"] + panel["width"]
    assert page.evaluate(HEIGHTS) == found, "the texts keep their height"
    asked.locator("summary").press("Enter")
    expect(why).to_be_hidden()
    options = page.locator("[id='answers/checked'] .segments label").all()
    places = [option.bounding_box() or {} for option in options]
    assert len({(place["x"], place["width"]) for place in places}) == 1, "long ones stand below each other"
    better = page.locator("#better_answer")
    better.fill("A long answer. " * 200)
    assert page.evaluate("document.querySelector('#better_answer').offsetHeight / innerHeight") > 0.5
    assert page.evaluate(HEIGHTS) == found, "the pair stays as it is"
    better.fill("")
    for width, columns in ((1024, 3), (768, 2), (375, 1)):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate(HEIGHTS)["across"] <= 0
        found = page.evaluate(ROWS)
        assert (len(found["labels"]), len(found["answers"])) == (columns, 1), (width, found)
        assert found["headed"], width
        header = page.locator(".site-header").bounding_box() or {}
        assert header["height"] < 60, "the header has one line"
        expect(page.locator("#verdict-b-3")).to_be_in_viewport(ratio=1)
    # A screen of 1440 or 1280 px at twice its size or at four times, and a phone on its side.
    for width, height, most in ((720, 450, 0.4), (640, 450, 0.4), (667, 375, 1), (320, 256, 1)):
        page.set_viewport_size({"width": width, "height": height})
        found = page.evaluate(ENLARGED)
        assert found["text"] >= 0.99, (width, found)
        assert found["verdict"] <= most, (width, found)
        assert found["across"] <= 0
    assert wrong_with(page) == []


def test_a_whole_rubric_is_answered_without_a_mouse(site: Site, open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    project = sit_at(page, site, "kim", **FULL, rationale_min=10)
    page.wait_for_timeout(300)
    page.keyboard.press("6")
    sure = page.locator("[name=confidence]").first
    expect(sure).to_be_focused()
    expect(sure).to_have_accessible_description("Answer this, then choose your verdict again.")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("No")
    page.keyboard.press("Escape")
    page.keyboard.press("6")
    missing = page.get_by_text("Say a little more: at least 10 characters.")
    expect(missing).to_be_visible()
    page.locator("#rationale").fill("")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.keyboard.press("2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    # Four compared, two rated on each side, how sure, one of two.
    for key in ("c", *"1323", *"5443", "2", "1"):
        page.keyboard.press(key)
    page.keyboard.press("2")
    page.keyboard.press("9")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(missing).to_be_visible()
    page.keyboard.type("Because 1 is 1.")
    expect(missing).to_be_hidden()
    page.keyboard.press("Escape")
    assert judgments(site.data, project) == [], "no digit was a verdict"
    page.keyboard.press("6")
    expect(page.locator("#today")).to_contain_text("1 today")
    [said] = judgments(site.data, project)
    assert (said.outcome, said.strength, said.confidence) == ("a" if said.swapped else "b", 2, 2)
    sides = ("b", "a") if said.swapped else ("a", "b")
    given = ("a", "b", "tie", "b")
    turned = {"a": sides[0], "b": sides[1], "tie": "tie"}
    compared = [(said.criteria or {})[key] for key in ("accuracy", "relevance", "safety", "bias")]
    assert compared == [turned[one] for one in given]
    ratings = {key: [each[side] for side in sides] for key, each in (said.ratings or {}).items()}
    assert ratings == {"clarity": [5, 4], "tone": [4, 3]}
    assert said.answers == {"checked": CHECKED[0], "helped": ["Facts"]}
    assert (said.tags or {}) == {sides[0]: ["made_up", "instruction_missed"]}
    assert said.rationale == "Because 1 is 1."


def test_arrows_are_verdicts_again_after_a_choice_with_the_mouse(site: Site, open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    project = sit_at(page, site, "mo", criteria="usual")
    page.wait_for_timeout(300)
    page.locator(".ask label").first.click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#today")).to_contain_text("1 today")
    [said] = judgments(site.data, project)
    assert (said.criteria or {})["accuracy"] != said.outcome


def test_unfolded_tags_stay_so_on_the_next_pair(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    sit_at(page, site, "ulf", tags="usual")
    tag = page.get_by_label("Wordy").first
    expect(tag).to_be_hidden()
    page.get_by_text("What is wrong?").first.click()
    expect(tag).to_be_visible()
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#today")).to_contain_text("1 today")
    expect(tag).to_be_visible()
    page.get_by_text("What is wrong?").first.click()
    page.reload()
    expect(tag).to_be_hidden()
