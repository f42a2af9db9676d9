"""Comparisons by prompt, for exports"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEX = "ix_comparisons_project_id_prompt_id_id"


def upgrade() -> None:
    op.create_index(INDEX, "comparisons", ["project_id", "prompt_id", "id"])


def downgrade() -> None:
    op.drop_index(INDEX, table_name="comparisons")
