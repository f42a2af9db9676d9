"""The faulty places that a judgment marks in the responses.

Stored, they count characters of a response's source text, which no change of the renderer moves. A
page knows only what it shows: there they count visible characters, see app/text/places.py.
"""

from collections.abc import Callable, Iterator
from typing import Any

from flask_babel import lazy_gettext
from sqlmodel import Session

from app.annotation.pair import Written, written
from app.errors import Invalid
from app.text import Place, Places

Span = dict[str, Any]
NOT_THERE = lazy_gettext("This place is not in the response. Mark it again.")


def of_sources(session: Session, comparison_id: int, spans: list[Span]) -> list[Span]:
    """Spans that count in the sources already, with the text they mark.

    Raises Invalid for one that does not lie in its response, or quotes something else.
    """
    return list(_placed(spans, written(session, comparison_id), _as_given))


def of_screen(session: Session, comparison_id: int, spans: list[Span]) -> list[Span]:
    """Spans as they were marked on a page, by source.

    Raises Invalid for one that marks nothing the response shows.
    """
    responses = written(session, comparison_id)
    laid = {side: Places(response.source, response.html) for side, response in responses.items()}
    return list(
        _placed(
            spans,
            responses,
            lambda span, _: laid[span["response"]].in_source(span["start"], span["end"], span["quote"]),
        )
    )


def on_screen(session: Session, comparison_id: int, spans: list[Span]) -> list[Span]:
    """Stored spans as a page shows them; what it shows nowhere keeps its quote, by which it is refused."""
    laid = {side: Places(one.source, one.html) for side, one in written(session, comparison_id).items()}
    found = []
    for span in spans:
        places = laid[span["response"]]
        place = places.in_shown(span["start"], span["end"])
        shown = {} if place is None else {"quote": places.quote(place)}
        found.append(span | shown | (place or Place(0, 1))._asdict())
    return found


def _as_given(span: Span, text: str) -> Place | None:
    start, end = span["start"], span["end"]
    fits = start < end <= len(text) and span["quote"] in (None, text[start:end])
    return Place(start, end) if fits else None


def _placed(
    spans: list[Span], responses: dict[str, Written], find: Callable[[Span, str], Place | None]
) -> Iterator[Span]:
    for index, span in enumerate(spans):
        source = responses[span["response"]].source
        place = find(span, source)
        if place is None:
            raise Invalid.at(f"spans/{index}", str(NOT_THERE))
        yield span | place._asdict() | {"quote": source[place.start : place.end]}
