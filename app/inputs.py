"""What values of input models have in common, whichever room reads them."""

import re
from collections.abc import Container, Iterable
from datetime import UTC, date, datetime

from pydantic import BeforeValidator


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


# A field left empty is one not filled in.
BLANK_IS_NONE = BeforeValidator(_none_if_blank)

# PostgreSQL keeps no NUL character.
NO_NUL = r"^[^\x00]*$"


def parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def one_or_more(value: object) -> object:
    """A list, of one where a text stands alone."""
    return [value] if isinstance(value, str) else value


def told_apart(values: Iterable[str], names: Container[object]) -> list[str]:
    """The names meant: a value is one of them, commas and all, or else several with commas between."""
    return [name for value in values for name in ([value] if value in names else parts(value))]


def day(value: str) -> date | None:
    """A day as people write one, 2026-03-01; None where it is none."""
    try:
        return date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None
    except ValueError:
        return None


def moment(value: str) -> datetime | None:
    """A day with its time, 2026-03-01T09:30:00Z; None where it is none. A bare number is none."""
    try:
        return datetime.fromisoformat(value) if re.match(r"\d{4}-\d\d-\d\d[Tt ]", value) else None
    except ValueError:
        return None


def moment_in_file(value: str | float) -> datetime | None:
    """A time as files of votes have it: an ISO time, or seconds since 1970; None where it is none.

    Numbers over 1e11 are milliseconds. It is in UTC where no zone is given.
    """
    try:
        seconds: float | None = float(value)
    except ValueError:
        seconds = None
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        # RFC 3339 has t and z, too.
        found = datetime.fromisoformat(str(value).upper())
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
