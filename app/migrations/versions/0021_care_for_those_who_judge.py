"""Warnings, declined categories, breaks and a daily limit of sensitive pairs"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# In one statement each: SQLite adds a constraint only with its column, unless the table is made anew.
COLUMNS = {
    "projects": {
        "warning": "VARCHAR",
        "all_sensitive": "BOOLEAN NOT NULL DEFAULT false",
        "sensitive_categories": "VARCHAR",
        "sensitive_daily": "INTEGER CONSTRAINT ck_projects_sensitive_daily_positive"
        " CHECK (sensitive_daily IS NULL OR sensitive_daily >= 1)",
        "may_decline": "BOOLEAN NOT NULL DEFAULT false",
        "break_minutes": "INTEGER CONSTRAINT ck_projects_break_minutes_positive"
        " CHECK (break_minutes IS NULL OR break_minutes >= 1)",
        "shows_gold": "BOOLEAN NOT NULL DEFAULT false",
    },
    "annotators": {
        "warned": "BOOLEAN NOT NULL DEFAULT false",
        "declined": "INTEGER NOT NULL DEFAULT 0",
        "exposed_on": "DATE",
        "exposed": "INTEGER NOT NULL DEFAULT 0",
    },
}
WHAT = ("warned", "break_taken", "break_passed", "limit_reached")


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, column in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {column}")
    op.create_table(
        "declines",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name=op.f("fk_declines_annotator_id")),
        sa.PrimaryKeyConstraint("annotator_id", "category", name=op.f("pk_declines")),
    )
    op.create_table(
        "care_counts",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "what",
            sa.Enum(*WHAT, name="care", native_enum=False, create_constraint=True),
            nullable=False,
        ),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_care_counts_project_id")),
        sa.PrimaryKeyConstraint("project_id", "day", "what", name=op.f("pk_care_counts")),
    )


def downgrade() -> None:
    op.drop_table("care_counts")
    op.drop_table("declines")
    for table, columns in COLUMNS.items():
        for name in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
