"""Kept tallies, filled from the judgments"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("slice_by", sa.String(length=32), nullable=False),
        sa.Column("slice_value", sa.String(length=200), nullable=False),
        sa.Column("model_a_id", sa.Integer(), nullable=False),
        sa.Column("model_b_id", sa.Integer(), nullable=False),
        sa.Column("cluster", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("a", "b", "tie", "both_bad", name="outcome", native_enum=False, create_constraint=True),
            nullable=False,
        ),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint("model_a_id < model_b_id", name=op.f("ck_tallies_models_ordered")),
        sa.CheckConstraint("n >= 0", name=op.f("ck_tallies_n_not_negative")),
        sa.ForeignKeyConstraint(["model_a_id"], ["models.id"], name=op.f("fk_tallies_model_a_id")),
        sa.ForeignKeyConstraint(["model_b_id"], ["models.id"], name=op.f("fk_tallies_model_b_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_tallies_project_id")),
        sa.PrimaryKeyConstraint(
            "project_id",
            "slice_by",
            "slice_value",
            "model_a_id",
            "model_b_id",
            "cluster",
            "outcome",
            name=op.f("pk_tallies"),
        ),
        sqlite_with_rowid=False,
    )
    for by, value in SLICES.items():
        op.execute(FILL.format(by=by, value=value))


# Written out rather than borrowed from the app: what this step does must not change with the app.
SLICES = {
    "": "''",
    "category": "p.category",
    "language": "p.language",
    "kind": "w.kind",
    "position": """CASE WHEN j.swapped IS NULL THEN NULL
        WHEN j.swapped <> (c.model_a_id > c.model_b_id) THEN 'swapped' ELSE 'straight' END""",
}

FILL = """
INSERT INTO tallies (project_id, slice_by, slice_value, model_a_id, model_b_id, cluster, outcome, n)
SELECT project_id, '{by}', value, model_a_id, model_b_id, cluster, outcome, count(*)
FROM (
    SELECT j.project_id,
        {value} AS value,
        CASE WHEN c.model_a_id < c.model_b_id THEN c.model_a_id ELSE c.model_b_id END AS model_a_id,
        CASE WHEN c.model_a_id < c.model_b_id THEN c.model_b_id ELSE c.model_a_id END AS model_b_id,
        w.cluster,
        CASE WHEN c.model_a_id > c.model_b_id AND j.outcome = 'a' THEN 'b'
            WHEN c.model_a_id > c.model_b_id AND j.outcome = 'b' THEN 'a'
            ELSE j.outcome END AS outcome
    FROM judgments j
    JOIN comparisons c ON c.id = j.comparison_id
    JOIN annotators w ON w.id = j.annotator_id
    JOIN prompts p ON p.id = c.prompt_id
    WHERE j.retired_at IS NULL AND c.gold IS NULL AND c.model_a_id <> c.model_b_id
) AS counted
WHERE value IS NOT NULL
GROUP BY project_id, value, model_a_id, model_b_id, cluster, outcome
"""


def downgrade() -> None:
    op.drop_table("tallies")
