"""How a person reads, beside the account"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SIZES = sa.Enum(
    *("small", "normal", "large", "largest"),
    name="text_size",
    native_enum=False,
    create_constraint=True,
    length=7,
)
SWITCHES = ("stacked", "together", "differences")

MOVE = """
UPDATE accounts SET (text_size, stacked, together, differences) =
    (SELECT text_size, stacked, together, differences FROM readings WHERE account_id = accounts.id)
WHERE id IN (SELECT account_id FROM readings)
"""
MOVE_BACK = """
INSERT INTO readings (account_id, text_size, stacked, together, differences)
SELECT id, text_size, stacked, together, differences FROM accounts
"""


def upgrade() -> None:
    with op.batch_alter_table("accounts") as batch:
        batch.add_column(sa.Column("text_size", SIZES, nullable=False, server_default="normal"))
        for name in SWITCHES:
            batch.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(MOVE)
    op.drop_table("readings")


def downgrade() -> None:
    op.create_table(
        "readings",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("text_size", SIZES, nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in SWITCHES),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_readings_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_readings")),
    )
    op.execute(MOVE_BACK)
    with op.batch_alter_table("accounts") as batch:
        batch.drop_constraint(op.f("ck_accounts_text_size"), type_="check")
        for name in ("text_size", *SWITCHES):
            batch.drop_column(name)
