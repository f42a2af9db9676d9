"""What is counted beside the judgments names other rows without locking them"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NAMED = {
    "tallies": {"project_id": "projects", "model_a_id": "models", "model_b_id": "models"},
    "vote_counts": {"project_id": "projects", "comparison_id": "comparisons"},
}


def upgrade() -> None:
    for table, columns in NAMED.items():
        with op.batch_alter_table(table, table_kwargs=_kept(table)) as batch:
            for column in columns:
                batch.drop_constraint(op.f(f"fk_{table}_{column}"), type_="foreignkey")


def downgrade() -> None:
    for table, columns in NAMED.items():
        with op.batch_alter_table(table, table_kwargs=_kept(table)) as batch:
            for column, named in columns.items():
                batch.create_foreign_key(op.f(f"fk_{table}_{column}"), named, [column], ["id"])


def _kept(table: str) -> dict[str, bool]:
    # Reflection does not tell SQLite's two kinds of table apart.
    return {"sqlite_with_rowid": False} if table == "tallies" else {}
