"""Agencies and what is referred to them with consent; word to staff in Telegram; the log's search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What the processes may do beside reading and adding.
CHANGES = {
    "agency": ", UPDATE",
    "chat_link": ", UPDATE, DELETE",
    "staff_chat": ", UPDATE, DELETE",
    "staff_card": ", UPDATE, DELETE",
    "referral": ", UPDATE, DELETE",
}
OF_A_CENTRE = ("staff_card", "referral")

IN_CENTRE = "(SELECT current_setting('tralob.centre', true)) IN ('all', centre_id)"


# What is written on a request changes its page, if not always the request itself.
ON_EVENT = """
CREATE TRIGGER tell_desk AFTER INSERT ON request_event
FOR EACH ROW EXECUTE FUNCTION tell_desk()
"""


def upgrade() -> None:
    create_agency()
    create_chat_link()
    create_staff_chat()
    create_staff_card()
    create_referral()
    for table, changes in CHANGES.items():
        op.execute(f"GRANT SELECT, INSERT{changes} ON {table} TO tralob_app")
    for table in OF_A_CENTRE:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY centre ON {table} USING ({IN_CENTRE})")
    op.create_index("ix_audit_action", "audit", ["action", "id"])
    op.create_index("ix_audit_actor", "audit", ["actor_id", "id"])
    op.add_column("canned_reply", sa.Column("updated_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE canned_reply SET updated_at = created_at")
    op.alter_column("canned_reply", "updated_at", nullable=False)
    op.execute(ON_EVENT)


def create_agency() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name_km", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("purposes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "places", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("phone_e164", sa.Text(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("is_sensitive", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("phone_e164 ~ '^\\+?[0-9]+$'", name=op.f("ck_agency_phone_e164")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["staff.id"], name=op.f("fk_agency_confirmed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("name_km", name=op.f("uq_agency_name_km")),
    )


def create_chat_link() -> None:
    op.create_table(
        "chat_link",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["account.staff_id"],
            name=op.f("fk_chat_link_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_chat_link_token_hash")),
    )
    op.create_index(op.f("ix_chat_link_code_hash"), "chat_link", ["code_hash"], unique=False)
    op.create_index(op.f("ix_chat_link_staff_id"), "chat_link", ["staff_id"], unique=False)


def create_staff_chat() -> None:
    op.create_table(
        "staff_chat",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "at_any_hour", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["address.id"],
            name=op.f("fk_staff_chat_address_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["account.staff_id"],
            name=op.f("fk_staff_chat_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_chat")),
        sa.UniqueConstraint("address_id", name=op.f("uq_staff_chat_address_id")),
    )


def create_staff_card() -> None:
    op.create_table(
        "staff_card",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("cause_key", sa.Text(), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("climb_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cause IN ('urgent', 'overdue')", name=op.f("ck_staff_card_cause")),
        sa.CheckConstraint(
            "level IN ('worker', 'owner', 'manager', 'administrator')",
            name=op.f("ck_staff_card_level"),
        ),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox.id"], name=op.f("fk_staff_card_outbox_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            name=op.f("fk_staff_card_request_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_card_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_card")),
        sa.UniqueConstraint("cause_key", name=op.f("uq_staff_card_cause_key")),
    )
    op.create_index("ix_staff_card_centre_id", "staff_card", ["centre_id"], unique=False)
    op.create_index(
        "ix_staff_card_climb_at",
        "staff_card",
        ["climb_at"],
        unique=False,
        postgresql_where=sa.text("climb_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_staff_card_outbox_id"), "staff_card", ["outbox_id"], unique=False)
    op.create_index("ix_staff_card_request_id", "staff_card", ["request_id", "id"], unique=False)
    op.create_index(
        "ix_staff_card_staff_id", "staff_card", ["staff_id", "created_at"], unique=False
    )


def create_referral() -> None:
    op.create_table(
        "referral",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("shared", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("need", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("consent_version", sa.Text(), nullable=True),
        sa.Column("consent_note", sa.LargeBinary(), nullable=True),
        sa.Column("question_id", sa.BigInteger(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("consent IN ('message', 'told')", name=op.f("ck_referral_consent")),
        sa.CheckConstraint(
            "state IN ('asked', 'agreed', 'refused', 'given', 'accepted', 'declined', 'done', 'ended')",
            name=op.f("ck_referral_state"),
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'refused', 'ended') OR (consent IS NOT NULL AND agreed_at IS NOT NULL)",
            name=op.f("ck_referral_agreed"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_referral_agency_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_referral_made_by")),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["question.id"],
            name=op.f("fk_referral_question_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            name=op.f("fk_referral_request_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    op.create_index("ix_referral_agency_id", "referral", ["agency_id"], unique=False)
    op.create_index("ix_referral_centre_id", "referral", ["centre_id"], unique=False)
    op.create_index(op.f("ix_referral_question_id"), "referral", ["question_id"], unique=False)
    op.create_index("ix_referral_request_id", "referral", ["request_id", "id"], unique=False)


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_desk ON request_event")
    op.drop_column("canned_reply", "updated_at")
    op.drop_index("ix_audit_actor", table_name="audit")
    op.drop_index("ix_audit_action", table_name="audit")
    op.drop_index("ix_referral_request_id", table_name="referral")
    op.drop_index(op.f("ix_referral_question_id"), table_name="referral")
    op.drop_index("ix_referral_centre_id", table_name="referral")
    op.drop_index("ix_referral_agency_id", table_name="referral")
    op.drop_table("referral")
    op.drop_index("ix_staff_card_staff_id", table_name="staff_card")
    op.drop_index("ix_staff_card_request_id", table_name="staff_card")
    op.drop_index(op.f("ix_staff_card_outbox_id"), table_name="staff_card")
    op.drop_index(
        "ix_staff_card_climb_at",
        table_name="staff_card",
        postgresql_where=sa.text("climb_at IS NOT NULL"),
    )
    op.drop_index("ix_staff_card_centre_id", table_name="staff_card")
    op.drop_table("staff_card")
    op.drop_table("staff_chat")
    op.drop_index(op.f("ix_chat_link_staff_id"), table_name="chat_link")
    op.drop_index(op.f("ix_chat_link_code_hash"), table_name="chat_link")
    op.drop_table("chat_link")
    op.drop_table("agency")
