"""How standings, and what was asked of them, read on a page: ``words`` in the reader's language."""

from collections.abc import Mapping

import flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app import language
from app.leaderboard import words
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.ranked import Row
from app.leaderboard.words import NONE

_NAMES = {
    "category": lazy_gettext("Category"),
    "language": lazy_gettext("Language"),
    "criterion": lazy_gettext("Criterion"),
    "group": lazy_gettext("Annotator group"),
    "kind": lazy_gettext("Kind of annotator"),
}
_BY = {
    "category": lazy_gettext("By category"),
    "language": lazy_gettext("By language"),
    "criterion": lazy_gettext("By criterion"),
    "group": lazy_gettext("By annotator group"),
    "kind": lazy_gettext("By kind of annotator"),
}
_WITHIN = {
    "category": lazy_gettext("in category “%(value)s”"),
    "language": lazy_gettext("in language “%(value)s”"),
    "criterion": lazy_gettext("in criterion “%(value)s”"),
    "group": lazy_gettext("in annotator group “%(value)s”"),
    "kind": lazy_gettext("in kind of annotator “%(value)s”"),
}


def tell_called(called: words.Called) -> None:
    """For the rest of the request: what values of slices are called."""
    flask.g.called = called


def share(row: Row, key: str) -> str:
    """A model's wins, ties or losses as a share of the judgments that did not call both bad."""
    return language.percent(getattr(row, key) / row.counted) if row.counted else NONE


def slice_name(by: str) -> str:
    """What judgments are sliced by, as a label."""
    return str(_NAMES[by])


def by_slice(by: str) -> str:
    """The same as a table's title: "By category"."""
    return str(_BY[by])


def slice_value(value: str, by: str) -> str:
    """A slice's value; the kinds of annotators have names of their own, a criterion has its lead's."""
    found = words.slice_value(value, by, flask.g.get("called", words.Called()))
    return str(_(found)) if by == "kind" and value in words.KINDS else found


def days(query: StandingsQuery) -> str:
    """Which days: "all time", "since 2025-06-01", "2025-06-01 to 2025-06-07"."""
    since, until = query.since, query.until
    if since and until:
        return str(_("%(low)s to %(high)s", low=since, high=until)) if since < until else str(since)
    if since:
        return str(_("since %(day)s", day=since))
    return str(_("until %(day)s", day=until) if until else _("all time"))


def which(query: StandingsQuery) -> str:
    """Which judgments a page is about: "in category “code”, since 2025-06-01", empty for all."""
    parts = []
    if query.value:
        parts.append(str(_WITHIN[query.by]) % {"value": slice_value(query.value, query.by)})
    if not query.always:
        parts.append(days(query))
    return str(_(", ")).join(parts)


def where(query: StandingsQuery) -> str:
    """The same as a sentence goes on with it, empty for all."""
    said = which(query)
    if not said:
        return ""
    return str(_(" %(which)s", which=said)) if query.value else str(_(", ")) + said


def headline(models: int, judgments: int, who: Mapping[str, int], query: StandingsQuery) -> str:
    """How much was judged, and by whom."""
    counted = ngettext("%(n)s judgment", "%(n)s judgments", judgments, n=language.number(judgments))
    by = _judged_by(**who) if query.always and not query.value else ""
    told = _("%(judgments)s by %(who)s", judgments=counted, who=by) if by else counted
    number = ngettext("%(n)s model", "%(n)s models", models, n=language.number(models))
    return f"{number} · {told}{where(query)}"


def _judged_by(people: int, judges: int, simulated: int) -> str:
    """Who judged: "12 people and 1 judge model"."""
    told = (
        (people, ngettext("%(n)s person", "%(n)s people", people, n=language.number(people))),
        (judges, ngettext("%(n)s judge model", "%(n)s judge models", judges, n=language.number(judges))),
        (
            simulated,
            ngettext(
                "%(n)s simulated annotator",
                "%(n)s simulated annotators",
                simulated,
                n=language.number(simulated),
            ),
        ),
    )
    return str(_(" and ")).join(str(said) for number, said in told if number)


def capital(text: str) -> str:
    """As a heading begins."""
    return text[:1].upper() + text[1:]
