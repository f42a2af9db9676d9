"""The votes of each comparison are counted, so that divided ones are found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

OUTCOMES = ("a", "b", "tie", "both_bad")
DIVIDED = sa.text("a * (b + tie + both_bad) + b * (tie + both_bad) + tie * both_bad > 0")


def upgrade() -> None:
    op.create_table(
        "vote_counts",
        sa.Column("comparison_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        *(sa.Column(outcome, sa.Integer(), nullable=False) for outcome in OUTCOMES),
        sa.CheckConstraint(
            "a >= 0 AND b >= 0 AND tie >= 0 AND both_bad >= 0", name=op.f("ck_vote_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["comparison_id"], ["comparisons.id"], name=op.f("fk_vote_counts_comparison_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_vote_counts_project_id")),
        sa.PrimaryKeyConstraint("comparison_id", name=op.f("pk_vote_counts")),
    )
    sums = ", ".join(f"sum(CASE outcome WHEN '{outcome}' THEN 1 ELSE 0 END)" for outcome in OUTCOMES)
    op.execute(
        f"INSERT INTO vote_counts (comparison_id, project_id, {', '.join(OUTCOMES)}) "  # noqa: S608 -- our own names
        f"SELECT comparison_id, min(project_id), {sums} FROM judgments WHERE retired_at IS NULL "
        "GROUP BY comparison_id"
    )
    op.create_index(
        "ix_vote_counts_divided",
        "vote_counts",
        ["project_id", "comparison_id"],
        sqlite_where=DIVIDED,
        postgresql_where=DIVIDED,
    )


def downgrade() -> None:
    op.drop_table("vote_counts")
