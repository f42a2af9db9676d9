"""What people type about accounts, for form and command line alike."""

import re
from collections.abc import Sequence
from typing import Annotated

from flask_babel import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
)
from pydantic_core import PydanticKnownError

from app.inputs import BLANK_IS_NONE
from app.language import LANGUAGES
from app.models import AnnotatorKind, Role, Scope, SiteRole


def _address(value: str) -> str:
    # No mail is sent: an address is a name, and an intranet's may end in anything.
    name, _at, domain = value.rpartition("@")
    if not name or not domain or not value.isprintable() or " " in value:
        raise ValueError(_("This is not an email address."))
    return value.lower()


# What people and mail programs put around an address; inside one, a quote may be an apostrophe.
_OPENING = "<([＜（【《"
_CLOSING = ">)]＞）】》"
_BETWEEN = ' ,;:，；：、،؛"“”«»'
_QUOTES = "'‘’"
_AROUND = re.compile(rf"[\s{re.escape(_OPENING + _CLOSING + _BETWEEN)}]+")


def _complete(value: str) -> str:
    # More likely a slip than an intranet's: whoever has such an address can be invited by name.
    name, _at, domain = value.rpartition("@")
    labels = domain.split(".")
    around = _AROUND.search(value) or value.strip(_QUOTES) != value
    if around or "@" in name or len(labels) < 2 or not all(labels):
        raise ValueError(_("This is not an email address."))
    return value


def _long_enough(value: str) -> str:
    if len(value) < 10:
        raise ValueError(_("Use at least 10 characters; a few words are good."))
    return value


def _named(value: str) -> str:
    if not value:
        raise ValueError(_("Say what to call it."))
    return value


def _spoken(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(_("Choose one of the languages on offer."))
    return value


def _some(value: object) -> object:
    if value == []:
        raise ValueError(_("Choose at least one: a token that may do nothing is of no use."))
    return value


LONGEST_NAME = 200
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_address)]
Language = Annotated[str, AfterValidator(_spoken)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NAME), AfterValidator(_named)
]
NewPassword = Annotated[str, Field(max_length=1000), AfterValidator(_long_enough)]

InvitedEmail = Annotated[Email, AfterValidator(_complete)]
_INVITED_EMAIL = TypeAdapter(InvitedEmail)


class SignInIn(BaseModel):
    """Any two strings: a malformed address is answered as an unknown one is."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254)]
    password: Annotated[str, Field(max_length=1000)]


class AccountIn(BaseModel):
    """A new account."""

    email: Email
    name: Name
    password: NewPassword
    role: SiteRole = SiteRole.MEMBER


class WelcomeIn(BaseModel):
    """The first admin, with the code the server printed."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)]
    email: Email
    name: Name
    password: NewPassword


class NewcomerIn(BaseModel):
    """Who accepts an invitation; where it is for one address, no other is taken."""

    email: Email
    name: Name
    password: NewPassword


class NameIn(BaseModel):
    """A new name."""

    name: Name


class LanguageIn(BaseModel):
    """The language to read in."""

    language: Language


class MeIn(BaseModel):
    """A change of what is known of oneself; what is not sent stays."""

    name: Name | None = None
    language: Language | None = None


class PasswordIn(BaseModel):
    """A change of one's own password."""

    current: str
    new: NewPassword


class NewPasswordIn(BaseModel):
    """A password chosen by link."""

    new: NewPassword


class TokenIn(BaseModel):
    """A new API token: what may be done with it, and in which project alone, if in one."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), AfterValidator(_named)]
    scopes: Annotated[list[Scope], BeforeValidator(_some)] = list(Scope)
    project: Annotated[str | None, BLANK_IS_NONE] = None


class SiteRoleIn(BaseModel):
    """A new role on the site."""

    role: SiteRole


# Their links are kept for one page in a cookie, which takes some 4,000 bytes.
MOST_AT_ONCE = 50


def _lines(value: object) -> object:
    return [line.strip() for line in value.splitlines() if line.strip()] if isinstance(value, str) else value


def _somebody(value: str) -> str:
    if whom(value) == ("", None):
        raise ValueError(_("Say for whom it is: give a name, an email address or both."))
    return value


def _for_anybody(value: int, given: ValidationInfo) -> int:
    if value > 1 and given.data.get("people"):
        raise ValueError(_("Name people or ask for so many, not both: with people named, leave this at 1."))
    return value


def whom(line: str) -> tuple[str, str | None]:
    """The name and the address in a line as people paste them; the address is None where there is none.

    Raises ValueError where what looks like an address is none, where there are two, or where the name is
    longer than an account's may be.
    """
    name, address = _whom(line)
    if len(name) > LONGEST_NAME:
        raise PydanticKnownError("string_too_long", {"max_length": LONGEST_NAME})
    return name, address


def _whom(line: str) -> tuple[str, str | None]:
    text = " ".join(re.sub("mailto:", " ", line, flags=re.IGNORECASE).split())
    words = [word.strip(_QUOTES) for word in _AROUND.split(text) if "@" in word]
    if not words:
        return _bare(text), None
    if len(words) > 1:
        raise ValueError(_("“%(line)s”: give one address a line.", line=line))
    try:
        address = _INVITED_EMAIL.validate_python(words[0])
    except ValueError:
        raise ValueError(_("“%(line)s” holds no email address that could be right.", line=line)) from None
    before, _address, after = text.partition(words[0])
    before, after = before.rstrip(_OPENING + _BETWEEN + _QUOTES), after.lstrip(_CLOSING + _QUOTES)
    return _bare(before + after), address


def _bare(name: str) -> str:
    return name.strip(_BETWEEN + _QUOTES + "<>")


class InvitationIn(BaseModel):
    """An invitation; without a role it is to the site only.

    With an ``email`` nobody else can accept; a ``name`` alone only says for whom it is. ``kind`` says
    whether a person or a judge model will judge; left out, that stays for whoever has judged.
    """

    role: Role | None = None
    kind: Annotated[AnnotatorKind | None, BLANK_IS_NONE] = None
    name: Annotated[Name | None, BLANK_IS_NONE] = None
    email: Annotated[InvitedEmail | None, BLANK_IS_NONE] = None


class InvitationsIn(BaseModel):
    """Several invitations alike: one for each of ``people``, or ``number`` that anybody may accept.

    Of people a name, an address, or both are given, as in ``Kim Lee <kim@example.com>``; where there is an
    address, nobody else can accept.
    """

    role: Role | None = None
    kind: Annotated[AnnotatorKind | None, BLANK_IS_NONE] = None
    people: Annotated[
        list[Annotated[str, Field(max_length=400), AfterValidator(_somebody)]],
        Field(max_length=MOST_AT_ONCE),
        BeforeValidator(_lines),
    ] = []
    # Checked last: what it may be depends on the people.
    number: Annotated[int, Field(ge=1, le=MOST_AT_ONCE), AfterValidator(_for_anybody)] = 1

    def each(self) -> Sequence[tuple[int, InvitationIn]]:
        """The invitations, with the place among ``people``; an address named twice is one."""
        named: dict[str | int, tuple[int, str, str | None]] = {}
        for place, (name, email) in enumerate(map(whom, self.people)):
            # Two people may have one name.
            one = email or place
            if name or one not in named:
                named[one] = place, name, email
        meant = list(named.values()) or [(place, "", None) for place in range(self.number)]
        return [
            (place, InvitationIn(role=self.role, kind=self.kind, name=name, email=email))
            for place, name, email in meant
        ]
