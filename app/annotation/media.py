"""Images of a pair: a placeholder until somebody asks, because whoever is asked for one learns who reads.

The pair's page may load none from elsewhere. A placeholder leads to a page of ours that holds the one
image and may; with JavaScript that page opens within the pair. Nothing is fetched by the server, which
could be sent where its network lets nobody else.
"""

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import escape
from sqlmodel import Session, col, select

from app.annotation.claim import NOT_YOURS, Assigned
from app.errors import NotFound
from app.models import Account, Annotator, Assignment, Flag, Trial
from app.permissions import Access

# As the sanitiser writes what app/text/markdown.py puts in an image's place.
PLACEHOLDER = '<a class="media" href="media:'

# A and B as they are on the screen.
PLACES = ("prompt", "a", "b")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src http: https: data:",
        "style-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)


def addressed(access: Access, assigned: Assigned, *shown: str) -> list[str]:
    """The HTML of the prompt, A and B with placeholders that lead to their images."""
    ask = escape(_("Show image"))
    out = []
    for place, html in zip(PLACES, shown, strict=True):
        first = url_for("annotation.image", slug=access.project.slug, uid=assigned.uid, place=place, number=0)
        opening = f'<a class="media" data-show="{ask}" href="{first.removesuffix("0")}'
        out.append(str(html).replace(PLACEHOLDER, opening))
    return out


def on_desk(session: Session, access: Access, asker: Account, uid: str) -> Assigned:
    """A pair that the asker may look at: their own, live or of a trial; one that was flagged, as lead.

    Raises NotFound for any other.
    """
    if access.can("judge") and (mine := _mine(session, access, asker, uid)):
        return mine
    if access.can("manage"):
        query = select(Assignment).join(Flag, col(Flag.assignment_id) == col(Assignment.id))
        told = query.where(Assignment.uid == uid, Flag.project_id == access.project.id)
        if flagged := session.exec(told).first():
            return Assigned.of(flagged)
    raise NotFound(str(NOT_YOURS))


def _mine(session: Session, access: Access, asker: Account, uid: str) -> Assigned | None:
    theirs = Annotator.project_id == access.project.id, Annotator.account_id == asker.id
    tables: tuple[Any, ...] = (Assignment, Trial)
    for table in tables:
        query = select(table).join(Annotator, col(Annotator.id) == table.annotator_id)
        if found := session.exec(query.where(table.uid == uid, *theirs)).first():
            return Assigned.of(found)
    return None
