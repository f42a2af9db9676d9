"""What people and models wrote, made into HTML that is safe to show: rendered, then sanitised.

Everything here is hostile input. Raw HTML is shown as the text it is, images become links (an
address fetched from a page tells its owner who reads), and a strict list of elements and
attributes has the last word.
"""

import html
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import latex2mathml.converter
import latex2mathml.exceptions
import nh3
import orjson
from flask import render_template
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from app.models import Message

# Stored beside rendered text; a change of the rules below makes what was stored stale.
RENDERER_VERSION = 1

# Longer text is shown as it is: a reader gains nothing from its layout, and a server loses time.
LONGEST_MARKDOWN = 50_000
LONGEST_HIGHLIGHTED = 8_000
LONGEST_FORMULA = 2_000

_MATHML = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle",
    "merror", "mpadded", "mphantom", "menclose", "msup", "msub", "msubsup", "munder", "mover",
    "munderover", "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd",
}  # fmt: skip
_MATHML_ATTRIBUTES = {
    "display", "displaystyle", "mathvariant", "stretchy", "fence", "form", "separator", "accent", "largeop",
    "movablelimits", "linethickness", "columnalign", "rowspacing", "columnspacing", "width", "height",
    "depth", "lspace", "rspace", "minsize", "maxsize", "notation",
}  # fmt: skip
_PROSE = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "s", "blockquote", "ul", "ol", "li", "a",
    "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "div", "span",
}  # fmt: skip

_cleaner = nh3.Cleaner(
    tags=_PROSE | _MATHML,
    attributes={
        "a": {"href"},
        "*": {"dir"},
        "ol": {"start"},
        "pre": {"tabindex"},
        **dict.fromkeys(_MATHML, _MATHML_ATTRIBUTES),
    },
    allowed_classes={"div": {"highlight"}, "span": {name for name in STANDARD_TYPES.values() if name}},
    set_tag_attribute_values={"a": {"target": "_blank"}},
    link_rel="noopener noreferrer nofollow ugc",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
)
_formatter = HtmlFormatter(nowrap=True)

# The converter has no common base class, and stumbles over some formulas it does not know.
_FORMULA_ERRORS: tuple[type[Exception], ...] = (
    *(
        error
        for error in vars(latex2mathml.exceptions).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True)
class Turn:
    """One message as it is shown; a folded one opens on demand."""

    role: str
    html: Markup
    folded: bool


def render_markdown(text: str) -> Markup:
    """Markdown with tables, code and mathematics as sanitised HTML; very long text as it stands."""
    if len(text) > LONGEST_MARKDOWN:
        return _verbatim(text)
    try:
        rendered = _markdown.render(text)
    except RecursionError:
        return _verbatim(text)
    return Markup(_cleaner.clean(rendered))  # noqa: S704 -- sanitised just here


def _verbatim(text: str) -> Markup:
    return Markup('<pre tabindex="0" dir="auto">{}</pre>').format(text)


def render_messages(messages: Sequence[Message]) -> Markup:
    """A conversation, turn by turn, each with its role; system and tool turns are folded."""
    return Markup(render_template("annotation/_turns.html", turns=turns(messages)))  # noqa: S704 -- a template's


def render_response(messages: Sequence[Message]) -> Markup:
    """A completion: one plain message without its role, anything else turn by turn."""
    if len(messages) == 1 and not messages[0].get("tool_calls"):
        return _content(messages[0].get("content"))
    return render_messages(messages)


def turns(messages: Iterable[Message]) -> list[Turn]:
    """Messages in the chat format of OpenAI and Hugging Face, ready to show."""
    return [_turn(message) for message in messages]


def _turn(message: Message) -> Turn:
    role = str(message.get("role") or "message")
    if name := message.get("name"):
        role = f"{role} {name}"
    shown = _content(message.get("content"))
    for call in _list(message.get("tool_calls")):
        shown += _code(call.get("function", call) if isinstance(call, dict) else call)
    return Turn(role, shown, folded=role.split()[0] in ("system", "developer", "tool", "function"))


def _content(content: object) -> Markup:
    """Text, or the parts of a multimodal message, of which only text is shown."""
    if content is None:
        return Markup("")
    if isinstance(content, str):
        return render_markdown(content)
    return Markup("\n").join(_part(part) for part in _list(content))


def _part(part: object) -> Markup:
    if isinstance(part, str):
        return render_markdown(part)
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return render_markdown(part["text"])
    kind = part.get("type", "part") if isinstance(part, dict) else "part"
    return Markup("<p>[{}]</p>").format(str(kind).removesuffix("_url").replace("_", " "))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _code(value: object) -> Markup:
    shown = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    return Markup('<div class="highlight"><pre tabindex="0"><code>{}</code></pre></div>').format(shown)


def _math(source: str, display: str) -> str:
    try:
        if len(source) > LONGEST_FORMULA:
            raise ValueError("too long to lay out")
        return str(latex2mathml.converter.convert(source, display=display))
    except _FORMULA_ERRORS:
        return f"<code>{html.escape(source)}</code>"


def _inline_math(
    _self: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    return _math(tokens[index].content, "inline")


def _block_math(
    _self: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    return _math(tokens[index].content, "block")


def _bracketed_math(state: StateInline, silent: bool) -> bool:
    r"""Formulas between ``\(`` and ``\)`` or ``\[`` and ``\]``, as many models write them."""
    kind, closing = _BRACKETS.get(state.src[state.pos : state.pos + 2], ("", ""))
    if not kind:
        return False
    start = state.pos + 2
    end = state.src.find(closing, start, min(start + LONGEST_FORMULA, state.posMax))
    if end < 0:
        return False
    if not silent:
        state.push(kind, "math", 0).content = state.src[start:end]
    state.pos = end + 2
    return True


_BRACKETS = {"\\(": ("math_inline", "\\)"), "\\[": ("math_inline_double", "\\]")}


def _fence(
    _self: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    code, language = tokens[index].content, tokens[index].info.partition(" ")[0].strip()
    return f'<div class="highlight"><pre tabindex="0"><code>{_highlighted(code, language)}</code></pre></div>'


def _highlighted(code: str, language: str) -> str:
    if not language or len(code) > LONGEST_HIGHLIGHTED:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(code)
    return highlight(code, lexer, _formatter)


def _image(
    _self: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    source, words = str(tokens[index].attrGet("src") or ""), tokens[index].content or "no description"
    shown = html.escape(f"[image: {words}]")
    if source.startswith(("http://", "https://")):
        return f'<a href="{html.escape(source)}">{shown}</a>'
    return shown


def _fit_the_page(state: StateCore) -> None:
    """Headings go below the page's own, and each block finds its own direction of writing."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 2, 6)}"
        if token.level == 0 and token.nesting == 1:
            token.attrSet("dir", "auto")


def _make_markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    markdown.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    markdown.inline.ruler.before("escape", "bracketed_math", _bracketed_math)
    markdown.core.ruler.push("fit_the_page", _fit_the_page)
    markdown.add_render_rule("math_inline", _inline_math)
    for kind in ("math_block", "math_inline_double"):
        markdown.add_render_rule(kind, _block_math)
    for kind in ("fence", "code_block"):
        markdown.add_render_rule(kind, _fence)
    markdown.add_render_rule("image", _image)
    return markdown


_markdown = _make_markdown()
