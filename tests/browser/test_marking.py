"""Marking the faulty place in a response: by mouse, finger and keyboard."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app.models import Role
from tests.browser.conftest import Site, let_in, wrong_with
from tests.browser.seat import ASKED, PHONE, OpenPage, choose_words, fill, judgments, make_project, marked

COVERED = """(side) => {
  const box = (name) => document.querySelector(name).getBoundingClientRect();
  const [words, over] = [box(`#text-${side} .prose`), box("#marker")];
  const across = words.right > over.left && words.left < over.right;
  return across && words.bottom > over.top && words.top < over.bottom;
}"""
SEEN = """() => {
  const words = getSelection().getRangeAt(0).getBoundingClientRect();
  return words.top >= 0 && words.bottom <= document.querySelector("#marker").getBoundingClientRect().top;
}"""
# From where A's last paragraph or emphasis that ends with the first words has them, to where its last one
# that begins with the other words has these.
CHOOSE = """([first, last]) => {
  const parts = [...document.querySelectorAll("#text-a :is(p, strong)")].map((part) => part.firstChild);
  const from = parts.findLast((part) => part.data.endsWith(first));
  const to = parts.findLast((part) => part.data.startsWith(last));
  getSelection().setBaseAndExtent(from, from.data.length - first.length, to, last.length);
}"""
# What is painted, as far as it stands in the part where it begins, and what part that is.
PAINTED = """() => [...CSS.highlights.get("marked")].map((range) => {
  const { startContainer: text, startOffset, endContainer, endOffset } = range;
  const words = text.data.slice(startOffset, text === endContainer ? endOffset : undefined);
  return `${text.parentElement.localName}: ${words}`;
})"""


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_a_faulty_place_is_marked_kept_and_shown_again(
    look: dict[str, Any], site: Site, open_page: OpenPage
) -> None:
    name = "mara" if look else "mark"
    project, page = make_project(site.data, name, **ASKED), open_page(**look)
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    side = choose_words(page, "water bird")
    button = page.get_by_role("button", name="Mark this place")
    if look:
        button.tap()
        assert page.evaluate(SEEN), "the words marked stay above what is said of them"
    else:
        page.keyboard.press("m")
    marker = page.get_by_role("dialog", name="What is wrong here?")
    expect(marker).to_contain_text("water bird")
    marker.get_by_role("radio", name="Factual error").check(force=True)
    marker.get_by_label("Note").fill("It is a bird, yes.")
    marker.get_by_label("Note").press("Enter")
    expect(marker).to_be_hidden()
    assert marked(page) == ["water bird"]
    listed = page.locator(f"[data-marked={side}] li")
    expect(listed).to_contain_text("“water bird” Factual error It is a bird, yes.")

    # By the keyboard alone: the words are typed instead of chosen.
    page.keyboard.press("n" if side == "a" else "m")
    assert not page.evaluate(COVERED, "b" if side == "a" else "a"), "the words asked for can be read"
    marker.get_by_label("Which words?").fill("they HONK")
    marker.get_by_role("button", name="Mark", exact=True).click()
    assert marked(page) == ["water bird", "They honk"]
    assert page.evaluate("document.body.style.length") == 0, "the room it needed is given back"
    assert wrong_with(page) == []
    page.set_viewport_size(look.get("viewport", {"width": 1280, "height": 800}))
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Both bad").click()
    expect(page.locator("#today")).to_contain_text("1")
    assert marked(page) == []
    spans = judgments(site.data, project)[-1].spans or []
    assert sorted((span["quote"], span["tag"]) for span in spans) == [
        ("They honk", None),
        ("water bird", "factual_error"),
    ]

    page.goto(site.address(f"{project}/history"))
    expect(page.locator("tbody q").first).to_be_visible()
    page.get_by_role("link", name="Change").click()
    expect(page.locator("[data-marked] li")).to_have_count(2)
    assert sorted(marked(page)) == ["They honk", "water bird"]
    page.get_by_role("button", name="Remove this mark").last.click()
    expect(page.locator("[data-marked] li")).to_have_count(1)
    page.get_by_role("button", name="Both bad").click()
    expect(page.get_by_text("Your judgment was changed.")).to_be_visible()
    [span] = judgments(site.data, project)[-1].spans or []
    assert span in spans


def test_a_place_in_a_conversation_hangs_on_no_language(site: Site, open_page: OpenPage) -> None:
    """Who speaks, and how a folded turn begins, is the page's; it is written otherwise for each reader."""
    said = [
        {"role": "assistant", "content": "Let me look."},
        {"role": "tool", "content": "moult"},
        {"role": "assistant", "content": "They honk: **honk honk** honk."},
        {"role": "user", "content": "So loud?"},
    ]
    rows = [
        {"prompt": "Geese?", "model": model, "response": [*said, {"role": "assistant", "content": last}]}
        for model, last in (("zephyr-one", "Very loud."), ("quartz-two", "Very, very loud."))
    ]
    project = fill(site.data, "en-dos", {"dos": Role.ANNOTATOR}, rows, rubric=ASKED)
    page = open_page(locale="es-ES")
    let_in(page, site, "dos@example.org")
    page.goto(site.address(f"{project}/judge"))
    for words in (("moult", "moult"), ("honk honk", "honk honk"), ("loud?", "Very")):
        page.evaluate(CHOOSE, words)
        page.keyboard.press("m")
        page.get_by_role("dialog").get_by_role("button", name="Marcar", exact=True).click()
    page.get_by_role("button", name="Ambas malas").click()
    expect(page.locator("#today")).to_contain_text("1 hoy")
    [judgment] = judgments(site.data, project)
    source = "\n\n".join([*(turn["content"] for turn in said), "Very"])
    assert [source[span["start"] - 2 : span["end"] + 2] for span in judgment.spans or []] == [
        "\n\nmoult\n\n",
        "**honk honk**",
        "o loud?\n\nVery",
    ]

    page.goto(site.address(f"{project}/history/{judgment.submission_id}"))
    expect(page.locator("[data-marked] li")).to_have_count(3)
    assert page.evaluate(PAINTED) == ["p: moult", "strong: honk honk", "p: loud?"]
    expect(page.locator("[data-marked] li").last).to_contain_text("“loud? Very”")
    page.get_by_role("button", name="“moult”").click()
    expect(page.locator("#text-a p", has_text="moult")).to_be_visible()
