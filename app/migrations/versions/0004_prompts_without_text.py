"""Prompts without text"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    missing = sa.text("messages IS NULL")
    op.create_index(
        "ix_prompts_without_text",
        "prompts",
        ["project_id"],
        sqlite_where=missing,
        postgresql_where=missing,
    )


def downgrade() -> None:
    op.drop_index("ix_prompts_without_text", table_name="prompts")
