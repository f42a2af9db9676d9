"""What a token may be used for, and answers that can be had again"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MAY = ("may_read", "may_annotate", "may_manage")


def upgrade() -> None:
    with op.batch_alter_table("tokens") as batch:
        for name in MAY:
            # Tokens that are there could do everything; new rows say what they may.
            batch.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true()))
        batch.add_column(sa.Column("project_id", sa.Integer()))
        batch.create_foreign_key(op.f("fk_tokens_project_id"), "projects", ["project_id"], ["id"])
        batch.create_check_constraint(
            op.f("ck_tokens_may_something"), sa.text("may_read OR may_annotate OR may_manage")
        )
    with op.batch_alter_table("tokens") as batch:
        for name in MAY:
            batch.alter_column(name, server_default=None)
    op.create_table(
        "stored_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_stored_answers_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_answers")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_stored_answers_account_id_key")),
    )
    op.create_index(op.f("ix_stored_answers_created_at"), "stored_answers", ["created_at"])


def downgrade() -> None:
    op.drop_table("stored_answers")
    with op.batch_alter_table("tokens") as batch:
        batch.drop_constraint(op.f("ck_tokens_may_something"), type_="check")
        batch.drop_constraint(op.f("fk_tokens_project_id"), type_="foreignkey")
        for name in (*MAY, "project_id"):
            batch.drop_column(name)
