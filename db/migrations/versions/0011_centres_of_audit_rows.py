"""For which centre somebody worked when they did what the log tells; older rows have none."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("centre", sa.Text(), nullable=True))
    op.create_index(
        "ix_audit_centre",
        "audit",
        ["centre", "id"],
        postgresql_where=sa.text("centre IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_centre", table_name="audit")
    op.drop_column("audit", "centre")
