"""Markdown as HTML that is safe to show.

Everything here is hostile input. Raw HTML is shown as the text it is, but for a few words of it that
models use for want of Markdown; images are never fetched by the page itself (an address fetched from
a page tells its owner who reads), and a strict list of elements and attributes has the last word.
"""

import html
import re
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from app.text import formulas
from app.text.languages import direction_of

# Longer text is shown as it is: a reader gains nothing from its layout, and a server loses time.
LONGEST_MARKDOWN = 50_000
LONGEST_HIGHLIGHTED = 8_000

# The scheme of links to what is shown on request; whoever shows the text puts addresses in their place.
MEDIA = "media"

_MATHML = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle",
    "merror", "mpadded", "mphantom", "menclose", "msup", "msub", "msubsup", "munder", "mover",
    "munderover", "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd",
}  # fmt: skip
_MATHML_ATTRIBUTES = {
    "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "form", "accent", "accentunder",
    "movablelimits", "linethickness", "width", "height", "depth", "lspace", "rspace", "minsize", "maxsize",
    "symmetric", "voffset", "notation",
}  # fmt: skip
_PROSE = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "s", "sub", "sup", "blockquote", "ul",
    "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "div", "span",
}  # fmt: skip

_cleaner = nh3.Cleaner(
    tags=_PROSE | _MATHML,
    attributes={
        "a": {"href"},
        "*": {"dir"},
        "ol": {"start"},
        "pre": {"tabindex"},
        "div": {"tabindex"},
        **dict.fromkeys(_MATHML, _MATHML_ATTRIBUTES),
        "math": _MATHML_ATTRIBUTES | {"tabindex"},
    },
    allowed_classes={
        "a": {"media"},
        "div": {"highlight", "wide"},
        "span": {name for name in STANDARD_TYPES.values() if name},
        "mtd": set(formulas.CLASSES.values()),
    },
    tag_attribute_values={cell: {"align": {"left", "center", "right"}} for cell in ("th", "td")},
    set_tag_attribute_values={"a": {"target": "_blank"}},
    link_rel="noopener noreferrer nofollow ugc",
    url_schemes={"http", "https", "mailto", MEDIA},
    url_relative="deny",
)
# Characters that change the direction of what follows them: what is told beside other words has none.
TURNING = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))

_formatter = HtmlFormatter(nowrap=True)


def render_markdown(text: str, media: list[str] | None = None) -> Markup:
    """Markdown with tables, code and mathematics as sanitised HTML; very long text as it stands.

    Where ``media`` is given, images become links to ``media:0``, ``media:1`` …, told by their
    description and host in no language of ours, and their own addresses are added to it; else they
    become links to where they are.
    """
    if len(text) > LONGEST_MARKDOWN:
        return _verbatim(text)
    try:
        rendered = _markdown.render(text, {MEDIA: media})
    except RecursionError:
        return _verbatim(text)
    return Markup(_cleaner.clean(rendered))  # noqa: S704 -- sanitised just here


def code_block(code: str) -> Markup:
    """Text that is code, in no particular language."""
    return Markup('<div class="highlight"><pre tabindex="0"><code>{}</code></pre></div>').format(code)


def media_link(source: str, words: str, media: list[str] | None) -> Markup:
    """What stands for an image: see render_markdown for where it leads."""
    words = words.translate(TURNING)
    if not is_shown(source):
        return escape(f"Image: {words or 'no description'}")
    if media is not None:
        media.append(source)
        told = " · ".join(filter(None, (words, _host(source)))) or "image"
        return Markup('<a class="media" href="{}:{}">{}</a>').format(MEDIA, len(media) - 1, told)
    words = f"Image: {words or 'no description'}"
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(source, words)


def is_shown(source: str) -> bool:
    """Whether an image that lies there can be shown to whoever asks for it."""
    return source.lower().startswith(("http://", "https://", "data:image/"))


def _host(source: str) -> str:
    """Who is asked for what lies at an address; nobody for what the address itself holds."""
    try:
        return urlsplit(source).hostname or ""
    except ValueError:
        return ""


def _verbatim(text: str) -> Markup:
    return Markup('<pre tabindex="0" class="verbatim">{}</pre>').format(text)


# What is written otherwise than in plain Markdown


def _formula(source: str) -> str:
    """A formula on lines of its own; a wide one scrolls, for the keyboard too."""
    return formulas.to_mathml(source, display=True).replace("<math ", '<math tabindex="0" ', 1)


def _bracketed_math(state: StateInline, silent: bool) -> bool:
    r"""Formulas between ``\(`` and ``\)`` or ``\[`` and ``\]``, as many models write them."""
    kind, closing = _BRACKETS.get(state.src[state.pos : state.pos + 2], ("", ""))
    if not kind:
        return False
    start = state.pos + 2
    end = state.src.find(closing, start, min(start + formulas.LONGEST, state.posMax))
    if end < 0:
        return False
    if not silent:
        state.push(kind, "math", 0).content = state.src[start:end]
    state.pos = end + 2
    return True


_BRACKETS = {"\\(": ("math_inline", "\\)"), "\\[": ("math_inline_double", "\\]")}


def _known_html(state: StateInline, silent: bool) -> bool:
    """Line breaks in table cells, and indices: there is no Markdown for them."""
    match = _KNOWN_HTML.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push("known_html", "", 0).content = match[0].lower().replace("/>", ">").replace(" ", "")
    state.pos = match.end()
    return True


