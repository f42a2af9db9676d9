"""Slices by criterion, annotator group and time"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In one statement: SQLite adds a constraint only with its column, unless the table is made anew.
    op.execute(
        "ALTER TABLE annotators ADD COLUMN group_name VARCHAR(100) "
        "CONSTRAINT ck_annotators_group_named CHECK (group_name <> '')"
    )
    op.drop_index("ix_judgments_project_id_id", table_name="judgments")
    op.create_index("ix_judgments_project_id_created_at_id", "judgments", ["project_id", "created_at", "id"])
    retired = sa.text("retired_at IS NOT NULL")
    op.create_index(
        "ix_judgments_retired_in_time",
        "judgments",
        ["project_id", "created_at", "id"],
        sqlite_where=retired,
        postgresql_where=retired,
    )
    each = {"sqlite": "json_each", "postgresql": "json_each_text"}[op.get_context().dialect.name]
    op.execute(FILL.format(each=each))


# Written out rather than borrowed from the app: what this step does must not change with the app.
FILL = """
INSERT INTO tallies (project_id, slice_by, slice_value, model_a_id, model_b_id, cluster, outcome, n)
SELECT project_id, 'criterion', criterion, model_a_id, model_b_id, cluster, outcome, count(*)
FROM (
    SELECT j.project_id,
        said.key AS criterion,
        CASE WHEN c.model_a_id < c.model_b_id THEN c.model_a_id ELSE c.model_b_id END AS model_a_id,
        CASE WHEN c.model_a_id < c.model_b_id THEN c.model_b_id ELSE c.model_a_id END AS model_b_id,
        w.cluster,
        CASE WHEN c.model_a_id > c.model_b_id AND said.value = 'a' THEN 'b'
            WHEN c.model_a_id > c.model_b_id AND said.value = 'b' THEN 'a'
            ELSE said.value END AS outcome
    FROM judgments j
    JOIN comparisons c ON c.id = j.comparison_id
    JOIN annotators w ON w.id = j.annotator_id
    JOIN {each}(j.criteria) AS said ON 1 = 1
    WHERE j.retired_at IS NULL AND c.gold IS NULL AND c.model_a_id <> c.model_b_id
) AS counted
GROUP BY project_id, criterion, model_a_id, model_b_id, cluster, outcome
"""


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE slice_by IN ('criterion', 'group')")
    op.drop_index("ix_judgments_retired_in_time", table_name="judgments")
    op.drop_index("ix_judgments_project_id_created_at_id", table_name="judgments")
    op.create_index("ix_judgments_project_id_id", "judgments", ["project_id", "id"])
    op.execute("ALTER TABLE annotators DROP COLUMN group_name")
