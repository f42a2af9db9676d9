"""More of what must hold"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECKS = {
    "annotators": {"counts_not_negative": "judged >= 0 AND judged_today >= 0"},
    "assignments": {"open_until_closed": "(state = 'open') = (closed_at IS NULL)"},
    "comparisons": {"reason_of_gold": "gold_reason IS NULL OR gold IS NOT NULL"},
    "guidelines": {"version_positive": "version >= 1"},
    "invitations": {"accepted_by_somebody": "(accepted_by IS NULL) = (accepted_at IS NULL)"},
    "jobs": {"finished_when_ended": "(state IN ('queued', 'running')) = (finished_at IS NULL)"},
    "judgments": {"strength_of_a_winner": "strength IS NULL OR outcome IN ('a', 'b')"},
    "projects": {"daily_goal_positive": "daily_goal IS NULL OR daily_goal >= 1"},
    "slots": {"wanted_positive": "wanted >= 1"},
}


def upgrade() -> None:
    for table, checks in CHECKS.items():
        with op.batch_alter_table(table) as batch:
            for name, condition in checks.items():
                batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.text(condition))
            if table == "judgments":
                _tie_to_the_superseded(batch)


def _tie_to_the_superseded(batch: BatchOperations) -> None:
    batch.drop_constraint(op.f("fk_judgments_supersedes_id"), type_="foreignkey")
    batch.drop_index(op.f("ix_judgments_annotator_id_id"))
    batch.create_unique_constraint(
        op.f("uq_judgments_annotator_id_id_comparison_id"), ["annotator_id", "id", "comparison_id"]
    )
    batch.create_foreign_key(
        op.f("fk_judgments_annotator_id_supersedes_id_comparison_id"),
        "judgments",
        ["annotator_id", "supersedes_id", "comparison_id"],
        ["annotator_id", "id", "comparison_id"],
    )


def downgrade() -> None:
    for table, checks in CHECKS.items():
        with op.batch_alter_table(table) as batch:
            if table == "judgments":
                _untie(batch)
            for name in checks:
                batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")


def _untie(batch: BatchOperations) -> None:
    batch.drop_constraint(op.f("fk_judgments_annotator_id_supersedes_id_comparison_id"), type_="foreignkey")
    batch.drop_constraint(op.f("uq_judgments_annotator_id_id_comparison_id"), type_="unique")
    batch.create_index(op.f("ix_judgments_annotator_id_id"), ["annotator_id", "id"])
    batch.create_foreign_key(op.f("fk_judgments_supersedes_id"), "judgments", ["supersedes_id"], ["id"])
