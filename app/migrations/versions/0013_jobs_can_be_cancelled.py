"""Jobs can be cancelled"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEFORE = ("queued", "running", "done", "failed")


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.add_column(sa.Column("stop_asked_at", sa.DateTime(timezone=True)))
        batch.alter_column("state", type_=sa.String(length=9), existing_nullable=False)
        batch.drop_constraint(op.f("ck_jobs_job_state"), type_="check")
        batch.create_check_constraint(op.f("ck_jobs_job_state"), _one_of(*BEFORE, "cancelled"))


def downgrade() -> None:
    op.execute("UPDATE jobs SET state = 'failed', error = 'It was cancelled.' WHERE state = 'cancelled'")
    with op.batch_alter_table("jobs") as batch:
        batch.drop_constraint(op.f("ck_jobs_job_state"), type_="check")
        batch.create_check_constraint(op.f("ck_jobs_job_state"), _one_of(*BEFORE))
        batch.alter_column("state", type_=sa.String(length=7), existing_nullable=False)
        batch.drop_column("stop_asked_at")


def _one_of(*states: str) -> "sa.TextClause":
    listed = ", ".join(f"'{state}'" for state in states)
    return sa.text(f"state IN ({listed})")
