"""What was left out of an export, told in what it is counted in."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from flask_babel import gettext as _
from flask_babel import ngettext

from app import language
from app.exports.forms import Aggregate, ExportSpec
from app.exports.kto import MIXED
from app.exports.verdicts import NOT_JUDGED


class Unit(StrEnum):
    """What a reason counts."""

    COMPARISONS = "comparisons"
    JUDGMENTS = "judgments"
    RESPONSES = "responses"


def unit(spec: ExportSpec, reason: str) -> Unit:
    """What is counted that was left out for a reason: what would have been a row, as far as it came."""
    if reason == MIXED:
        return Unit.RESPONSES
    if reason == NOT_JUDGED:
        return Unit.COMPARISONS
    return Unit.JUDGMENTS if spec.aggregating is Aggregate.EACH else Unit.COMPARISONS


def units(spec: ExportSpec, reasons: Iterable[str]) -> dict[str, Unit]:
    """The same by reason."""
    return {reason: unit(spec, reason) for reason in reasons}


def counted(what: str, n: int) -> str:
    """So many of a unit, in the reader's language."""
    said = language.number(n)
    if what == Unit.RESPONSES:
        return ngettext("%(n)s response", "%(n)s responses", n, n=said)
    if what == Unit.JUDGMENTS:
        return ngettext("%(n)s judgment", "%(n)s judgments", n, n=said)
    return ngettext("%(n)s comparison", "%(n)s comparisons", n, n=said)


def listed(spec: ExportSpec, excluded: Counter[str]) -> list[str]:
    """What was left out and why, the most frequent first, in the reader's language."""
    return [
        _("%(what)s (%(reason)s)", what=counted(unit(spec, reason), n), reason=language.said(reason))
        for reason, n in excluded.most_common()
    ]
