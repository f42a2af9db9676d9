"""A delivery that a lead asks for by hand is tried before any other."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch, which would write the table anew.
    op.add_column("deliveries", sa.Column("by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_deliveries_by_hand",
        "deliveries",
        ["webhook_id", "id"],
        sqlite_where=sa.text("by_hand = 1"),
        postgresql_where=sa.text("by_hand"),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_by_hand", "deliveries")
    op.execute("ALTER TABLE deliveries DROP COLUMN by_hand")
