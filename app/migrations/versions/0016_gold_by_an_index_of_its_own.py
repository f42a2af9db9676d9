"""Gold is found by an index that has all it needs"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

GOLD = sa.text("gold IS NOT NULL")


def upgrade() -> None:
    _replace("project_id", "id", "gold")


def downgrade() -> None:
    _replace("project_id", "id")


def _replace(*columns: str) -> None:
    op.drop_index("ix_comparisons_gold", "comparisons")
    op.create_index(
        "ix_comparisons_gold", "comparisons", list(columns), sqlite_where=GOLD, postgresql_where=GOLD
    )
