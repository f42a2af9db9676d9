"""Conversations in the chat format of OpenAI and Hugging Face as HTML, turn by turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from flask import render_template
from flask_babel import force_locale, pgettext
from flask_babel import gettext as _
from markupsafe import Markup

from app.language import ENGLISH
from app.models import Message
from app.text.languages import direction_of, language_of
from app.text.markdown import TURNING, code_block, media_link, render_markdown

# Characters of a folded turn that are shown, in one line.
OPENING = 200
FOLDED = ("system", "developer", "tool", "function")


@dataclass(frozen=True)
class Turn:
    """One message as it is shown."""

    role: str
    html: Markup
    # The beginning of what is folded; a folded turn opens on demand.
    opening: str = ""


def render_messages(
    messages: Sequence[Message], language: str | None = None, media: list[str] | None = None
) -> Markup:
    """A conversation with the role of each turn; system and tool turns are folded.

    ``media`` is as for render_markdown, numbered through the whole conversation.
    """
    turns = [_turn(message, language, media) for message in messages]
    with force_locale(ENGLISH):  # what is kept is read by everybody, see in_language()
        return Markup(render_template("annotation/_turns.html", turns=turns))  # noqa: S704 -- a template's


def in_language(markup: str, spoken: str) -> str:
    """A kept conversation whose roles, and the like, are said in the reader's language."""
    if spoken == ENGLISH:
        return markup
    kept = str(markup)  # of Markup, replace() would escape what it puts in
    for english, translated in _words(spoken):
        kept = kept.replace(english, translated)
    return kept


@cache
def _words(_spoken: str) -> tuple[tuple[str, str], ...]:
    """Our own words in what is kept, each with the markup that no text of a model's stands in."""
    said = {
        "system": pgettext("who speaks", "system"),
        "developer": pgettext("who speaks", "developer"),
        "user": pgettext("who speaks", "user"),
        "assistant": pgettext("who speaks", "assistant"),
    }
    with force_locale(ENGLISH):
        kept = [*(_before_text(role) for role in said), _before_opening()]
    return tuple(zip(kept, [*map(_before_text, said.values()), _before_opening()], strict=True))


def _before_text(role: str) -> str:
    return _frame(Turn(role, Markup(), "\0")).partition("<details")[0]


def _before_opening() -> str:
    return "".join(_frame(Turn("", Markup(), "\0")).partition("<summary")[1:])


def _frame(turn: Turn) -> str:
    """What stands before the opening: as the template writes it, so that what is kept is found again."""
    return render_template("annotation/_turns.html", turns=[turn]).partition(turn.opening)[0]


def render_response(
    messages: Sequence[Message], language: str | None = None, media: list[str] | None = None
) -> Markup:
    """A completion: one plain message without its role, anything else turn by turn."""
    if len(messages) == 1 and not messages[0].get("tool_calls"):
        return _prose(messages[0], language, media)
    return render_messages(messages, language, media)


def render_beginning(messages: Sequence[Message], most: int, language: str | None = None) -> Markup | None:
    """The first paragraphs of a long conversation; None for one that is no longer than that."""
    if len(orjson.dumps(messages)) <= most:
        return None
    said = "\n\n".join(part for message in messages for part in texts(message.get("content")))[:most]
    whole = said.rfind("\n\n", most // 2)
    shown = said[:whole] if whole > 0 else said
    return _prose({"role": "", "content": f"{shown.rstrip()}\n\n…"}, language, None)


def media_of(messages: Sequence[Message]) -> list[str]:
    """The addresses of a conversation's images and files, in the order of their numbers."""
    found: list[str] = []
    for message in messages:
        _said(message, found)
    return found


def _turn(message: Message, language: str | None, media: list[str] | None) -> Turn:
    role = str(message.get("role") or "message")
    if name := message.get("name"):
        role = f"{role} {name}".translate(TURNING)
    folded = role.partition(" ")[0] in FOLDED
    begins = " ".join(texts(message.get("content")))[:OPENING].translate(TURNING)
    opening = " ".join(begins.split()) if folded else ""
    return Turn(role, _prose(message, language, media), opening)


def _prose(message: Message, language: str | None, media: list[str] | None) -> Markup:
    """A message's text in its own language and direction."""
    text = "\n".join(texts(message.get("content")))
    opening = Markup('<div class="prose" lang="{}" dir="{}">')
    opening = opening.format(language_of(text, language), direction_of(text) or "auto")
    return opening + _said(message, media) + Markup("</div>")


def _said(message: Message, media: list[str] | None) -> Markup:
    parts = [_part(part, media) for part in _list(message.get("content"))]
    return Markup("\n").join([*parts, *map(_call, _list(message.get("tool_calls")))])


def asked(messages: Sequence[Message], most: int) -> str:
    """The beginning of the last thing that was asked, in a line."""
    said = [message.get("content") for message in messages if message.get("role") == "user"]
    words = " ".join(" ".join(texts(said[-1] if said else "")).translate(TURNING).split())
    if not words and said:
        return _("An image")  # nothing else is without words
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def texts(content: object) -> Iterator[str]:
    """The texts of a message's content, which is one, or parts of which some are."""
    for part in _list(content):
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _part(part: object, media: list[str] | None) -> Markup:
    """Text, an image on request, or what another part of a multimodal message is."""
    said = next(texts(part), None)
    if said is not None:
        return render_markdown(said, media)
    if source := image_source(part):
        return Markup("<p>{}</p>").format(media_link(source, "", media))
    kind = part.get("type", "part") if isinstance(part, dict) else "part"
    return Markup("<p>[{}]</p>").format(str(kind).removesuffix("_url").replace("_", " "))


def image_source(part: object) -> str:
    """Where an image part's image is: ``{"type": "image_url", "image_url": {"url": …}}`` and its like."""
    if not isinstance(part, dict) or "image" not in str(part.get("type")):
        return ""
    found = part.get("image_url") or part.get("image") or part.get("url")
    found = found.get("url") if isinstance(found, dict) else found
    return found if isinstance(found, str) else ""


def _call(call: object) -> Markup:
    """A tool call: the function and its arguments, never its id."""
    function = call.get("function", call) if isinstance(call, dict) else call
    if isinstance(function, dict) and isinstance(function.get("arguments"), str):
        function = {**function, "arguments": _parsed(function["arguments"])}
    return code_block(orjson.dumps(function, option=orjson.OPT_INDENT_2, default=str).decode())


def _parsed(arguments: str) -> object:
    """Arguments come as JSON within JSON."""
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
