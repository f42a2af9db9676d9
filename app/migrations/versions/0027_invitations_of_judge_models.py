"""An invitation may say that a judge model is to judge"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In one statement: SQLite adds a constraint only with its column, unless the table is made anew.
    op.execute(
        "ALTER TABLE invitations ADD COLUMN kind VARCHAR(5)"
        " CONSTRAINT ck_invitations_annotator_kind CHECK (kind IN ('human', 'model'))"
        " CONSTRAINT ck_invitations_kind_with_role CHECK (kind IS NULL OR role IS NOT NULL)"
        " CONSTRAINT ck_invitations_judge_model_may_judge"
        " CHECK (kind = 'human' OR role IN ('lead', 'reviewer', 'annotator'))"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE invitations DROP COLUMN kind")
