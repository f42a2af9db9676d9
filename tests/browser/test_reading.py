"""Reading two responses: as they were meant, equal in everything but their words, and lightly."""

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from app.models import Role
from tests.browser.conftest import Site, let_in, wrong_with
from tests.browser.seat import fill
from tests.browser.test_journey import Desk

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MODELS = ("zephyr-one", "quartz-two")
PICTURE = "https://pictures.example/heron.png"
CODE = "def wade(bird):\n    return bird.name\n"
PLAIN = "Herons stand **still** for a long time, then strike.\n\n- one\n- two\n\n" * 6
RICH = (
    f"```python\n{CODE}```\n\n$$\\int_0^1 x^2\\,dx = \\frac{{1}}{{3}}$$\n\n| a | b |\n|-|-:|\n| 1 | 2 |\n\n"
)
PROMPT = [
    {"role": "system", "content": "You know everything about birds."},
    {"role": "user", "content": "Which bird is grey?"},
    {"role": "assistant", "content": "A heron."},
    {"role": "user", "content": "How does it hunt?"},
]
WIDTHS = (1440, 800, 375)

OpenPage = Callable[..., Page]
MakeProject = Callable[..., str]


@pytest.fixture
def make(site: Site) -> MakeProject:
    """Makes a project of one annotator, in which two models answer each prompt with these texts."""

    def make_project(name: str, *answers: tuple[str, str]) -> str:
        rows = (
            {"messages": PROMPT, "prompt_id": str(n), "responses": dict(zip(MODELS, pair, strict=True))}
            for n, pair in enumerate(answers)
        )
        return site.address(fill(site.data, f"of-{name}", {name: Role.ANNOTATOR}, rows) + "/judge")

    return make_project


def test_an_image_is_asked_for_only_when_a_person_asks(
    make: MakeProject, site: Site, open_page: OpenPage
) -> None:
    said = f"Look:\n\n![a heron]({PICTURE})"
    address, page = make("iris", (said, f"{said} It is grey.")), open_page()
    asked: list[dict[str, str]] = []

    def picture(route: Route) -> None:
        asked.append(route.request.headers)
        route.fulfill(body=PIXEL, content_type="image/png")

    page.route("https://pictures.example/**", picture)
    let_in(page, site, "iris@example.org")
    page.goto(address)
    expect(page.locator("a.media").first).to_have_text("a heron · pictures.example")
    assert wrong_with(page) == []
    assert asked == []
    page.get_by_role("link", name="Show image a heron").first.click()
    shown = page.frame_locator("iframe").locator("img")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    assert len(asked) == 1
    assert "referer" not in asked[0]
    assert wrong_with(page) == []
    page.get_by_role("link", name="Show image a heron").first.click()
    expect(page.locator("iframe")).to_have_count(0)


def test_an_image_has_a_page_of_its_own_without_javascript(
    make: MakeProject, site: Site, open_page: OpenPage
) -> None:
    address, page = make("inga", (f"![]({PICTURE})", "None.")), open_page(java_script_enabled=False)
    page.context.route(
        "https://pictures.example/**", lambda route: route.fulfill(body=PIXEL, content_type="image/png")
    )
    let_in(page, site, "inga@example.org")
    page.goto(address)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Show image").click()
    expect(opened.value.locator("img")).to_have_attribute("src", PICTURE)


ENDS = """({ children: [code, button] }) => ({
  code: code.getBoundingClientRect().right,
  button: button.getBoundingClientRect().left,
})"""


def test_code_is_copied_as_it_was_written(make: MakeProject, site: Site, open_page: OpenPage) -> None:
    address = make("cleo", *((RICH, f"{RICH} Number {n}.") for n in range(2)))
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    let_in(page, site, "cleo@example.org")
    page.goto(address)
    for left in (1, 0):
        expect(page.get_by_role("button", name="Copy")).to_have_count(2)
        page.evaluate("() => navigator.clipboard.writeText('')")
        page.wait_for_timeout(300)  # as judging.js asks of everybody
        ends = page.locator(".highlight").first.evaluate(ENDS)
        assert ends["code"] <= ends["button"], "no code lies under it"
        page.get_by_role("button", name="Copy").first.click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("() => navigator.clipboard.readText()") == CODE
        if left:
            Desk(page).key("1")


