"""Rendering: what a reader sees of Markdown, and what hostile text cannot do."""

import re

import pytest
from flask import Flask

from app.text import (
    LONGEST_MARKDOWN,
    asked,
    mark_differences,
    media_of,
    render_markdown,
    render_messages,
    render_response,
)
from tests.growth import grows_with_the_square


def test_markdown_is_laid_out() -> None:
    html = render_markdown("# Title\n\nSome **bold** ~~old~~ text.\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    for part in ("<strong>bold</strong>", "<s>old</s>", "<th>a</th>", "<td>2</td>"):
        assert part in html


def test_headings_go_below_those_of_the_page() -> None:
    html = render_markdown("# One\n## Two\n###### Six")
    assert re.findall(r"<(h\d)", html) == ["h3", "h4", "h6"]


def test_code_is_highlighted_by_its_language() -> None:
    html = render_markdown('```python\ndef f(): return "x"\n```')
    assert '<div class="highlight"><pre' in html
    assert '<span class="k">def</span>' in html


def test_code_in_an_unknown_language_is_shown_as_it_is() -> None:
    assert "if x &lt; 1" in render_markdown("```klingon\nif x < 1\n```")


@pytest.mark.parametrize("source", [r"$\frac{a}{b}$", r"\(\frac{a}{b}\)"])
def test_inline_mathematics_is_set(source: str) -> None:
    assert "<math><mfrac>" in render_markdown(f"It is {source}.")


@pytest.mark.parametrize(
    "source",
    [
        "$$\nx^2\n$$",
        "so $$x^2$$ here",
        "\\[\nx^2\n\\]",
        "\\begin{align}\nx^2\n\\end{align}",
        r"$$x^2 \tag{1}\label{eq}$$",
        r"$$\begin{split} x^2 &= 4 \end{split}$$",
        r"$$\text{50% of a_b is } x^2 \text{ if $n>0$}$$",
    ],
)
def test_displayed_mathematics_is_set(source: str) -> None:
    html = render_markdown(source)
    assert '<math tabindex="0" display="block">' in html
    assert "<msup>" in html
    assert "<merror" not in html


def test_a_sized_bracket_keeps_its_size_beside_indices() -> None:
    html = render_markdown(r"$$\bigl[x\bigr]_0^\infty \Big|_{y}$$")
    bracket = r'<m(subsup|sub)><mrow><mo [^>]*minsize="[^"]+"[^>]*>[]|]</mo></mrow>'
    assert len(re.findall(bracket, html)) == 2
    assert 'symmetric="true"' in html


def test_a_formula_is_laid_out_without_inline_styles() -> None:
    html = render_markdown(
        r"$$\begin{array}{c|c} a & b \\ \hline c & \begin{aligned} d &= e \end{aligned} \end{array}$$"
    )
    for name in ("ruled-right", "ruled-above", "at-right", "at-left"):
        assert name in html
    assert " style=" not in html


def test_an_unknown_command_stands_among_what_is_known() -> None:
    html = render_markdown(r"$\frac{1}{2} \foo$")
    assert "<mfrac>" in html
    assert r"\foo" in html


@pytest.mark.parametrize(
    "source",
    [
        r"\begin{foo}",
        r"\frac{1}",
        "{" * 60 + "x" + "}" * 60,
        r"\def\a{" + "x" * 900 + "}" + r"\a" * 300,
    ],
)
def test_a_formula_that_cannot_be_set_shows_its_source(source: str) -> None:
    assert f"<code>{source}</code>" in render_markdown(f"It is ${source}$.")


def test_prices_are_not_formulas() -> None:
    assert "from $5 to $10" in render_markdown("from $5 to $10")


def test_html_is_shown_as_the_text_it_is() -> None:
    html = render_markdown("Use <script>alert(1)</script> and <b onclick=x>this</b>.")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "<b" not in html


def test_links_open_apart_and_vouch_for_nothing() -> None:
    html = render_markdown("[docs](https://example.org/a?b=1&c=2)")
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer nofollow ugc"' in html


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("See https://e.org/data.csv.", "https://e.org/data.csv"),
        ("**HTTP://e.org/a_(b_c)?d=1&e=2** (so)", "HTTP://e.org/a_(b_c)?d=1&amp;e=2"),
        ("(https://e.org/a)", "https://e.org/a"),
        ("见https://e.org/a。好", "https://e.org/a"),
    ],
)
def test_an_address_in_a_text_is_a_link(said: str, address: str) -> None:
    html = render_markdown(said)
    assert f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow ugc">{address}</a>' in html


