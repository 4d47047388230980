"""What has changed of late among the open requests: open pages ask for it again and again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_request_changed",
        "request",
        ["updated_at"],
        postgresql_where=sa.text("state NOT IN ('done', 'withdrawn')"),
    )


def downgrade() -> None:
    op.drop_index("ix_request_changed", table_name="request")
