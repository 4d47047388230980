"""Wrong codes are counted apart: the right password takes the wrong passwords off the count."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "account",
        sa.Column("wrong_codes", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
    )
    # Which of those counted so far were codes nobody knows: they stay counted.
    op.execute("UPDATE account SET wrong_codes = wrong_attempts")


def downgrade() -> None:
    op.drop_column("account", "wrong_codes")
