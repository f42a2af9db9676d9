"""Comparisons by prompt, for exports"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("comparisons") as batch:
        batch.create_index(op.f("ix_comparisons_project_id_prompt_id_id"), ["project_id", "prompt_id", "id"])


def downgrade() -> None:
    with op.batch_alter_table("comparisons") as batch:
        batch.drop_index(op.f("ix_comparisons_project_id_prompt_id_id"))
