"""One vocabulary of errors, the same for pages, the API and the command line."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.config import ExtraValues
from pydantic_core import ErrorDetails

Input = TypeVar("Input", bound=BaseModel)


def _(text: str) -> str:
    """A sentence in the reader's language."""
    # Not at the top: `tiebreak rank` starts without the web.
    from flask_babel import gettext

    return gettext(text)


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one value; ``pointer`` is a JSON pointer (RFC 6901) to it."""

    pointer: str
    detail: str


class Problem(Exception):  # noqa: N818 -- the word of RFC 9457
    """A request that cannot be done; its detail is a sentence for the person who asked."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []
        self.headers: dict[str, str] = {}


class NotFound(Problem):
    """There is no such thing, or it is not this account's to know of."""

    status = HTTPStatus.NOT_FOUND


class Unauthorized(Problem):
    """Nobody is signed in, or the token is not valid."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.headers["WWW-Authenticate"] = 'Bearer realm="Tiebreak"'


class Forbidden(Problem):
    """It is visible, but this role may not do that."""

    status = HTTPStatus.FORBIDDEN


class Conflict(Problem):
    """It clashes with what is already there."""

    status = HTTPStatus.CONFLICT


class Gone(Problem):
    """It was there once, but has expired, been used or been taken back."""

    status = HTTPStatus.GONE


class Invalid(Problem):
    """What was sent does not fit; ``errors`` says where."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    @classmethod
    def of(cls, error: ValidationError) -> "Invalid":
        """Pydantic's findings in this vocabulary."""
        errors = [FieldError(_pointer(item["loc"]), _sentence(item)) for item in error.errors()]
        return cls(_("Some values are missing or do not fit."), errors)

    @classmethod
    def at(cls, field: str, detail: str) -> "Invalid":
        """One field that does not fit."""
        return cls(_("A value does not fit."), [FieldError(f"/{field}", detail)])

    @classmethod
    def unknown(cls, fields: Iterable[str]) -> "Invalid":
        """Fields that there are none of."""
        said = _("Extra inputs are not permitted")
        errors = [FieldError(_pointer((field,)), said) for field in fields]
        return cls(_("Some values are missing or do not fit."), errors)

    def by_field(self) -> dict[str, str]:
        """The first error of each top-level field, for a form."""
        return {
            item.pointer.split("/")[1]: item.detail for item in reversed(self.errors) if "/" in item.pointer
        }


def checked(model: type[Input], values: Any, *, extra: ExtraValues | None = None) -> Input:
    """What came from a form, a file or a command line, as this input model.

    ``extra`` says what becomes of values it has not, in place of the model itself. Raises Invalid
    where something does not fit.
    """
    try:
        return model.model_validate(values, extra=extra)
    except ValidationError as error:
        raise Invalid.of(error) from error


class WrongMediaType(Problem):
    """It may be right, but it is sent as something else."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TooMany(Problem):
    """Asked too often in too short a time."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = str(retry_after)


def _pointer(place: tuple[int | str, ...]) -> str:
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _sentence(item: ErrorDetails) -> str:
    message = _translated().get(item["type"])
    if message is not None:
        return message % item.get("ctx", {})
    # Those that are raised where nothing of the web is known are kept in English, see app/words.py.
    told = item["msg"].removeprefix("Value error, ")
    message = _(told)
    return message[:1].upper() + message[1:]


def _translated() -> dict[str, str]:
    """What pydantic says most often, word for word, in the reader's language."""
    return {
        "missing": _("Field required"),
        "extra_forbidden": _("Extra inputs are not permitted"),
        "enum": _("Input should be %(expected)s"),
        "literal_error": _("Input should be %(expected)s"),
        "string_too_long": _("String should have at most %(max_length)s characters"),
        "string_too_short": _("String should have at least %(min_length)s characters"),
        "int_parsing": _("Give a whole number."),
        "int_parsing_size": _("This number is too large."),
        "greater_than_equal": _("Give %(ge)s or more."),
        "less_than_equal": _("Give %(le)s or less."),
        "greater_than": _("Input should be greater than %(gt)s"),
        "less_than": _("Input should be less than %(lt)s"),
        "float_parsing": _("Give a number."),
        "finite_number": _("Give a number."),
        "bool_parsing": _("Input should be a valid boolean, unable to interpret input"),
        "date_from_datetime_parsing": _("Input should be a valid date or datetime, %(error)s"),
        "datetime_from_date_parsing": _("Input should be a valid datetime or date, %(error)s"),
    }
