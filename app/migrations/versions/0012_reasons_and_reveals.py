"""Reasons of skips, and who has seen which models they judged"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

REASONS = ("language", "subject", "upsetting", "broken", "other")


def upgrade() -> None:
    reason = sa.Enum(*REASONS, name="skip_reason", native_enum=False, create_constraint=True)
    with op.batch_alter_table("assignments") as batch:
        batch.add_column(sa.Column("skip_reason", reason, nullable=True))
        batch.add_column(sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_check_constraint(
            op.f("ck_assignments_reason_of_a_skip"), sa.text("skip_reason IS NULL OR state = 'skipped'")
        )
        batch.create_check_constraint(
            op.f("ck_assignments_judged_once_revealed"), sa.text("revealed_at IS NULL OR state = 'judged'")
        )


def downgrade() -> None:
    with op.batch_alter_table("assignments") as batch:
        for name in ("reason_of_a_skip", "judged_once_revealed", "skip_reason"):
            batch.drop_constraint(op.f(f"ck_assignments_{name}"), type_="check")
        batch.drop_column("skip_reason")
        batch.drop_column("revealed_at")