@pytest.mark.parametrize(
    "said",
    [
        "`https://e.org/a`",
        "xhttps://e.org",
        "ftp://e.org/a",
        "javascript://e.org/%0aalert(1)",
        "https://bank.example@e.org/",
        "https://",
        f"https://e.org/{'long' * 900}",
    ],
)
def test_other_words_with_colons_are_none(said: str) -> None:
    assert "<a" not in render_markdown(said)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "/sign-out", "//x"],
)
def test_other_addresses_lead_nowhere(address: str) -> None:
    assert "href" not in render_markdown(f"[a]({address}) <{address}>")


def test_an_image_is_described_and_linked_but_never_fetched() -> None:
    html = render_markdown("![a heron](https://spy.example/x.png) ![bare](data:image/png;base64,AAAA)")
    assert "<img" not in html
    assert ">Image: a heron</a>" in html
    assert ">Image: bare</a>" in html


@pytest.mark.parametrize(
    "hostile",
    [
        r"$\href{javascript:alert(1)}{x}$",
        "$<img src=x onerror=alert(1)>$",
        "```<script>\n</code><script>alert(1)</script>\n```",
        "`</code><script>alert(1)</script>`",
        '[x](https://e.org "\\" onmouseover=alert(1) x=\\"")',
        '!["onerror=alert(1)](https://e.org/"onerror=alert(1))',
        "<svg/onload=alert(1)>",
        "| <style>*{display:none}</style> |\n|-|\n| x |",
    ],
)
def test_nothing_hostile_becomes_an_element_or_attribute(hostile: str) -> None:
    html = render_markdown(hostile)
    for tag in re.findall(r"<[^>]*>", html):
        assert not re.search(
            r"script|style=|<style|<svg|<img|\son\w+\s*=\s*(?!&)|javascript:", tag.split('"')[0]
        )
        assert not re.search(r'"\s*on\w+=', tag)


def test_each_block_is_written_in_its_own_direction() -> None:
    html = render_markdown("שלום\n\nhello\n\n- ChatGPT هو نموذج لغوي\n\n42")
    for opening in ('<p dir="rtl">שלום', '<p dir="ltr">hello', '<ul dir="rtl">', "<p>42"):
        assert opening in html


def test_a_right_to_left_text_goes_on_in_a_block_that_begins_so() -> None:
    arabic = "نقلت وكالات الأنباء الخبر عن مصادر مطلعة"
    html = render_markdown(f"{arabic}\n\nمن BBC و CNN.\n\nIt says كتاب here.")
    for opening in ('<p dir="rtl">من BBC', '<p dir="ltr">It says'):
        assert opening in html
    assert '<p dir="ltr">من BBC' in render_markdown("They asked who had said it first.\n\nمن BBC و CNN.")


@pytest.mark.parametrize(
    ("text", "declared", "language", "direction"),
    [
        ("A heron.", "English", "en", "ltr"),
        ("A heron.", "en-GB", "en-GB", "ltr"),
        ("A heron.", None, "", "ltr"),
        ("A heron, though Arabic was asked for.", "Arabic", "", "ltr"),
        ("مالك الحزين", "Persian", "fa", "rtl"),
        ("مالك الحزين (heron)", None, "ar", "rtl"),
        ("אנפה", "no such language", "he", "rtl"),
        ("サギは鳥です", "Chinese", "ja", "ltr"),
        ("鹭", "zh-TW", "zh-TW", "ltr"),
        ("Цапля", "uk", "uk", "ltr"),
        ("42", "Arabic", "ar", "auto"),
        ("A heron.", '"><script>', "", "ltr"),
    ],
)
def test_a_text_says_its_language_and_direction(
    text: str, declared: str | None, language: str, direction: str
) -> None:
    html = render_response([{"role": "assistant", "content": text}], declared)
    assert html.startswith(f'<div class="prose" lang="{language}" dir="{direction}">')


def test_lines_break_where_they_were_broken() -> None:
    assert "roses<br>" in render_markdown("roses\nviolets").replace("<br />", "<br>")


def test_a_few_words_of_html_do_what_markdown_cannot() -> None:
    html = render_markdown("| H<sub>2</sub>O | a<br/>b |\n|-|-|\n| x<SUP>2</SUP> | <sub onclick=x> |")
    for part in ("H<sub>2</sub>O", "a<br>b", "x<sup>2</sup>", "&lt;sub onclick=x&gt;"):
        assert part in html


def test_a_wide_table_scrolls_by_itself() -> None:
    assert '<div class="wide" tabindex="0"><table' in render_markdown("| a |\n|-|\n| b |")


def test_columns_are_aligned_as_they_were_written() -> None:
    html = render_markdown("| a | b | c | d |\n|---|:--|:-:|--:|\n| 1 | 2 | 3 | 4 |")
    for cell in ("<th>a<", '<th align="left">b<', '<td align="center">3<', '<th align="right">d<'):
        assert cell in html
    assert '<td align="right">4<' in html


def test_very_long_text_is_shown_as_it_stands() -> None:
    html = render_markdown("**a** <b> " * LONGEST_MARKDOWN)
    assert html.startswith("<pre")
    assert "**a** &lt;b&gt;" in html


