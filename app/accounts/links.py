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

    name: str
    email: str
    address: str

    @property
    def whom(self) -> str:
        """As mail has it; empty where nothing was said."""
        return f"{self.name} <{self.email}>" if self.name and self.email else self.name or self.email


def keep(made: Iterable[Invited]) -> None:
    """For the next page. For whom each is is known of its invitation, so it takes no room in the cookie."""
    session.show_once("links", " ".join(one.token for one in made))


def shown(pending: Sequence[Invitation]) -> list[Link]:
    """Those of the page before, if it made any; ``pending`` are the invitations that can be accepted."""
    whom = {one.digest: (one.name or "", one.email or "") for one in pending}
    return [
        Link(*whom.get(digest(token), ("", "")), web.public_url("accounts.invitation", token=token))
        for token in (session.shown_once("links") or "").split()
    ]


def as_csv(links: Iterable[Link]) -> str:
    """The same as a table for spreadsheets and programs that send mail."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(("name", "email", "link"))
    writer.writerows((cells.safe(link.name), cells.safe(link.email), link.address) for link in links)
    return out.getvalue()