# A response with every letter and number of its side left out, and where its parts stand.
ALIKE = """() => [...document.querySelectorAll(".response")].map((response) => {
  const skeleton = response.cloneNode(true);
  for (const element of [skeleton, ...skeleton.querySelectorAll("*")])
    for (const { name, value } of element.attributes)
      element.setAttribute(name, value.replace(/\\b(response|text|side)-[ab]\\b/g, "$1"));
  const texts = skeleton.outerHTML.replace(/>[AB]</g, "><").replace(/Response [AB]|[12]<.p>/g, "");
  const frame = response.getBoundingClientRect();
  const boxes = [...response.querySelectorAll("header, h2, .response-body, .prose")].map((part) => {
    const { left, top, width, height } = part.getBoundingClientRect();
    return [left - frame.left, top - frame.top, width, part.matches(".prose") ? 0 : height].map(Math.round);
  });
  return { texts, boxes, width: Math.round(frame.width), height: Math.round(frame.height) };
})"""


def test_both_look_alike_whatever_wrote_them(make: MakeProject, site: Site, open_page: OpenPage) -> None:
    address = make("alma", (f"{RICH} 1", f"{RICH} 2"), ("No.", RICH * 9), (PLAIN, "No."))
    page = open_page()
    let_in(page, site, "alma@example.org")
    page.goto(address)
    seen = set()
    for left in (2, 1, 0):
        for width in WIDTHS:
            # A tall screen: no text may end before its frame does.
            page.set_viewport_size({"width": width, "height": 1300})
            first, second = page.evaluate(ALIKE)
            assert {**first, "texts": ""} == {**second, "texts": ""}, width
            seen.add((first["texts"] == second["texts"], width))
            *_, (_, top, _, height) = (box for box in first["boxes"] if box[3])
            assert abs(top + height - first["height"]) <= 2, width
        if left:
            Desk(page).click("Both bad")
    under, other = page.locator("#verdict-both_bad"), page.locator("#verdict-tie")
    assert under.evaluate("(button) => button.matches(':hover')")
    fill = other.evaluate("(button) => getComputedStyle(button).backgroundColor")
    expect(under).to_have_css("background-color", fill)  # nothing looks chosen on a pair that has just come
    assert {width for same, width in seen if same} == set(WIDTHS), "the same words are the same HTML"


