"""What pages call the values that tables keep."""

from enum import StrEnum

from flask_babel import lazy_gettext, lazy_pgettext
from flask_babel.speaklater import LazyString

from app.models import Outcome, Role, SiteRole, SkipReason

_NAMES: dict[type[StrEnum], dict[StrEnum, LazyString]] = {
    SiteRole: {
        SiteRole.ADMIN: lazy_pgettext("role", "admin"),
        SiteRole.MEMBER: lazy_pgettext("role", "member"),
    },
    Role: {
        Role.LEAD: lazy_pgettext("role", "lead"),
        Role.REVIEWER: lazy_pgettext("role", "reviewer"),
        Role.ANNOTATOR: lazy_pgettext("role", "annotator"),
        Role.RESEARCHER: lazy_pgettext("role", "researcher"),
        Role.VIEWER: lazy_pgettext("role", "viewer"),
    },
    # As an answer to "Why do you skip this?".
    SkipReason: {
        SkipReason.LANGUAGE: lazy_gettext("Not my language"),
        SkipReason.SUBJECT: lazy_gettext("Not my subject"),
        SkipReason.UPSETTING: lazy_gettext("It upsets me"),
        SkipReason.BROKEN: lazy_gettext("Broken or cut off"),
        SkipReason.OTHER: lazy_gettext("Another reason"),
    },
    Outcome: {
        Outcome.A: lazy_gettext("A is better"),
        Outcome.B: lazy_gettext("B is better"),
        Outcome.TIE: lazy_gettext("Tie"),
        Outcome.BOTH_BAD: lazy_gettext("Both bad"),
    },
}


def in_words(value: StrEnum) -> str:
    """The name of a role, a reason, an outcome, in the reader's language."""
    return str(_NAMES[type(value)][value])
