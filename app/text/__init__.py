"""What people and models wrote, made into HTML that is safe to show: rendered, then sanitised."""

from app.text.conversations import (
    Turn,
    asked,
    image_source,
    in_language,
    media_of,
    render_beginning,
    render_messages,
    render_response,
    texts,
)
from app.text.differences import mark_differences
from app.text.markdown import LONGEST_MARKDOWN, is_shown, render_markdown
from app.text.places import Place, Places

__all__ = [
    "LONGEST_MARKDOWN",
    "RENDERER_VERSION",
    "Place",
    "Places",
    "Turn",
    "asked",
    "image_source",
    "in_language",
    "is_shown",
    "mark_differences",
    "media_of",
    "render_beginning",
    "render_markdown",
    "render_messages",
    "render_response",
    "texts",
]

# Stored beside rendered text; a change of what this package makes leaves what was stored stale.
RENDERER_VERSION = 9
