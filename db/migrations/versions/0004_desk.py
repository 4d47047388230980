"""The desk: accounts of staff and their sessions, drafts of replies, replies written often."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What the processes may do beside reading and adding.
CHANGES = {
    "account": ", UPDATE",
    "recovery_code": ", UPDATE, DELETE",
    "invitation": ", UPDATE, DELETE",
    "desk_session": ", UPDATE, DELETE",
    "reply_draft": ", UPDATE, DELETE",
    "canned_reply": ", UPDATE",
}

# What belongs to no centre is everybody's.
IN_CENTRE = (
    "centre_id IS NULL OR (SELECT current_setting('tralob.centre', true)) IN ('all', centre_id)"
)


def upgrade() -> None:
    create_tables()
    for table, changes in CHANGES.items():
        op.execute(f"GRANT SELECT, INSERT{changes} ON {table} TO tralob_app")
    op.execute("ALTER TABLE canned_reply ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE canned_reply FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY centre ON canned_reply USING ({IN_CENTRE})")


def create_tables() -> None:
    op.create_table(
        "canned_reply",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text_km", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_canned_reply_centre_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
    )
    op.create_index(op.f("ix_canned_reply_centre_id"), "canned_reply", ["centre_id"], unique=False)
    op.create_table(
        "account",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("second_factor", sa.LargeBinary(), nullable=True),
        sa.Column("used_step", sa.BigInteger(), nullable=True),
        sa.Column("wrong_attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.Text(), server_default=sa.text("'km'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_account_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_account")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "desk_session",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["account.staff_id"],
            name=op.f("fk_desk_session_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_desk_session_token_hash")),
    )
    op.create_index("ix_desk_session_expires_at", "desk_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_desk_session_staff_id"), "desk_session", ["staff_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["staff.id"], name=op.f("fk_invitation_invited_by")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["account.staff_id"],
            name=op.f("fk_invitation_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_staff_id"), "invitation", ["staff_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["account.staff_id"],
            name=op.f("fk_recovery_code_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_staff_id"), "recovery_code", ["staff_id"], unique=False)
    op.create_table(
        "reply_draft",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_reply_draft_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_reply_draft_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "request_id", name=op.f("pk_reply_draft")),
    )
    op.create_index(op.f("ix_reply_draft_request_id"), "reply_draft", ["request_id"], unique=False)
    op.add_column(
        "person",
        sa.Column(
            "name_index",
            postgresql.ARRAY(sa.LargeBinary()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.create_index(
        "ix_person_name_index", "person", ["name_index"], unique=False, postgresql_using="gin"
    )


def downgrade() -> None:
    op.drop_index("ix_person_name_index", table_name="person", postgresql_using="gin")
    op.drop_column("person", "name_index")
    op.drop_index(op.f("ix_reply_draft_request_id"), table_name="reply_draft")
    op.drop_table("reply_draft")
    op.drop_index(op.f("ix_recovery_code_staff_id"), table_name="recovery_code")
    op.drop_table("recovery_code")
    op.drop_index(op.f("ix_invitation_staff_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_index(op.f("ix_desk_session_staff_id"), table_name="desk_session")
    op.drop_index("ix_desk_session_expires_at", table_name="desk_session")
    op.drop_table("desk_session")
    op.drop_table("account")
    op.drop_index(op.f("ix_canned_reply_centre_id"), table_name="canned_reply")
    op.drop_table("canned_reply")
