"""Kept tallies, filled from the judgments"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("slice_by", sa.String(length=32), nullable=False),
        sa.Column("slice_value", sa.String(length=200), nullable=False),
        sa.Column("model_a_id", sa.Integer(), nullable=False),
        sa.Column("model_b_id", sa.Integer(), nullable=False),
        sa.Column("cluster", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("a", "b", "tie", "both_bad", name="outcome", native_enum=False, create_constraint=True),
            nullable=False,
        ),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint("model_a_id < model_b_id", name=op.f("ck_tallies_models_ordered")),
        sa.CheckConstraint("n >= 0", name=op.f("ck_tallies_n_not_negative")),
        sa.ForeignKeyConstraint(["model_a_id"], ["models.id"], name=op.f("fk_tallies_model_a_id")),
        sa.ForeignKeyConstraint(["model_b_id"], ["models.id"], name=op.f("fk_tallies_model_b_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_tallies_project_id")),
        sa.PrimaryKeyConstraint(
            "project_id",
            "slice_by",
            "slice_value",
            "model_a_id",
            "model_b_id",
            "cluster",
            "outcome",
            name=op.f("pk_tallies"),
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("tallies")
