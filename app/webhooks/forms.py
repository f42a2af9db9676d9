"""What a lead says of a webhook, for form and JSON alike."""

from typing import Annotated
from urllib.parse import urlsplit

from flask_babel import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.inputs import NO_NUL
from app.models import Event


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        well_formed = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        well_formed = False
    if not well_formed or parts.scheme not in ("http", "https") or not url.isascii() or " " in url:
        raise ValueError(_("Give a whole address: https://example.org/hook"))
    if parts.username or parts.password or parts.fragment:
        raise ValueError(_("An address has no user, password or #part here."))
    return url


def _some(events: list[Event]) -> list[Event]:
    if not events:
        raise ValueError(_("Choose what it is told of."))
    return sorted(set(events), key=list(Event).index)


class WebhookIn(BaseModel):
    """Where to send, and what."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=2000, pattern=NO_NUL),
        AfterValidator(_address),
    ]
    events: Annotated[
        list[Event],
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
        AfterValidator(_some),
    ] = Field(description="judgment: made, changed or withdrawn; batch: all wanted judgments came; alert.")
