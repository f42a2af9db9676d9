"""A blank category or language is none

Imports once kept the blank of an empty cell as if it were a name.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

PROJECTS = sa.table("projects", sa.column("id"), sa.column("revision"))
PROMPTS = sa.table("prompts", sa.column("project_id"), sa.column("category"), sa.column("language"))
TALLIES = sa.table("tallies", sa.column("slice_by"), sa.column("slice_value"))
DECLINES = sa.table("declines", sa.column("category"))


def upgrade() -> None:
    for name in ("category", "language"):
        column = PROMPTS.c[name]
        there = op.get_bind().scalars(sa.select(column).where(column.is_not(None)).distinct())
        # Not by the database, which takes fewer characters for blanks.
        blanks = [value for value in there if not value.strip()]
        if blanks:
            _forget(name, column, blanks)


def downgrade() -> None:
    """What was blank before is not known."""


def _forget(name: str, column: "sa.ColumnClause[str]", blanks: list[str]) -> None:
    # What was ranked before is out of date.
    those = sa.select(PROMPTS.c.project_id).where(column.in_(blanks))
    revised = sa.update(PROJECTS).where(PROJECTS.c.id.in_(those))
    op.execute(revised.values(revision=PROJECTS.c.revision + 1))
    op.execute(sa.update(PROMPTS).where(column.in_(blanks)).values({name: None}))
    # A prompt without a category is counted in no slice by category.
    op.execute(sa.delete(TALLIES).where(TALLIES.c.slice_by == name, TALLIES.c.slice_value.in_(blanks)))
    if name == "category":
        op.execute(sa.delete(DECLINES).where(DECLINES.c.category.in_(blanks)))
