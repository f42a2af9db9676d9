"""The statements of claiming and judging, compiled once; a verb's body says in which order they run.

Conditions that a partial index must recognise are written out, never bound.
"""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.models import (
    Annotator,
    Assignment,
    Comparison,
    Decline,
    Draft,
    Guideline,
    Judgment,
    Prompt,
    RubricVersion,
    Slot,
)
from app.prepared import Prepared, table

annotators, assignments, comparisons = table(Annotator), table(Assignment), table(Comparison)
judgments, slots, prompts = table(Judgment), table(Slot), table(Prompt)

annotator = sa.bindparam("annotator_id", type_=sa.Integer)
project = sa.bindparam("project_id", type_=sa.Integer)
comparison = sa.bindparam("comparison_id", type_=sa.Integer)
is_open = sa.text("assignments.state = 'open'")
has_room = sa.text("slots.taken < slots.wanted")

_theirs = annotators.c.project_id == project, annotators.c.account_id == sa.bindparam("account_id")
# Locked so that two pages of one annotator claim and judge one after the other.
ANNOTATOR = Prepared(sa.select(*annotators.c).where(*_theirs).with_for_update())
ANNOTATOR_ID = Prepared(sa.select(annotators.c.id).where(*_theirs))

OPEN_ASSIGNMENT = Prepared(
    sa.select(*(assignments.c[name] for name in ("id", "uid", "comparison_id", "swapped", "draft")))
    .where(assignments.c.annotator_id == annotator, is_open)
    .order_by(assignments.c.id)
    .limit(1)
)

_place = (slots.c.taken, slots.c.position, slots.c.comparison_id)
_free = sa.and_(slots.c.project_id == project, has_room)


def had(
    comparison_id: "sa.ColumnElement[int]", annotator_id: "sa.ColumnElement[int] | int" = annotator
) -> "sa.ColumnElement[bool]":
    """Whether an annotator holds a comparison or is done with it; one given back counts as neither."""
    return sa.exists(
        sa.select(1).where(
            assignments.c.comparison_id == comparison_id,
            assignments.c.annotator_id == annotator_id,
            sa.text("assignments.state <> 'released'"),
        )
    )


_not_mine = ~had(slots.c.comparison_id)
_not_gold = ~sa.exists(
    sa.select(1).where(comparisons.c.id == slots.c.comparison_id, sa.text("comparisons.gold IS NOT NULL"))
)


def _take(*where: sa.ColumnElement[bool]) -> Prepared:
    """Take the first free place that this annotator may have; returns where it stood."""
    found = (
        sa.select(slots.c.comparison_id)
        .where(_free, _not_mine, _not_gold, *where)
        .order_by(*_place)
        .limit(1)
        .with_for_update(of=slots, skip_locked=True)
        .correlate(None)
    )
    taking = sa.update(slots).where(slots.c.comparison_id == found.scalar_subquery())
    stood = (slots.c.taken - 1).label("taken")
    return Prepared(
        taking.values(taken=slots.c.taken + 1).returning(stood, slots.c.position, slots.c.comparison_id)
    )


# Long enough to pass what others hold at this moment, short enough to cost nothing.
FRONT = 20
_front = slots.alias("front")
_in_front = slots.c.comparison_id.in_(
    sa.select(_front.c.comparison_id)
    .where(_front.c.project_id == project, sa.text("front.taken < front.wanted"))
    .order_by(_front.c.taken, _front.c.position, _front.c.comparison_id)
    .limit(FRONT)
)
_after = sa.tuple_(*_place) > sa.tuple_(
    *(sa.bindparam(name, type_=sa.Integer) for name in ("taken", "position", "after"))
)
MOVE_CURSOR = Prepared(
    sa.update(annotators)
    .where(annotators.c.id == annotator)
    .values(
        cursor_taken=sa.bindparam("taken"),
        cursor_position=sa.bindparam("position"),
        cursor_comparison_id=comparison,
    )
)

TAKE_SLOT = Prepared(
    sa.update(slots).where(slots.c.comparison_id == comparison, has_room).values(taken=slots.c.taken + 1)
)
FREE_SLOT = Prepared(
    sa.update(slots)
    .where(slots.c.comparison_id == comparison, slots.c.taken > 0)
    .values(taken=slots.c.taken - 1)
)


def _unjudged_gold(*where: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(comparisons.c.id)
        .where(
            comparisons.c.project_id == project,
            sa.text("comparisons.gold IS NOT NULL"),
            # Those of the training round and the test are known to be gold.
            sa.text("comparisons.gold_use IS NULL"),
            ~had(comparisons.c.id),
            *where,
        )
        .order_by(comparisons.c.id)
        .limit(1)
    )


class Takes(NamedTuple):
    """How somebody comes by the next comparison: at the front of the queue, further on, or a gold one."""

    in_front: Prepared
    after: Prepared
    gold: Prepared


