"""Whoever learns or is tested may pass over a covered pair"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE trials ADD COLUMN passed_over BOOLEAN DEFAULT false NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE trials DROP COLUMN passed_over")
