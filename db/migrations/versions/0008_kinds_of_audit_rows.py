"""An index by which every kind of act in the log is found, also one that hardly ever happens."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_kind", "audit", ["actor", "action", "subject", "id"])
    op.drop_index("ix_audit_action", table_name="audit")


def downgrade() -> None:
    op.create_index("ix_audit_action", "audit", ["action", "id"])
    op.drop_index("ix_audit_kind", table_name="audit")
