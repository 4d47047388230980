"""The first tables, who may use them, and which rows of them a centre sees."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Tables in the order of their making.
TABLES = (
    "centre",
    "inbox",
    "loaded_file",
    "place",
    "centre_area",
    "person",
    "address",
    "profile",
    "consent",
    "draft",
    "outbox",
    "request",
    "request_event",
)

# The processes never change or delete what happened to a request. What people agreed to is kept
# for ever; only whose it is may become known later.
CHANGES = {"request_event": "", "consent": ", UPDATE"}

# Rows that belong to a centre. Without a centre in the connection's settings there are none.
OF_A_CENTRE = ("person", "profile", "consent", "request", "request_event")
IN_CENTRE = "(SELECT current_setting('tralob.centre', true)) IN ('all', centre_id)"


def upgrade() -> None:
    create_tables()
    for table in TABLES:
        changes = CHANGES.get(table, ", UPDATE, DELETE")
        op.execute(f"GRANT SELECT, INSERT{changes} ON {table} TO tralob_app")
    for table in OF_A_CENTRE:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY centre ON {table} USING ({IN_CENTRE})")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "centre",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name_km", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("takes_rest", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("to_confirm", sa.Text(), nullable=True),
        sa.CheckConstraint("id ~ '^[a-z][a-z-]*$' AND id <> 'all'", name=op.f("ck_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre")),
    )
    op.create_index(
        "uq_centre_takes_rest",
        "centre",
        ["takes_rest"],
        unique=True,
        postgresql_where=sa.text("takes_rest"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("address_key", postgresql.BYTEA(), nullable=False),
        sa.Column("payload", postgresql.BYTEA(), nullable=True),
        sa.Column(
            "received_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("done_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("error_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("channel", "provider_id", name=op.f("uq_inbox_channel_provider_id")),
    )
    op.create_index(
        "ix_inbox_pending",
        "inbox",
        ["address_key", "id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "loaded_file",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_loaded_file")),
    )
    op.create_table(
        "place",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("name_km", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind_km", sa.Text(), nullable=False),
        sa.Column("kind_en", sa.Text(), nullable=False),
        sa.CheckConstraint("level IN ('province', 'district', 'commune')", name=op.f("ck_place_level")),
        sa.ForeignKeyConstraint(["parent"], ["place.code"], name=op.f("fk_place_parent")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_place")),
    )
    op.create_index(op.f("ix_place_parent"), "place", ["parent"], unique=False)
    op.create_table(
        "centre_area",
        sa.Column("place_code", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_centre_area_centre_id")),
        sa.ForeignKeyConstraint(["place_code"], ["place.code"], name=op.f("fk_centre_area_place_code")),
        sa.PrimaryKeyConstraint("place_code", name=op.f("pk_centre_area")),
    )
    op.create_index(op.f("ix_centre_area_centre_id"), "centre_area", ["centre_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=True),
        sa.Column("birth_year_estimated", sa.Boolean(), nullable=True),
        sa.Column("age_told_at", sa.Date(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("home_code", sa.Text(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("sex IN ('female', 'male', 'other', 'not_said')", name=op.f("ck_person_sex")),
        sa.CheckConstraint("(phone IS NULL) = (phone_index IS NULL)", name=op.f("ck_person_phone_indexed")),
        sa.CheckConstraint(
            "num_nulls(birth_year, birth_year_estimated, age_told_at) IN (0, 3)",
            name=op.f("ck_person_age_whole"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_person_centre_id")),
        sa.ForeignKeyConstraint(["home_code"], ["place.code"], name=op.f("fk_person_home_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("id", "centre_id", name=op.f("uq_person_id_centre_id")),
    )
    op.create_index(op.f("ix_person_centre_id"), "person", ["centre_id"], unique=False)
    op.create_index(op.f("ix_person_home_code"), "person", ["home_code"], unique=False)
    op.create_index(op.f("ix_person_phone_index"), "person", ["phone_index"], unique=False)
    op.create_table(
        "address",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('telegram', 'sms')", name=op.f("ck_address_channel")),
        sa.CheckConstraint("language IN ('km', 'en')", name=op.f("ck_address_language")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_address_person_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("channel", "value_index", name=op.f("uq_address_channel_value_index")),
    )
    op.create_index(op.f("ix_address_person_id"), "address", ["person_id"], unique=False)
    op.create_table(
        "profile",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column(
            "wanted_provinces",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("sectors", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("expected_salary", sa.Integer(), nullable=True),
        sa.Column("salary_currency", sa.Text(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("salary_currency IN ('USD', 'KHR')", name=op.f("ck_profile_salary_currency")),
        sa.CheckConstraint(
            "(expected_salary IS NULL) = (salary_currency IS NULL)",
            name=op.f("ck_profile_salary_has_currency"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id", "centre_id"],
            ["person.id", "person.centre_id"],
            name=op.f("fk_profile_person_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_profile")),
    )
    op.create_index("ix_profile_centre_id", "profile", ["centre_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("wording_version", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(person_id IS NULL) = (centre_id IS NULL)", name=op.f("ck_consent_person_has_centre")),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_consent_address_id")),
        sa.ForeignKeyConstraint(
            ["person_id", "centre_id"],
            ["person.id", "person.centre_id"],
            name=op.f("fk_consent_person_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_latest", "consent", ["address_id", "purpose", "id"], unique=False)
    op.create_index("ix_consent_person_id", "consent", ["person_id"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("answers", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_draft_address_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("address_id", "form", name=op.f("uq_draft_address_id_form")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "not_before",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("leased_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("dedup_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_outbox_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_outbox_dedup_key")),
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("state IN ('sending', 'uncertain')"),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["address_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.create_index(
        "ix_outbox_provider_id",
        "outbox",
        ["provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["lane", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("draft_key", sa.Uuid(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("code ~ '^[0-9]+$'", name=op.f("ck_request_code")),
        sa.CheckConstraint("state IN ('new', 'taken', 'closed')", name=op.f("ck_request_state")),
        sa.CheckConstraint("urgency IN ('normal', 'urgent')", name=op.f("ck_request_urgency")),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_request_address_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_request_centre_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_request_person_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("code", name=op.f("uq_request_code")),
        sa.UniqueConstraint("draft_key", name=op.f("uq_request_draft_key")),
        sa.UniqueConstraint("id", "centre_id", name=op.f("uq_request_id_centre_id")),
    )
    op.create_index(op.f("ix_request_address_id"), "request", ["address_id"], unique=False)
    op.create_index(op.f("ix_request_person_id"), "request", ["person_id"], unique=False)
    op.create_index(
        "ix_request_waiting",
        "request",
        ["centre_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "request_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            name=op.f("fk_request_event_request_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_event")),
    )
    op.create_index("ix_request_event_centre_id", "request_event", ["centre_id"], unique=False)
    op.create_index("ix_request_event_thread", "request_event", ["request_id", "id"], unique=False)
