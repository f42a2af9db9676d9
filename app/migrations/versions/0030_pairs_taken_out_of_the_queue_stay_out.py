"""Pairs that a lead took out of the queue stay out of it, those of before included.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch, which would write the table anew.
    op.add_column("comparisons", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    # What was queued again since may have been judged on purpose.
    op.execute(
        "UPDATE comparisons SET retired_at = ("
        "SELECT max(at) FROM audit_events WHERE verb = 'comparison.retire'"
        " AND audit_events.project_id = comparisons.project_id"
        " AND subject = 'comparison:' || comparisons.pair_id)"
        " WHERE (project_id, pair_id) IN (SELECT project_id, substr(subject, 12) FROM audit_events"
        " WHERE verb = 'comparison.retire')"
        " AND NOT EXISTS (SELECT 1 FROM slots WHERE slots.comparison_id = comparisons.id)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE comparisons DROP COLUMN retired_at")
