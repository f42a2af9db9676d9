"""What people and models wrote, made into HTML that is safe to show: rendered, then sanitised."""

from app.text.conversations import Turn, in_language, media_of, render_messages, render_response
from app.text.differences import mark_differences
from app.text.markdown import LONGEST_MARKDOWN, render_markdown
from app.text.places import Place, Places

__all__ = [
    "LONGEST_MARKDOWN",
    "RENDERER_VERSION",
    "Place",
    "Places",
    "Turn",
    "in_language",
    "mark_differences",
    "media_of",
    "render_markdown",
    "render_messages",
    "render_response",
]

# Stored beside rendered text; a change of what this package makes leaves what was stored stale.
RENDERER_VERSION = 3
