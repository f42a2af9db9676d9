"""A flag that says what it is needs no message.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("flags") as batch:
        batch.drop_constraint(op.f("ck_flags_message_not_empty"), type_="check")
        batch.create_check_constraint(
            op.f("ck_flags_other_says_what"), sa.text("message <> '' OR kind <> 'other'")
        )


def downgrade() -> None:
    op.execute("UPDATE flags SET message = kind WHERE message = ''")
    with op.batch_alter_table("flags") as batch:
        batch.drop_constraint(op.f("ck_flags_other_says_what"), type_="check")
        batch.create_check_constraint(op.f("ck_flags_message_not_empty"), sa.text("message <> ''"))
