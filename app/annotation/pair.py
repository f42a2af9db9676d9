"""A comparison as an annotator may see it: two answers, A and B, and never whose they are."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlmodel import Session

from app import text
from app.annotation import media, rendered
from app.annotation.claim import Assigned
from app.annotation.reading import Reading
from app.annotation.sensitive import is_sensitive
from app.annotation.statements import comparisons
from app.errors import NotFound
from app.models import Message, Project, Prompt, RenderedPrompt, RenderedResponse, Response
from app.names import conversation
from app.permissions import Access
from app.prepared import table

TOO_DIFFERENT = lazy_gettext("Too different to mark the words")


@dataclass(frozen=True)
class Shown:
    """Sanitised HTML of one comparison; ``first`` is shown as A on the left, ``second`` as B."""

    assignment_id: str
    prompt: Markup
    first: Markup
    second: Markup
    category: str | None
    language: str | None
    sensitive: bool
    # About the two responses together.
    note: str = ""


def show(session: Session, access: Access, assigned: Assigned, reading: Reading) -> Shown:
    """An assignment's comparison in its shown order; what was never shown is rendered and kept."""
    row = rendered.SHOWN.one(session, comparison_id=assigned.comparison_id)
    prompt = row.prompt or _render_prompt(session, row.prompt_id, row.language)
    return _laid_out(access, assigned, reading, row, prompt, *_responses(session, row))


def show_all(session: Session, access: Access, assigned: Iterable[Assigned]) -> dict[str, Shown]:
    """Many assignments' comparisons as ``show`` gives one, by public id, in three queries at most.

    What was never shown is rendered and not kept: whoever reads a list writes nothing.
    """
    asked = {one.uid: one for one in assigned}
    wanted = comparisons.c.id.in_({one.comparison_id for one in asked.values()})
    rows = {row.id: row for row in session.execute(rendered.comparisons_shown.where(wanted))}
    prompts = _messages(session, Prompt, [row.prompt_id for row in rows.values() if not row.prompt])
    sides = [
        side
        for row in rows.values()
        for side in ((row.response_a, row.response_a_id), (row.response_b, row.response_b_id))
    ]
    responses = _messages(session, Response, [key for html, key in sides if not html])

    def laid_out(one: Assigned) -> Shown:
        row = rows[one.comparison_id]
        prompt = row.prompt or _prompt_html(prompts[row.prompt_id], row.language)
        a = row.response_a or _response_html(responses[row.response_a_id], row.language)
        b = row.response_b or _response_html(responses[row.response_b_id], row.language)
        return _laid_out(access, one, Reading(), row, prompt, a, b)

    return {uid: laid_out(one) for uid, one in asked.items()}


def _laid_out(
    access: Access, assigned: Assigned, reading: Reading, row: Any, prompt: str, a: str, b: str
) -> Shown:
    first, second = (b, a) if assigned.swapped else (a, b)
    marked = text.mark_differences(first, second) if reading.differences else None
    first, second = marked or (first, second)
    if any(media.PLACEHOLDER in html for html in (prompt, first, second)):
        prompt, first, second = media.addressed(access, assigned, prompt, first, second)
    return Shown(
        assignment_id=assigned.uid,
        prompt=conversation(prompt),
        first=conversation(first),
        second=conversation(second),
        category=row.category,
        language=row.language,
        sensitive=is_sensitive(access.project, row.category, row.tags),
        note=str(TOO_DIFFERENT) if reading.differences and not marked else "",
    )


@dataclass(frozen=True)
class Read:
    """The messages of one comparison in its stored order, for the API."""

    prompt: list[Message]
    a: list[Message]
    b: list[Message]
    category: str | None
    language: str | None
    sensitive: bool


