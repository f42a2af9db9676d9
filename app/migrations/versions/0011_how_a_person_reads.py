"""How a person reads"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SIZES = ("small", "normal", "large", "largest")


def upgrade() -> None:
    op.create_table(
        "readings",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "text_size",
            sa.Enum(*SIZES, name="text_size", native_enum=False, create_constraint=True, length=7),
            nullable=False,
        ),
        sa.Column("stacked", sa.Boolean(), nullable=False),
        sa.Column("together", sa.Boolean(), nullable=False),
        sa.Column("differences", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_readings_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_readings")),
    )


def downgrade() -> None:
    op.drop_table("readings")
