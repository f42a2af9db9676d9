"""A place in a response as it is shown is found in its source, and back."""

import pytest
from flask import Flask
from flask_babel import force_locale

from app import text
from app.text.places import visible

SOURCE = """# The goose

A goose is a **water bird**, see [the lake](https://example.org/lake) & `x < y`.

| size | colour |
|---|---|
| large | grey |

It weighs $x^2+1$ kg. 鹅会**游泳**吗？ A goose!
"""


def laid(source: str) -> tuple[str, text.Places]:
    """A source's visible text, and the two beside each other."""
    html = str(text.render_markdown(source))
    places = text.Places(source, html)
    return places.quote(text.Place(0, len(source))), places


@pytest.mark.parametrize(
    ("words", "stands"),
    [
        ("goose", "goose"),
        ("water bird", "water bird"),
        ("a water bird, see", "a **water bird**, see"),
        ("the lake & x < y", "the lake](https://example.org/lake) & `x < y"),
        ("colour large", "colour |\n|---|---|\n| large"),
        ("2+1", "2+1"),
        ("weighs x2+1 kg", "weighs $x^2+1$ kg"),
        ("会游泳", "会**游泳"),
        ("The goose A goose", "The goose\n\nA goose"),
    ],
)
def test_what_is_shown_is_found_in_the_source_and_back(words: str, stands: str) -> None:
    shown, places = laid(SOURCE)
    start = shown.index(visible(words))
    found = places.in_source(start, start + len(visible(words)), words)
    assert found is not None
    assert SOURCE[found.start : found.end] == stands
    back = places.in_shown(found.start, found.end)
    assert back is not None
    assert places.quote(back) == visible(words)


def test_of_words_that_stand_twice_the_one_chosen_counts() -> None:
    shown, places = laid(SOURCE)
    last = places.in_source(shown.rindex("goose"), shown.rindex("goose") + 5, "goose")
    assert last == (SOURCE.rindex("goose"), SOURCE.rindex("goose") + 5)


def test_a_place_that_moved_is_found_by_its_words() -> None:
    """The page was shown by another version of the renderer."""
    shown, places = laid(SOURCE)
    assert places.in_source(shown.index("bird") + 3, shown.index("bird") + 7, "bird") == (
        SOURCE.index("bird"),
        SOURCE.index("bird") + 4,
    )


@pytest.mark.parametrize(("start", "end", "quote"), [(0, 4, "swan"), (900, 905, None), (5, 5, None)])
def test_what_is_not_shown_has_no_place(start: int, end: int, quote: str | None) -> None:
    assert laid(SOURCE)[1].in_source(start, end, quote) is None


def test_long_and_monotonous_texts_have_places_too() -> None:
    long = "na " * 12_000 + "**batman**"
    shown, places = laid(long)
    found = places.in_source(shown.index("batman"), len(shown), "batman")
    assert found is not None
    assert long[found.start : found.end] == "batman"


@pytest.mark.parametrize("spoken", ["en", "es", "zh-Hans"])
def test_what_the_page_says_itself_is_not_counted(app: Flask, spoken: str) -> None:
    said = ["The lake, the lake.", "**A goose!** So?", "A goose."]
    roles = ["tool", "assistant", "user"]
    turns = [{"role": role, "content": words} for role, words in zip(roles, said, strict=True)]
    source = "\n\n".join(said)
    with app.test_request_context(), force_locale(spoken.replace("-", "_")):
        html = text.in_language(text.render_response(turns), spoken)
    places = text.Places(source, html)
    shown = visible(source.replace("*", ""))
    assert places.quote(text.Place(0, len(source))) == shown
    assert places.in_shown(0, len("The lake,")) == (0, len("Thelake,"))
    last = source.rindex("goose")
    assert places.in_shown(last, last + 5) == (shown.rindex("goose"), shown.rindex("goose") + 5)