def read(session: Session, project: Project, assigned: Assigned) -> Read:
    """An assignment's comparison as messages, without anything that names a model."""
    row = rendered.SHOWN.one(session, comparison_id=assigned.comparison_id)
    responses = _messages(session, Response, [row.response_a_id, row.response_b_id])
    return Read(
        prompt=anonymous(_messages(session, Prompt, [row.prompt_id])[row.prompt_id]),
        a=anonymous(responses[row.response_a_id]),
        b=anonymous(responses[row.response_b_id]),
        category=row.category,
        language=row.language,
        sensitive=is_sensitive(project, row.category, row.tags),
    )


def image_source(session: Session, project: Project, assigned: Assigned, place: str, number: int) -> str:
    """Where an image of the prompt, A or B lies.

    Raises NotFound where there is no such image.
    """
    found = read(session, project, assigned)
    first, second = (found.b, found.a) if assigned.swapped else (found.a, found.b)
    sources = text.media_of(dict(zip(media.PLACES, (found.prompt, first, second), strict=True))[place])
    if number >= len(sources):
        raise NotFound(_("There is no such image."))
    return sources[number]


@dataclass(frozen=True)
class Written:
    """A response's own text, before anything is rendered, and the HTML it is shown as."""

    source: str
    html: str


def written(session: Session, comparison_id: int) -> dict[str, Written]:
    """Both responses, by their names in the comparison."""
    row = rendered.SHOWN.one(session, comparison_id=comparison_id)
    keys = (row.response_a_id, row.response_b_id)
    sources = _messages(session, Response, keys)
    return {
        side: Written(source_text(sources[key]), html)
        for side, key, html in zip("ab", keys, _responses(session, row), strict=True)
    }


def source_text(messages: list[Message]) -> str:
    """The texts of messages, in order, an empty line between them."""
    return "\n\n".join(part for message in messages for part in text.texts(message.get("content")))


def _responses(session: Session, row: Any) -> tuple[str, str]:
    a = row.response_a or _render_response(session, row.response_a_id, row.language)
    return a, row.response_b or _render_response(session, row.response_b_id, row.language)


def _render_prompt(session: Session, prompt_id: int, language: str | None) -> Markup:
    html = _prompt_html(_messages(session, Prompt, [prompt_id])[prompt_id], language)
    return _keep(session, RenderedPrompt, "prompt_id", prompt_id, html)


def _prompt_html(messages: list[Message], language: str | None) -> Markup:
    return text.render_messages(anonymous(messages), language, [])


def _render_response(session: Session, response_id: int, language: str | None) -> Markup:
    html = _response_html(_messages(session, Response, [response_id])[response_id], language)
    return _keep(session, RenderedResponse, "response_id", response_id, html)


def _response_html(messages: list[Message], language: str | None) -> Markup:
    return text.render_response(anonymous(messages), language, [])


def anonymous(messages: list[Message]) -> list[Message]:
    """Only what was said: a speaker's name, an id, or any other key may tell which model wrote it."""
    return [_anonymous(message) for message in messages]


def _anonymous(message: Message) -> Message:
    said = _only(_SAID_BY_TOOLS if message.get("role") == "tool" else _SAID, message)
    if isinstance(said.get("tool_calls"), list):
        said["tool_calls"] = [
            _only(_CALLED, call) if isinstance(call, dict) else call for call in said["tool_calls"]
        ]
    return said


def _only(keys: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    return {key: given[key] for key in keys if given.get(key) is not None}


_SAID = ("role", "content", "tool_calls")
_SAID_BY_TOOLS = (*_SAID, "name")
_CALLED = ("type", "function")


def _messages(
    session: Session, model: type[Prompt] | type[Response], keys: Collection[int]
) -> dict[int, list[Message]]:
    if not keys:
        return {}
    rows = table(model)
    found = session.execute(sa.select(rows.c.id, rows.c.messages).where(rows.c.id.in_(keys)))
    return {key: list(messages or []) for key, messages in found}


def _keep(session: Session, model: Any, key: str, value: int, html: Markup) -> Markup:
    session.merge(model(**{key: value}, version=text.RENDERER_VERSION, html=str(html)))
    session.flush()
    return html