def taking(allowed: sa.ColumnElement[bool]) -> Takes:
    """Statements that pass over all comparisons whose prompts are not allowed."""

    def of(comparison_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        one = comparisons.alias("one")
        prompt = sa.join(one, prompts, one.c.prompt_id == prompts.c.id)
        return sa.exists(sa.select(1).select_from(prompt).where(one.c.id == comparison_id, allowed))

    queued = of(slots.c.comparison_id)
    return Takes(_take(_in_front, queued), _take(_after, queued), _unjudged_gold(of(comparisons.c.id)))


ALL = Takes(_take(_in_front), _take(_after), _unjudged_gold())

# What somebody holds, and of which category.
IN_HAND = Prepared(
    sa.select(
        assignments.c.id,
        assignments.c.uid,
        assignments.c.comparison_id,
        prompts.c.category,
        comparisons.c.gold,
    )
    .select_from(
        sa.join(assignments, comparisons, assignments.c.comparison_id == comparisons.c.id).join(
            prompts, comparisons.c.prompt_id == prompts.c.id
        )
    )
    .where(assignments.c.annotator_id == annotator, is_open)
)
DECLINED = Prepared(
    sa.select(table(Decline).c.category)
    .where(table(Decline).c.annotator_id == annotator)
    .order_by(table(Decline).c.category)
)
EXPOSE = Prepared(
    sa.update(annotators)
    .where(annotators.c.id == annotator)
    .values(exposed_on=sa.bindparam("day", type_=sa.Date), exposed=sa.bindparam("so_many", type_=sa.Integer))
)


def _assign(insert: "type[sqlite.Insert] | type[postgresql.Insert]") -> sa.Insert:
    names = ("uid", "comparison_id", "annotator_id", "swapped", "opened_at")
    new = insert(assignments).values(
        {name: sa.bindparam(name, type_=assignments.c[name].type) for name in names}
        | {"state": "open", "draft": 0}
    )
    # Whose lease ran out may have it again, in the order they saw it in and with their draft;
    # anybody's other assignment stays what it is.
    again = new.on_conflict_do_update(
        index_elements=["comparison_id", "annotator_id"],
        set_={name: new.excluded[name] for name in ("opened_at", "state")} | {"closed_at": None},
        where=sa.text("assignments.state = 'released'"),
    )
    return again.returning(*(assignments.c[name] for name in ("id", "uid", "swapped", "draft")))


ASSIGN = Prepared(sqlite=_assign(sqlite.Insert), postgresql=_assign(postgresql.Insert))

RELEASE_EXPIRED = Prepared(
    sa.update(assignments)
    .where(
        is_open,
        assignments.c.opened_at < sa.bindparam("before", type_=assignments.c.opened_at.type),
        assignments.c.comparison_id.in_(
            sa.select(slots.c.comparison_id).where(
                slots.c.project_id == project, slots.c.comparison_id == assignments.c.comparison_id
            )
        ),
    )
    .values(state="released", closed_at=sa.bindparam("at", type_=assignments.c.closed_at.type))
    .returning(assignments.c.uid, assignments.c.comparison_id)
)

_latest_guideline = (
    sa.select(table(Guideline).c.id)
    .where(table(Guideline).c.project_id == comparisons.c.project_id)
    .order_by(table(Guideline).c.version.desc())
    .limit(1)
    .scalar_subquery()
)

rubrics = table(RubricVersion)
# As text, which is what a rubric is kept parsed by.
_content = sa.cast(rubrics.c.content, sa.Text).label("content")

_other = assignments.alias("other")
# All that a judgment of an assignment needs to know, and whether it was made already. Not one
# statement with ANNOTATOR: what waited for the lock would still see what was there before.
ASSIGNED = Prepared(
    sa.select(
        assignments.c.id,
        assignments.c.state,
        assignments.c.swapped,
        assignments.c.revealed_at,
        assignments.c.draft,
        assignments.c.told_at,
        assignments.c.comparison_id,
        assignments.c.annotator_id,
        comparisons.c.model_a_id,
        comparisons.c.model_b_id,
        comparisons.c.gold,
        prompts.c.category,
        prompts.c.language,
        _latest_guideline.label("guideline_id"),
        rubrics.c.id.label("rubric_id"),
        rubrics.c.version.label("rubric_version"),
        _content.label("rubric"),
        sa.select(judgments.c.id)
        .where(judgments.c.submission_id == sa.bindparam("submission_id"))
        .scalar_subquery()
        .label("known_id"),
        ~sa.exists(
            sa.select(1).where(
                _other.c.annotator_id == annotator,
                sa.text("other.state = 'open'"),
                _other.c.id != assignments.c.id,
            )
        ).label("only_one"),
    )
    .select_from(
        sa.join(assignments, comparisons, assignments.c.comparison_id == comparisons.c.id)
        .join(prompts, comparisons.c.prompt_id == prompts.c.id)
        .outerjoin(
            rubrics,
            sa.and_(rubrics.c.project_id == comparisons.c.project_id, sa.text("rubrics.retired_at IS NULL")),
        )
    )
    .where(assignments.c.uid == sa.bindparam("uid"), assignments.c.annotator_id == annotator)
)

JUDGMENT = Prepared(sa.select(*judgments.c).where(judgments.c.id == sa.bindparam("judgment_id")))
LIVE_JUDGMENT = Prepared(
    sa.select(*judgments.c).where(
        judgments.c.comparison_id == comparison,
        judgments.c.annotator_id == annotator,
        sa.text("judgments.retired_at IS NULL"),
    )
)
LAST_JUDGED = Prepared(
    sa.select(assignments.c.uid, assignments.c.told_at, assignments.c.revealed_at)
    .select_from(sa.join(judgments, assignments, judgments.c.assignment_id == assignments.c.id))
    .where(judgments.c.annotator_id == annotator, sa.text("judgments.retired_at IS NULL"))
    .order_by(judgments.c.id.desc())
    .limit(1)
)
ADD_JUDGMENT = Prepared(
    sa.insert(judgments).values(
        {
            column.name: sa.bindparam(column.name, type_=column.type)
            for column in judgments.c
            if column.name not in ("id", "preference", "retired_at")
        }
    )
)
RETIRE_JUDGMENT = Prepared(
    sa.update(judgments)
    .where(judgments.c.id == sa.bindparam("judgment_id"), sa.text("judgments.retired_at IS NULL"))
    .values(retired_at=sa.bindparam("at", type_=judgments.c.retired_at.type))
)
CLOSE_ASSIGNMENT = Prepared(
    sa.update(assignments)
    .where(assignments.c.id == sa.bindparam("assignment_id"), assignments.c.state == sa.bindparam("was"))
    .values(
        state=sa.bindparam("to"),
        closed_at=sa.bindparam("at", type_=assignments.c.closed_at.type),
        skip_reason=sa.bindparam("reason"),
    )
)
drafts = table(Draft)
DRAFT = Prepared(sa.select(drafts.c.entered).where(drafts.c.assignment_id == sa.bindparam("assignment_id")))
DROP_DRAFT = Prepared(sa.delete(drafts).where(drafts.c.assignment_id == sa.bindparam("assignment_id")))
# None where another tab or another device has saved one since.
COUNT_DRAFT = Prepared(
    sa.update(assignments)
    .where(
        assignments.c.id == sa.bindparam("assignment_id"),
        assignments.c.draft == sa.bindparam("version", type_=sa.Integer),
    )
    .values(draft=assignments.c.draft + 1)
    .returning(assignments.c.draft)
)
REVEAL = Prepared(
    sa.update(assignments)
    .where(
        assignments.c.id == sa.bindparam("assignment_id"),
        sa.text("assignments.state = 'judged'"),
        assignments.c.revealed_at.is_(None),
    )
    .values(revealed_at=sa.bindparam("at", type_=assignments.c.revealed_at.type))
)
TELL = Prepared(
    sa.update(assignments)
    .where(assignments.c.id == sa.bindparam("assignment_id"))
    .values(told_at=sa.bindparam("at", type_=assignments.c.told_at.type))
)
GOLD_REASON = Prepared(sa.select(comparisons.c.gold_reason).where(comparisons.c.id == comparison))
COUNT_FOR_ANNOTATOR = Prepared(
    sa.update(annotators)
    .where(annotators.c.id == annotator)
    .values(
        judged=annotators.c.judged + sa.bindparam("judged", type_=sa.Integer),
        changes=annotators.c.changes + 1,
        today=sa.bindparam("day", type_=sa.Date),
        judged_today=sa.bindparam("judged_today", type_=sa.Integer),
    )
    .returning(*annotators.c)
)
LIVE_RUBRIC = Prepared(
    sa.select(rubrics.c.version, _content).where(
        rubrics.c.project_id == project, sa.text("rubrics.retired_at IS NULL")
    )
)
RUBRIC = Prepared(sa.select(rubrics.c.version, _content).where(rubrics.c.id == sa.bindparam("rubric_id")))
# A version that was live while the assignment was in somebody's hands.
RUBRIC_VERSION = Prepared(
    sa.select(rubrics.c.id, _content)
    .select_from(
        sa.join(assignments, comparisons, assignments.c.comparison_id == comparisons.c.id).join(
            rubrics, rubrics.c.project_id == comparisons.c.project_id
        )
    )
    .where(
        assignments.c.id == sa.bindparam("assignment_id"),
        rubrics.c.version == sa.bindparam("version"),
        sa.or_(rubrics.c.retired_at.is_(None), rubrics.c.retired_at >= assignments.c.opened_at),
    )
)
