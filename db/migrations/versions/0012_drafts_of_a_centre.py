"""A draft of a reply is seen by who may see its request, and by nobody else."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OF_ITS_REQUEST = "EXISTS (SELECT FROM request WHERE request.id = reply_draft.request_id)"


def upgrade() -> None:
    op.execute("ALTER TABLE reply_draft ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE reply_draft FORCE ROW LEVEL SECURITY")
    # Row-level security of the request decides within the condition, too.
    op.execute(f"CREATE POLICY centre ON reply_draft USING ({OF_ITS_REQUEST})")


def downgrade() -> None:
    op.execute("DROP POLICY centre ON reply_draft")
    op.execute("ALTER TABLE reply_draft NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE reply_draft DISABLE ROW LEVEL SECURITY")
