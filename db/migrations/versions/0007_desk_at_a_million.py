"""Indexes for the desk: what has changed of late, and names that are found without their rows."""

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
    # Row-level security asks for the centre of every row: here the index itself knows it.
    op.drop_constraint("pk_person_name", "person_name", type_="primary")
    op.execute(
        "ALTER TABLE person_name ADD CONSTRAINT pk_person_name"
        " PRIMARY KEY (key, person_id) INCLUDE (centre_id)"
    )


def downgrade() -> None:
    op.drop_constraint("pk_person_name", "person_name", type_="primary")
    op.create_primary_key("pk_person_name", "person_name", ["key", "person_id"])
    op.drop_index("ix_request_changed", table_name="request")
