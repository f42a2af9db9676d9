"""The links of invitations made on a page, shown once on the page after it."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import NamedTuple

from app import cells, web
from app.accounts import session
from app.accounts.invitations import Invited
from app.accounts.tokens import digest
from app.models import Invitation


class Link(NamedTuple):
    """A link to send, and for whom, as far as that was said."""

    whom: str
    address: str


def keep(made: Iterable[Invited]) -> None:
    """For the next page. An address is known of its invitation, so it takes no room in the cookie."""
    lines = (f"{one.token} {one.name if one.invitation.email is None else ''}" for one in made)
    session.show_once("links", "\n".join(lines))


def shown(pending: Sequence[Invitation]) -> list[Link]:
    """Those of the page before, if it made any; ``pending`` are the invitations that can be accepted."""
    emails = {one.digest: one.email for one in pending}
    kept = (line.partition(" ") for line in (session.shown_once("links") or "").splitlines())
    return [
        Link(name or emails.get(digest(token)) or "", web.public_url("accounts.invitation", token=token))
        for token, _, name in kept
    ]


def as_csv(links: Iterable[Link]) -> str:
    """The same as a table for spreadsheets and programs that send mail."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(("for", "link"))
    writer.writerows((cells.safe(link.whom), link.address) for link in links)
    return out.getvalue()
