"""An invitation keeps the name it was given with."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch, which would write the table anew.
    op.add_column("invitations", sa.Column("name", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.execute("ALTER TABLE invitations DROP COLUMN name")
