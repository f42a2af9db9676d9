"""Training, a test before live judging, and which guideline somebody has read"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

# In one statement each: SQLite adds a constraint only with its column, unless the table is made anew.
COLUMNS = {
    "projects": {
        "training": "BOOLEAN NOT NULL DEFAULT false",
        "test_size": "INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_projects_test_size_not_negative"
        " CHECK (test_size >= 0)",
        "test_pass": "INTEGER NOT NULL DEFAULT 80 CONSTRAINT ck_projects_test_pass_percent"
        " CHECK (test_pass BETWEEN 1 AND 100)",
        "test_attempts": "INTEGER NOT NULL DEFAULT 2 CONSTRAINT ck_projects_test_attempts_positive"
        " CHECK (test_attempts >= 1)",
        "rereads": "BOOLEAN NOT NULL DEFAULT false",
        "explains_gold": "BOOLEAN NOT NULL DEFAULT false",
    },
    "annotators": {
        "stage": "VARCHAR(8) NOT NULL DEFAULT 'live' CONSTRAINT ck_annotators_stage"
        " CHECK (stage IN ('training', 'test', 'live', 'failed'))",
        "guideline_read": "INTEGER NOT NULL DEFAULT 0",
        "guideline_news": "BOOLEAN NOT NULL DEFAULT false",
    },
    "comparisons": {
        "gold_use": "VARCHAR(8) CONSTRAINT ck_comparisons_gold_use CHECK (gold_use IN ('training', 'test'))"
        " CONSTRAINT ck_comparisons_use_of_gold CHECK (gold_use IS NULL OR gold IS NOT NULL)",
    },
    "assignments": {
        "told_at": "{time} CONSTRAINT ck_assignments_judged_once_told"
        " CHECK (told_at IS NULL OR state = 'judged')",
    },
}


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True)


def upgrade() -> None:
    time = TIME.compile(dialect=op.get_bind().dialect)
    for table, columns in COLUMNS.items():
        for name, column in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {column.format(time=time)}")
    # Who has judged is taken to have read what was in force then.
    op.execute(
        "UPDATE annotators SET guideline_read = coalesce((SELECT max(version) FROM guidelines"
        " JOIN judgments ON judgments.guideline_id = guidelines.id"
        " WHERE judgments.annotator_id = annotators.id), 0)"
    )
    _index_gold("project_id", "id", "gold", "gold_use")
    _make_trials()


def _index_gold(*columns: str) -> None:
    gold = sa.text("gold IS NOT NULL")
    op.drop_index("ix_comparisons_gold", "comparisons")
    op.create_index(
        "ix_comparisons_gold", "comparisons", list(columns), sqlite_where=gold, postgresql_where=gold
    )


def _make_trials() -> None:
    outcome = _enum("trial_outcome", "a", "b", "tie", "both_bad")
    op.create_table(
        "trials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("swapped", sa.Boolean(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("outcome", outcome, nullable=True),
        sa.Column("correct", sa.Boolean(), nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("retired_at", TIME, nullable=True),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_trials_attempt_not_negative")),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_at IS NULL) AND (outcome IS NULL) = (correct IS NULL)",
            name=op.f("ck_trials_answered_in_full"),
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name=op.f("fk_trials_annotator_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparisons.id"], name=op.f("fk_trials_comparison_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
        sa.UniqueConstraint("uid", name=op.f("uq_trials_uid")),
    )
    op.create_index(op.f("ix_trials_comparison_id"), "trials", ["comparison_id"])
    live = sa.text("retired_at IS NULL")
    op.create_index(
        "uq_trials_live",
        "trials",
        ["annotator_id", "attempt", "comparison_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def downgrade() -> None:
    op.drop_table("trials")
    _index_gold("project_id", "id", "gold")
    for table, columns in COLUMNS.items():
        for name in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
