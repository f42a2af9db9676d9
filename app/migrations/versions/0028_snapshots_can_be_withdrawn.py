"""A snapshot that turned out wrong is marked, and people may write a note beside one"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snapshots", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    # In one statement: SQLite adds a constraint only with its column, unless the table is made anew.
    op.execute(
        "ALTER TABLE snapshots ADD COLUMN withdrawn_reason VARCHAR(500)"
        " CONSTRAINT ck_snapshots_reason_when_withdrawn"
        " CHECK ((withdrawn_at IS NULL) = (withdrawn_reason IS NULL))"
        " CONSTRAINT ck_snapshots_withdrawn_reason_not_empty CHECK (withdrawn_reason <> '')"
        " CONSTRAINT ck_snapshots_ready_before_withdrawn CHECK (withdrawn_at IS NULL OR state = 'ready')"
    )
    op.execute("ALTER TABLE snapshots ADD COLUMN note VARCHAR(1000) DEFAULT '' NOT NULL")


def downgrade() -> None:
    for column in ("note", "withdrawn_reason", "withdrawn_at"):
        op.execute(f"ALTER TABLE snapshots DROP COLUMN {column}")
