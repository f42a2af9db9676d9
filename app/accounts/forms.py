"""What people type about accounts, for form and command line alike."""

from typing import Annotated

from flask_babel import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints

from app.inputs import BLANK_IS_NONE
from app.language import LANGUAGES
from app.models import AnnotatorKind, Role, Scope, SiteRole


def _address(value: str) -> str:
    # No mail is sent: an address is a name, and an intranet's may end in anything.
    name, _at, domain = value.rpartition("@")
    if not name or not domain or not value.isprintable() or " " in value:
        raise ValueError(_("This is not an email address."))
    return value.lower()


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


Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_address)]
Language = Annotated[str, AfterValidator(_spoken)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_named)]
NewPassword = Annotated[str, Field(max_length=1000), AfterValidator(_long_enough)]


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


class InvitationIn(BaseModel):
    """An invitation; without a role it is to the site only.

    ``kind`` says whether a person or a judge model will judge; left out, that stays for whoever has judged.
    """

    role: Role | None = None
    kind: Annotated[AnnotatorKind | None, BLANK_IS_NONE] = None
    email: Annotated[Email | None, BLANK_IS_NONE] = None