@pytest.mark.parametrize(
    "unit", [">", "- ", "[", "*a_ ", "$$a\n\n", "\\(", "> a\n\n", "|a", "![", "<a ", "`a``", "$x$ ", "~~a "]
)
def test_pathological_text_does_not_stall_the_server(unit: str) -> None:
    assert not grows_with_the_square(lambda n: render_markdown(unit * n), LONGEST_MARKDOWN // len(unit) // 8)


def test_a_conversation_shows_its_roles_and_folds_the_system_turn(app: Flask) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which *bird*?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "look_up", "arguments": "{}"}}],
        },
        {"role": "tool", "name": "look_up", "content": "heron"},
    ]
    with app.test_request_context():
        html = render_messages(messages)
    assert html.index("Be brief.") > html.index("<details")
    assert "Which <em>bird</em>?" in html
    assert "look_up" in html
    assert html.count("<details") == 2
    assert 'dir="auto">Be brief.</span>' in html


def test_a_plain_response_has_no_role(app: Flask) -> None:
    with app.test_request_context():
        html = render_response([{"role": "assistant", "content": "A heron."}])
    assert html == '<div class="prose" lang="" dir="ltr"><p dir="ltr">A heron.</p>\n</div>'


def test_parts_that_are_not_text_are_named(app: Flask) -> None:
    parts = [
        {"type": "text", "text": "What is *this*?"},
        {"type": "image_url", "image_url": {"url": "https://e.org/x"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
    ]
    found: list[str] = []
    with app.test_request_context():
        html = render_messages([{"role": "user", "content": parts}], media=found)
    assert "<em>this</em>" in html
    assert '<a class="media" href="media:0"' in html
    assert "[input audio]" in html
    assert found == ["https://e.org/x"] == media_of([{"role": "user", "content": parts}])
    assert "https://e.org/x" not in html


PICTURE = {"type": "image_url", "image_url": {"url": "https://e.org/x"}}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Which bird\nis it?", "Which bird is…"),
        ("Which \u202ebird?", "Which bird?"),
        ([{"type": "text", "text": "Who?"}, PICTURE], "Who?"),
        ([PICTURE], "An image"),
    ],
)
def test_what_was_asked_is_told_in_a_line(app: Flask, said: object, told: str) -> None:
    with app.test_request_context():
        assert asked([{"role": "user", "content": said}, {"role": "tool", "content": "4"}], 14) == told


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("![a heron](https://e.org/h.png)", "a heron · e.org"),
        ("![](HTTP://e.org:80/h.png)", "e.org"),
        ("Look: https://e.org/birds/h.PNG?wide", "h.PNG · e.org"),
        ("![x](data:image/png;base64,AAAA)", "x"),
        ("![](data:image/png;base64,AAAA)", "image"),
        ("![x\u202e](https://spy.example/x.png)", "x · spy.example"),
    ],
)
def test_an_images_place_tells_what_it_is_and_who_would_be_asked(source: str, told: str) -> None:
    found: list[str] = []
    assert f'rel="noopener noreferrer nofollow ugc">{told}</a>' in render_markdown(source, found)
    assert len(found) == 1


@pytest.mark.parametrize("forged", ["[x](media:0)", "[x](MEDIA:0)", "<media:0>", "![x](media:0)"])
def test_nobody_else_leads_to_an_image(forged: str) -> None:
    assert "href" not in render_markdown(forged, [])


def test_what_differs_is_marked_word_by_word() -> None:
    texts = ("He *saw* the $x^2$, `a b` and 天空蓝色.", "She *saw* the $x^3$, `a c` and 天空红色.")
    marked = mark_differences(*map(render_markdown, texts))
    assert marked is not None
    found = [re.findall(r"<mark[^>]*>(.*?)</mark>", side) for side in marked]
    words = [[re.sub(r"<[^>]*>", "", words) for words in side] for side in found]
    assert words == [["He", "x2", "b", "蓝"], ["She", "x3", "c", "红"]]


@pytest.mark.parametrize(
    "hostile",
    [
        '[x](https://e.org/"><mark>)',
        "<mark class=x>&lt;&amp;",
        "`</code><script>`",
        "a < b > c & d &#0; &bogus;",
    ],
)
def test_marks_change_nothing_but_the_marks(hostile: str) -> None:
    plain = render_markdown(f"one two three four five six {hostile}")
    other = render_markdown(f"one two three four five six {hostile} seven")
    marked = mark_differences(plain, other)
    assert marked is not None
    assert [re.sub(r'<mark class="mark-[ab]">|</mark>', "", side) for side in marked] == [plain, other]


def test_texts_that_have_little_in_common_are_not_compared() -> None:
    assert mark_differences("one two three", "four five six") is None
    assert mark_differences("a " * 5_000, "a " * 5_000) is None