_KNOWN_HTML = re.compile(r"<br ?/?>|</?su[bp]>", re.IGNORECASE)


def _bare_address(state: StateInline, silent: bool) -> bool:
    """An address written without any Markdown: a link; an image's place where it is an image's address."""
    scheme = _SCHEME.search(state.pending[-6:])
    if silent or scheme is None or state.linkLevel or state.src[state.pos] != ":":
        return False
    start = state.pos - len(scheme[0])
    found = _ADDRESS.match(state.src, start)
    address = _without_punctuation(found[0]) if found else ""
    if not _host(address) or _USER.match(address) or not state.md.validateLink(address):
        return False
    state.pending = state.pending[: -len(scheme[0])]
    if name := _IMAGE.search(address):
        image = state.push("image", "img", 0)
        image.attrs, image.content = {"src": address}, name[1]
    else:
        state.push("link_open", "a", 1).attrs = {"href": address}
        state.push("text", "", 0).content = address
        state.push("link_close", "a", -1)
    state.pos = start + len(address)
    return True


def _without_punctuation(address: str) -> str:
    """An address without what ends the sentence around it, or the brackets."""
    address = address.rstrip(_ENDS)
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(_ENDS)
    return address


_SCHEME = re.compile(r"(?<![a-z])https?$", re.IGNORECASE)
# No more than a browser's line holds: what is longer stays text. Neither Markdown's own signs nor letters
# beyond ASCII, where Chinese goes on without a space.
_ADDRESS = re.compile(r"(?ia)https?://[\w!#$%&'()+,\-./:;=?@~]{1,2000}+(?![\w!#$%&'()+,\-./:;=?@~])")
_IMAGE = re.compile(r"/([^/?#]+\.(?:avif|bmp|gif|jpe?g|png|svg|webp))(?:[?#]|$)", re.IGNORECASE)
# Whoever is named before the host is there to be taken for it.
_USER = re.compile(r"[^:]+://[^/?#]*@")
_ENDS = ".,:;!?'_~"


def _fit_the_page(state: StateCore) -> None:
    """Headings go below the page's own, columns are aligned as asked, each block has its own direction."""
    around = direction_of(state.src)
    for index, token in enumerate(state.tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 2, 6)}"
        if token.type in ("th_open", "td_open") and (style := token.attrs.pop("style", "")):
            # The page's policy lets no style through.
            token.attrSet("align", str(style).removeprefix("text-align:"))
        if token.level == 0 and token.nesting == 1:
            direction = direction_of("".join(_words(_within(state.tokens[index + 1 :]))), around)
            if direction:
                token.attrSet("dir", direction)


def _within(tokens: Sequence[Token]) -> Iterable[Token]:
    """What stands before the end of the block that was just opened."""
    for token in tokens:
        if token.level == 0:
            return
        yield token


def _words(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        for part in token.children or ():
            if part.type == "text":
                yield part.content


# How it is rendered


def _fence(token: Token, _media: list[str] | None) -> str:
    code, language = token.content, token.info.partition(" ")[0].strip()
    return code_block(Markup(_highlighted(code, language)))  # noqa: S704 -- escaped, and sanitised at the end


def _highlighted(code: str, language: str) -> str:
    if not language or len(code) > LONGEST_HIGHLIGHTED:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(code)
    return highlight(code, lexer, _formatter)


def _image(token: Token, media: list[str] | None) -> str:
    return media_link(str(token.attrGet("src") or ""), token.content, media)


def _table_open(token: Token, _media: list[str] | None) -> str:
    return f'<div class="wide" tabindex="0"><table dir="{token.attrGet("dir") or "auto"}">'


_RULES: dict[str, Callable[[Token, list[str] | None], str]] = {
    "math_inline": lambda token, _: formulas.to_mathml(token.content, display=False),
    "math_inline_double": lambda token, _: _formula(token.content),
    "math_block": lambda token, _: _formula(token.content),
    "amsmath": lambda token, _: _formula(token.content),
    "known_html": lambda token, _: token.content,
    "fence": _fence,
    "code_block": _fence,
    "image": _image,
    "table_open": _table_open,
    "table_close": lambda _token, _: "</table></div>",
}


def _rule(render: Callable[[Token, list[str] | None], str]) -> Callable[..., str]:
    """A render rule as the parser calls it."""

    def rule(
        _renderer: RendererProtocol,
        tokens: Sequence[Token],
        index: int,
        _options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        return render(tokens[index], env[MEDIA])

    return rule


def _make_markdown() -> MarkdownIt:
    # A line that ends is meant to: verses, addresses and steps have no other mark.
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": 20, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    markdown.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    markdown.use(amsmath_plugin)
    markdown.inline.ruler.before("escape", "bracketed_math", _bracketed_math)
    markdown.inline.ruler.before("autolink", "known_html", _known_html)
    markdown.inline.ruler.before("escape", "bare_address", _bare_address)
    markdown.core.ruler.push("fit_the_page", _fit_the_page)
    # Only what we put there leads to media.
    may_lead_to = markdown.validateLink
    markdown.validateLink = lambda url: not url.lower().startswith(f"{MEDIA}:") and may_lead_to(url)  # type: ignore[method-assign]
    for kind, render in _RULES.items():
        markdown.add_render_rule(kind, _rule(render))
    return markdown


_markdown = _make_markdown()