SHIFTS = """window.shifts = [];
const told = ({ node }) => node?.outerHTML?.slice(0, 100) ?? node?.textContent;
const kept = (list) => window.shifts.push(...list.getEntries().map((shift) => shift.sources.map(told)));
new PerformanceObserver(kept).observe({ type: "layout-shift", buffered: true });"""
BOXES = """() => ["header", ".prompt", ".response-a", ".response-b", ".verdict-bar"].map((name) => {
  const { x, y, width, height } = document.querySelector(name).getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""


def test_the_next_pair_moves_nothing_and_a_panel_covers_nothing(
    make: MakeProject, site: Site, open_page: OpenPage
) -> None:
    address = make("nils", *((RICH, RICH * (n + 2)) for n in range(6)))
    page = open_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(SHIFTS)
    let_in(page, site, "nils@example.org")
    page.goto(address)
    # The first formula of all brings its font; from then on it is there.
    page.evaluate("() => document.fonts.ready.then(() => { window.shifts = []; })")
    places = page.evaluate(BOXES)
    for _ in range(5):
        Desk(page).key("ArrowRight")
        assert page.evaluate(BOXES) == places
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.shifts") == []
    page.keyboard.press("g")
    panel = page.locator("#drawer")
    expect(panel).to_be_visible()
    beside = page.evaluate(BOXES)
    assert (beside[0], beside[-1]) == (places[0], places[-1]), "the header and the verdict stay"
    assert [(y, high) for _, y, _, high in beside] == [(y, high) for _, y, _, high in places]
    left, _, width, _ = beside[3]
    assert left + width <= panel.evaluate("(one) => one.getBoundingClientRect().left"), "nothing is covered"
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate(BOXES)[2][2] > 400, "where both would be too narrow to read, it lies over them"


def test_what_goes_on_beyond_its_box_shows_it_until_the_end(
    make: MakeProject, site: Site, open_page: OpenPage
) -> None:
    row = "|" + " a long word |" * 12
    said = f"{row}\n|{'-|' * 12}\n{row}\n\n```\n{'beyond the box ' * 20}\n```\n\n$${'x+' * 40}y$$\n\n"
    said += RICH + PLAIN * 3
    page = open_page(viewport={"width": 375, "height": 700})
    address = make("vita", (said, f"{said} So."))
    let_in(page, site, "vita@example.org")
    page.goto(address)
    expect(page.get_by_text("How does it hunt?")).to_be_in_viewport(ratio=1)
    expect(page.locator(".turns")).to_have_css("box-shadow", re.compile(" 16px"))  # there is more above
    for name in (".wide", "pre", "math", ".response-body"):
        box = page.locator(name).first
        expect(box).to_have_css("box-shadow", re.compile("-16px"))
        box.evaluate("(box) => box.scrollTo(box.scrollWidth, box.scrollHeight)")
        expect(box).not_to_have_css("box-shadow", re.compile("-16px"))
    expect(page.locator("math:has(msubsup)").first).to_have_css("box-shadow", "none")
    for cell in ("th", "td"):
        expect(page.locator(f"{cell}:text-is('b'), {cell}:text-is('2')").first).to_have_css(
            "text-align", re.compile("right")
        )
    wheel_over_the_second(page)
    page.context.add_cookies([{"name": "language", "value": "es", "url": site.url}])
    page.reload()
    acts = [page.get_by_role("button", name="Deshacer"), page.get_by_role("link", name="Avisar")]
    assert len({act.evaluate("(act) => act.offsetTop") for act in acts}) == 1, "words may be longer"
    page.set_viewport_size({"width": 1440, "height": 700})
    with page.expect_response("**/view"):
        page.keyboard.press("e")
    wheel_over_the_second(page)


def wheel_over_the_second(page: Page) -> None:
    """Where a response has nowhere to scroll, the page does."""
    page.evaluate("() => scrollTo(0, 0)")
    box = page.locator(".response-body").last
    box.evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    box.hover(position={"x": 20, "y": 20})
    before = page.evaluate("() => scrollY")
    page.mouse.wheel(0, 100)
    page.wait_for_function("(before) => scrollY > before", arg=before, timeout=5000)


COVERED = """() => {
  const box = (part) => part.getBoundingClientRect();
  const note = box(document.getElementById("note"));
  return [...document.querySelectorAll(".response h2, .side, .prose")].map(box).some((one) =>
    one.right > note.left && one.left < note.right && one.bottom > note.top && one.top < note.bottom);
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_said_of_both_responses_moves_nothing(
    width: int, make: MakeProject, site: Site, open_page: OpenPage
) -> None:
    """Texts too different to mark their words say so beside their names."""
    name = f"dora-{width}"
    address = make(name, ("One two three four. " * 9, "Cinq six sept huit neuf. " * 9))
    page = open_page(viewport={"width": width, "height": 900})
    let_in(page, site, f"{name}@example.org")
    page.goto(address)
    places = page.evaluate(BOXES)
    with page.expect_response("**/view"):
        page.keyboard.press("d")
    said = page.get_by_text("Too different to mark the words")
    expect(said).to_be_in_viewport(ratio=1)
    assert page.evaluate(BOXES) == places
    covered = page.evaluate(COVERED)
    assert not covered
    assert wrong_with(page) == []


@pytest.mark.parametrize(("name", "text", "most"), [("piet", PLAIN, 150_000), ("rosa", RICH, 400_000)])
def test_a_pair_weighs_little(
    name: str, text: str, most: int, make: MakeProject, site: Site, open_page: OpenPage
) -> None:
    """Cold, with everything that it loads, as it comes over the wire."""
    address, page = make(name, (text, f"{text}\n\nOr so.")), open_page()
    let_in(page, site, f"{name}@example.org")
    network = page.context.new_cdp_session(page)
    weights: list[float] = []
    network.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(address, wait_until="networkidle")
    page.evaluate("() => document.fonts.ready.then(() => undefined)")
    assert sum(weights) <= most
    fonts = page.evaluate("() => [...document.fonts].filter(({ status }) => status === 'loaded').length")
    assert fonts == (text == RICH), "mathematics is set in a font of ours, and nothing else waits for one"
