"""Flags to the lead"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("kind", _one_of("flag_kind", "broken", "harmful", "identity", "other"), nullable=False),
        sa.Column("message", sa.String(length=2000), nullable=False),
        sa.Column("state", _one_of("flag_state", "open", "closed"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=2000)),
        sa.Column("answered_by_id", sa.Integer()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("message <> ''", name=op.f("ck_flags_message_not_empty")),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_flags_answered_once_answered")
        ),
        sa.CheckConstraint(
            "answer IS NULL OR answered_by_id IS NOT NULL", name=op.f("ck_flags_answered_by_somebody")
        ),
        sa.CheckConstraint("seen_at IS NULL OR answer IS NOT NULL", name=op.f("ck_flags_answer_seen")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_flags_project_id")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_flags_assignment_id")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["accounts.id"], name=op.f("fk_flags_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
        sa.UniqueConstraint("uid", name=op.f("uq_flags_uid")),
    )
    op.create_index(op.f("ix_flags_project_id_state_id"), "flags", ["project_id", "state", "id"])
    op.create_index(op.f("ix_flags_assignment_id_id"), "flags", ["assignment_id", "id"])


def downgrade() -> None:
    op.drop_table("flags")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(
        *values,
        name=op.f(f"ck_flags_{name}"),
        native_enum=False,
        create_constraint=True,
        length=max(map(len, values)),
    )
