"""Tallies count the shown order beside the outcome, and both kinds together are all there is"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("tallies")
    _create(
        sa.Column("straight", sa.Integer(), nullable=False),
        sa.Column("swapped", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "straight >= 0 AND swapped >= 0 AND straight + swapped <= n",
            name=op.f("ck_tallies_shown_of_all"),
        ),
    )
    more = ", sum(straight), sum(swapped)"
    for by in ("category", "criterion", "group", "kind", "language"):
        _fill(by, columns=", straight, swapped", more=more)


def downgrade() -> None:
    op.drop_table("tallies")
    _create()
    for by in ("", "category", "criterion", "group", "kind", "language", "position"):
        _fill(by)


def _create(*more: sa.schema.SchemaItem) -> None:
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
        *more,
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


def _fill(by: str, columns: str = "", more: str = "") -> None:
    each = {"sqlite": "json_each", "postgresql": "json_each_text"}[op.get_context().dialect.name]
    criterion = by == "criterion"
    op.execute(
        FILL.format(
            by=by,
            value=SLICES[by],
            shown=SHOWN,
            said="said.value" if criterion else "j.outcome",
            joined=f"JOIN {each}(j.criteria) AS said ON 1 = 1" if criterion else "",
            columns=columns,
            more=more,
        )
    )


# Written out rather than borrowed from the app: what this step does must not change with the app.
SHOWN = """CASE WHEN j.swapped IS NULL THEN NULL
    WHEN j.swapped <> (c.model_a_id > c.model_b_id) THEN 'swapped' ELSE 'straight' END"""
SLICES = {
    "": "''",
    "category": "p.category",
    "criterion": "said.key",
    "group": "w.group_name",
    "kind": "w.kind",
    "language": "p.language",
    "position": SHOWN,
}
FILL = """
INSERT INTO tallies (project_id, slice_by, slice_value, model_a_id, model_b_id, cluster, outcome, n{columns})
SELECT project_id, '{by}', value, model_a_id, model_b_id, cluster, outcome, count(*){more}
FROM (
    SELECT counted.*,
        CASE WHEN shown = 'straight' THEN 1 ELSE 0 END AS straight,
        CASE WHEN shown = 'swapped' THEN 1 ELSE 0 END AS swapped
    FROM (
        SELECT j.project_id,
            {value} AS value,
            CASE WHEN c.model_a_id < c.model_b_id THEN c.model_a_id ELSE c.model_b_id END AS model_a_id,
            CASE WHEN c.model_a_id < c.model_b_id THEN c.model_b_id ELSE c.model_a_id END AS model_b_id,
            w.cluster,
            CASE WHEN c.model_a_id > c.model_b_id AND {said} = 'a' THEN 'b'
                WHEN c.model_a_id > c.model_b_id AND {said} = 'b' THEN 'a'
                ELSE {said} END AS outcome,
            {shown} AS shown
        FROM judgments j
        JOIN comparisons c ON c.id = j.comparison_id
        JOIN annotators w ON w.id = j.annotator_id
        JOIN prompts p ON p.id = c.prompt_id
        {joined}
        WHERE j.retired_at IS NULL AND c.gold IS NULL AND c.model_a_id <> c.model_b_id
    ) AS counted
) AS each_judgment
WHERE value IS NOT NULL
GROUP BY project_id, value, model_a_id, model_b_id, cluster, outcome
"""
