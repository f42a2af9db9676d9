"""One vocabulary of errors, the same for pages, the API and the command line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError
from pydantic.config import ExtraValues
from pydantic_core import ErrorDetails

Input = TypeVar("Input", bound=BaseModel)


def _(text: str) -> str:
    """A sentence in the reader's language."""
    # Not at the top: `tiebreak rank` starts without the web.
    from flask_babel import gettext

    return gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """The same where a number decides."""
    import flask_babel

    said: str = flask_babel.ngettext(one, many, number)
    return said


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
        # Beside what RFC 9457 names, in the document alone.
        self.members: dict[str, Any] = {}

    def by_field(self) -> dict[str, str]:
        """The first error of each top-level field, for a form."""
        return {
            item.pointer.split("/")[1]: item.detail for item in reversed(self.errors) if "/" in item.pointer
        }


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
    def unknown(cls, fields: Iterable[str], there: Iterable[str]) -> "Invalid":
        """Fields that there are none of, and the names of those that there are."""
        detail, expected = _said()["extra_forbidden"], ", ".join(sorted(there))
        if expected:
            detail = f"{detail} {_said()['enum'] % {'expected': expected}}"
        errors = [FieldError(_pointer((field,)), detail) for field in fields]
        return cls(_("Some values are missing or do not fit."), errors)

    def within(self, *place: str | int) -> "Invalid":
        """The same of a part of what was sent, which lies at this place."""
        errors = [FieldError(_pointer(place) + item.pointer, item.detail) for item in self.errors]
        return Invalid(self.detail, errors)


def checked(model: type[Input], values: Any, *, extra: ExtraValues | None = None) -> Input:
    """What came from a form, a file or a command line, as this input model.

    ``extra`` says what becomes of values it has not, in place of the model itself. Raises Invalid
    where something does not fit.
    """
    try:
        return model.model_validate(values, extra=extra)
    except ValidationError as error:
        raise Invalid.of(error) from error


def checked_options(model: type[Input], values: Any) -> Input:
    """What was typed after a command, as this input model.

    Raises click.UsageError where something does not fit, naming options and arguments as they are typed.
    """
    try:
        return checked(model, values)
    except Invalid as invalid:
        said = " ".join(_typed(item.pointer.split("/")[1]) + item.detail for item in invalid.errors)
        raise click.UsageError(said) from invalid


def _typed(field: str) -> str:
    # What options have against each other is of no field.
    if not field:
        return ""
    for param in click.get_current_context().command.params:
        if param.name == field:
            typed = max(param.opts, key=len) if isinstance(param, click.Option) else param.human_readable_name
            return f"{typed}: "
    return f"{field}: "


def checked_json(model: type[Input], body: bytes, *, extra: ExtraValues | None = None) -> Input:
    """A body of JSON as this input model, with every value of its own type: no true for 1, no "5" for 5.

    Raises what ``checked`` raises.
    """
    try:
        return model.model_validate_json(body, strict=True, extra=extra)
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
    if item["type"] in ("value_error", "assertion_error"):
        # Those that are raised where nothing of the web is known are kept in English, see app/words.py.
        told = item["msg"].removeprefix("Value error, ")
        message = _(told)
        return message[:1].upper() + message[1:]
    limits = item.get("ctx", {})
    for kind, limit, sentence in _COUNTED:
        if item["type"] == kind:
            return sentence(limits[limit])
    return _said().get(item["type"], _("This value does not fit.")) % _plain(limits)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    """What pydantic says of an error, with a choice as plain words: "'a', 'b' or 'c'" is "a, b, c"."""
    words = re.split(r", | or ", str(told.get("expected", "")))
    return {**told, "expected": ", ".join(word for word in (each.strip("'") for each in words) if word)}


def _too_long(most: int) -> str:
    return ngettext("Use at most %(num)s character.", "Use at most %(num)s characters.", most)


def _too_short(least: int) -> str:
    return ngettext("Use at least %(num)s character.", "Use at least %(num)s characters.", least)


def _too_many(most: int) -> str:
    return ngettext("Give at most %(num)s.", "Give at most %(num)s.", most)


def _too_few(least: int) -> str:
    return ngettext("Give at least %(num)s.", "Give at least %(num)s.", least)


_COUNTED = (
    ("string_too_long", "max_length", _too_long),
    ("string_too_short", "min_length", _too_short),
    ("too_long", "max_length", _too_many),
    ("too_short", "min_length", _too_few),
)


def _said() -> dict[str, str]:
    """Pydantic's findings by type, in our words and the reader's language."""
    text, day = _("Give text."), _("Give a day, as 2026-03-01.")
    whole, some, list_ = _("Give a whole number."), _("Give a number."), _("Give a list.")
    object_, yes_or_no = _("Give an object with its fields."), _("Say true or false.")
    chosen = _("Choose one of: %(expected)s.")
    return {
        "missing": _("This is required."),
        "extra_forbidden": _("There is no such field."),
        "enum": chosen,
        "literal_error": chosen,
        "string_type": text,
        "string_unicode": text,
        "string_pattern_mismatch": _("This has characters that cannot be here."),
        "int_type": whole,
        "int_parsing": whole,
        "int_from_float": whole,
        "int_parsing_size": _("This number is too large."),
        "float_type": some,
        "float_parsing": some,
        "finite_number": some,
        "greater_than_equal": _("Give %(ge)s or more."),
        "less_than_equal": _("Give %(le)s or less."),
        "greater_than": _("Give more than %(gt)s."),
        "less_than": _("Give less than %(lt)s."),
        "bool_type": yes_or_no,
        "bool_parsing": yes_or_no,
        "date_type": day,
        "date_parsing": day,
        "date_from_datetime_parsing": day,
        "date_from_datetime_inexact": day,
        "list_type": list_,
        "tuple_type": list_,
        "dict_type": object_,
        "model_type": object_,
        "model_attributes_type": object_,
    }
