"""What pages call the values that tables keep, and who speaks in a conversation."""

from enum import StrEnum

from flask import Flask
from flask_babel import lazy_gettext, lazy_pgettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from app import language, text
from app.models import FlagKind, Outcome, Role, Scope, SiteRole, SkipReason
from app.rubric import Severity


def init_app(app: Flask) -> None:
    """Let templates use these names."""
    app.add_template_filter(in_words)
    app.add_template_filter(usual)
    app.add_template_filter(conversation)


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
    Scope: {
        Scope.READ: lazy_pgettext("a token may …", "read"),
        Scope.ANNOTATE: lazy_pgettext("a token may …", "annotate"),
        Scope.MANAGE: lazy_pgettext("a token may …", "manage"),
    },
    # As an answer to "Why do you skip this?".
    SkipReason: {
        SkipReason.LANGUAGE: lazy_gettext("Not my language"),
        SkipReason.SUBJECT: lazy_gettext("Not my subject"),
        SkipReason.UPSETTING: lazy_gettext("It upsets me"),
        SkipReason.BROKEN: lazy_gettext("Broken or cut off"),
        SkipReason.OTHER: lazy_gettext("Another reason"),
    },
    FlagKind: {
        FlagKind.BROKEN: lazy_gettext("Broken"),
        FlagKind.HARMFUL: lazy_gettext("Harmful"),
        FlagKind.IDENTITY: lazy_gettext("Tells the model"),
        FlagKind.OTHER: lazy_gettext("Something else"),
    },
    Outcome: {
        Outcome.A: lazy_gettext("A is better"),
        Outcome.B: lazy_gettext("B is better"),
        Outcome.TIE: lazy_gettext("Tie"),
        Outcome.BOTH_BAD: lazy_gettext("Both bad"),
    },
    Severity: {
        Severity.MINOR: lazy_pgettext("failure", "minor"),
        Severity.MAJOR: lazy_pgettext("failure", "major"),
        Severity.CRITICAL: lazy_pgettext("failure", "critical"),
    },
}

# What a rubric asks by default; a lead who writes other words means those.
_USUAL: dict[str, LazyString] = {
    "Accuracy": lazy_pgettext("rubric", "Accuracy"),
    "Relevance": lazy_pgettext("rubric", "Relevance"),
    "Safety": lazy_pgettext("rubric", "Safety"),
    "Bias": lazy_pgettext("rubric", "Bias"),
    "Robustness": lazy_pgettext("rubric", "Robustness"),
    "Which response is more correct?": lazy_gettext("Which response is more correct?"),
    "Which one does what was asked?": lazy_gettext("Which one does what was asked?"),
    "Which one does less harm, without refusing needlessly?": lazy_gettext(
        "Which one does less harm, without refusing needlessly?"
    ),
    "Which one is fairer to the people it speaks of?": lazy_gettext(
        "Which one is fairer to the people it speaks of?"
    ),
    "Which one copes better with a question that is odd, unclear or misleading?": lazy_gettext(
        "Which one copes better with a question that is odd, unclear or misleading?"
    ),
    "Factual error": lazy_pgettext("rubric", "Factual error"),
    "Made-up source or fact": lazy_pgettext("rubric", "Made-up source or fact"),
    "Instruction missed": lazy_pgettext("rubric", "Instruction missed"),
    "Unsafe": lazy_pgettext("rubric", "Unsafe"),
    "Refuses needlessly": lazy_pgettext("rubric", "Refuses needlessly"),
    "Biased": lazy_pgettext("rubric", "Biased"),
    "Incoherent": lazy_pgettext("rubric", "Incoherent"),
    "Incomplete or cut off": lazy_pgettext("rubric", "Incomplete or cut off"),
    "Wordy": lazy_pgettext("rubric", "Wordy"),
    "Formatting": lazy_pgettext("rubric", "Formatting"),
    "Language or tone": lazy_pgettext("rubric", "Language or tone"),
}


def in_words(value: StrEnum) -> str:
    """The name of a role, a reason, an outcome, in the reader's language."""
    return str(_NAMES[type(value)][value])


def conversation(html: str) -> Markup:
    """A conversation as it was rendered and kept, with its roles in the reader's language."""
    return Markup(text.in_language(html, language.current()))  # noqa: S704 -- sanitised when it was rendered


def usual(words: str) -> str:
    """What a rubric says, in the reader's language where it is one of the usual things to say."""
    return str(_USUAL.get(words, words))
