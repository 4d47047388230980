"""Threads of requests, consent by purpose, files, questions, staff and the audit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What the processes may do beside reading and adding.
CHANGES = {
    "audit": "",
    "installation": "",
    "staff": ", UPDATE",
    "file": ", UPDATE, DELETE",
    "question": ", UPDATE, DELETE",
}

IN_CENTRE = "(SELECT current_setting('tralob.centre', true)) IN ('all', centre_id)"

STATES = (
    "state IN ('new', 'taken', 'waiting_person', 'waiting_others', 'done', 'reopened', 'withdrawn')"
)
CLIMBED_TO = "climbed_to IN ('owner', 'manager', 'administrator')"
UNSENT = (
    "state IN ('failed', 'undelivered', 'unreachable', 'withheld')"
    " AND purpose IN ('reply', 'follow_up')"
)


def upgrade() -> None:
    change_tables()
    change_outbox_indexes()
    for table, changes in CHANGES.items():
        op.execute(f"GRANT SELECT, INSERT{changes} ON {table} TO tralob_app")
    op.execute("ALTER TABLE file ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE file FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY centre ON file USING ({IN_CENTRE})")
    change_states()


def change_states() -> None:
    """More states and urgencies; what waits now gets a clock of a day."""
    op.drop_constraint(op.f("ck_request_state"), "request")
    op.drop_constraint(op.f("ck_request_urgency"), "request")
    # Whoever migrates owns the tables, and still sees no row without a centre.
    op.execute("SELECT set_config('tralob.centre', 'all', true)")
    op.execute("UPDATE request SET state = 'done' WHERE state = 'closed'")
    # Nobody is known to have taken them: there were no owners.
    op.execute("UPDATE request SET state = 'new' WHERE state = 'taken'")
    op.execute(
        "UPDATE request SET last_person_at = created_at, due_at = created_at + interval '1 day',"
        " climb_at = created_at + interval '1 day' WHERE state = 'new'"
    )
    op.create_check_constraint(op.f("ck_request_state"), "request", STATES)
    op.create_check_constraint(
        op.f("ck_request_urgency"), "request", "urgency IN ('urgent', 'normal', 'low')"
    )
    op.create_check_constraint(op.f("ck_request_climbed_to"), "request", CLIMBED_TO)
    op.create_check_constraint(
        op.f("ck_request_event_actor"), "request_event", "actor IN ('person', 'staff', 'system')"
    )


def change_outbox_indexes() -> None:
    """What waits is found by its time; one message of an address is sent at once, under one id."""
    op.execute(
        "UPDATE outbox SET state = 'uncertain', error_code = 'interrupted' WHERE state = 'sending'"
    )
    op.execute(
        "UPDATE outbox SET provider_id = NULL WHERE channel = 'sms' AND EXISTS (SELECT FROM outbox"
        " AS o WHERE o.channel = 'sms' AND o.provider_id = outbox.provider_id AND o.id < outbox.id)"
    )
    op.drop_index("ix_outbox_waiting", table_name="outbox")
    op.drop_index("ix_outbox_provider_id", table_name="outbox")
    for name, columns, unique, where in (
        ("ix_outbox_waiting", ["lane", "not_before", "id"], False, "state = 'waiting'"),
        ("uq_outbox_sending", ["address_id"], True, "state = 'sending'"),
        (
            "uq_outbox_provider_id",
            ["provider_id"],
            True,
            "channel = 'sms' AND provider_id IS NOT NULL",
        ),
        ("ix_outbox_unsent", ["updated_at"], False, UNSENT),
    ):
        op.create_index(name, "outbox", columns, unique=unique, postgresql_where=sa.text(where))


def undo_outbox_indexes() -> None:
    for name in (
        "ix_outbox_unsent",
        "uq_outbox_provider_id",
        "uq_outbox_sending",
        "ix_outbox_waiting",
    ):
        op.drop_index(name, table_name="outbox")
    for name, columns, where in (
        ("ix_outbox_waiting", ["lane", "id"], "state = 'waiting'"),
        ("ix_outbox_provider_id", ["provider_id"], "provider_id IS NOT NULL"),
    ):
        op.create_index(name, "outbox", columns, postgresql_where=sa.text(where))


def change_tables() -> None:
    op.add_column("request_event", sa.Column("inbox_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_request_event_inbox_id",
        "request_event",
        ["inbox_id"],
        unique=True,
        postgresql_where=sa.text("inbox_id IS NOT NULL"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("is_only", name=op.f("ck_installation_is_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
        sa.UniqueConstraint("is_only", name=op.f("uq_installation_is_only")),
    )
    op.execute("INSERT INTO installation DEFAULT VALUES")
    op.create_index(op.f("ix_outbox_address_id"), "outbox", ["address_id"])
    op.create_index("ix_inbox_address_key", "inbox", ["address_key"])
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column(
            "fields", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.CheckConstraint("actor IN ('person', 'staff', 'system')", name=op.f("ck_audit_actor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_subject", "audit", ["subject", "subject_id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "centre_id IS NOT NULL OR role IN ('administrator', 'auditor')",
            name=op.f("ck_staff_has_centre"),
        ),
        sa.CheckConstraint(
            "role IN ('case_worker', 'safety_focal_point', 'centre_manager', 'administrator', 'auditor')",
            name=op.f("ck_staff_role"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_staff_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )
    op.create_index(op.f("ix_staff_centre_id"), "staff", ["centre_id"], unique=False)
    op.create_table(
        "file",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.LargeBinary(), nullable=True),
        sa.Column("stored_name", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("duration_s", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'kept') = (stored_name IS NOT NULL)", name=op.f("ck_file_kept_has_name")
        ),
        sa.CheckConstraint(
            "kind IN ('voice', 'audio', 'video', 'photo', 'document')", name=op.f("ck_file_kind")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'kept', 'refused', 'lost')", name=op.f("ck_file_state")
        ),
        sa.CheckConstraint(
            "(request_id IS NULL) = (centre_id IS NULL)", name=op.f("ck_file_request_has_centre")
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_file_address_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            name=op.f("fk_file_request_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_file_stored_name")),
    )
    op.create_index(op.f("ix_file_address_id"), "file", ["address_id"], unique=False)
    op.create_index(
        "ix_file_expires_at",
        "file",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index("ix_file_request_id", "file", ["request_id"], unique=False)
    op.create_table(
        "question",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("options", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_question_address_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_question_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index("ix_question_letter", "question", ["address_id", "letter", "id"], unique=False)
    op.create_index(op.f("ix_question_request_id"), "question", ["request_id"], unique=False)
    op.add_column("address", sa.Column("is_shared", sa.Boolean(), nullable=True))
    op.add_column("address", sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_address_forget_at",
        "address",
        ["forget_at"],
        postgresql_where=sa.text("forget_at IS NOT NULL"),
    )
    op.add_column(
        "centre", sa.Column("hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.drop_constraint(op.f("fk_consent_address_id"), "consent", type_="foreignkey")
    op.create_foreign_key(
        op.f("fk_consent_address_id"),
        "consent",
        "address",
        ["address_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.add_column("outbox", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.add_column(
        "outbox", sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=True)
    )
    op.alter_column("outbox", "body", existing_type=postgresql.BYTEA(), nullable=True)
    op.create_index(op.f("ix_outbox_person_id"), "outbox", ["person_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_outbox_person_id"), "outbox", "person", ["person_id"], ["id"], ondelete="SET NULL"
    )
    op.add_column("request", sa.Column("owner_id", sa.Uuid(), nullable=True))
    op.add_column("request", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("request", sa.Column("climbed_to", sa.Text(), nullable=True))
    op.add_column("request", sa.Column("climb_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("request", sa.Column("outcome", sa.Text(), nullable=True))
    op.add_column("request", sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("request", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("request", sa.Column("last_person_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("request", sa.Column("last_staff_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index(
        op.f("ix_request_waiting"), table_name="request", postgresql_where="(state = 'new'::text)"
    )
    op.create_index(
        "ix_request_answer_by",
        "request",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("answer_by IS NOT NULL"),
    )
    op.create_index(
        "ix_request_climb_at",
        "request",
        ["climb_at"],
        unique=False,
        postgresql_where=sa.text("climb_at IS NOT NULL"),
    )
    op.create_index(
        "ix_request_open",
        "request",
        ["centre_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('done', 'withdrawn')"),
    )
    op.create_index(op.f("ix_request_owner_id"), "request", ["owner_id"], unique=False)
    op.create_foreign_key(op.f("fk_request_owner_id"), "request", "staff", ["owner_id"], ["id"])
    op.add_column(
        "request_event",
        sa.Column("actor", sa.Text(), server_default=sa.text("'system'"), nullable=False),
    )
    op.add_column("request_event", sa.Column("staff_id", sa.Uuid(), nullable=True))
    op.add_column("request_event", sa.Column("outbox_id", sa.BigInteger(), nullable=True))
    op.add_column("request_event", sa.Column("file_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_request_event_file_id"), "request_event", ["file_id"], unique=False)
    op.create_index(
        op.f("ix_request_event_outbox_id"), "request_event", ["outbox_id"], unique=False
    )
    op.create_index(op.f("ix_request_event_staff_id"), "request_event", ["staff_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_request_event_outbox_id"),
        "request_event",
        "outbox",
        ["outbox_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_foreign_key(
        op.f("fk_request_event_staff_id"), "request_event", "staff", ["staff_id"], ["id"]
    )
    op.create_foreign_key(
        op.f("fk_request_event_file_id"),
        "request_event",
        "file",
        ["file_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.execute("SELECT set_config('tralob.centre', 'all', true)")
    for constraint in ("ck_request_state", "ck_request_urgency", "ck_request_climbed_to"):
        op.drop_constraint(op.f(constraint), "request")
    op.drop_constraint(op.f("ck_request_event_actor"), "request_event")
    op.execute("UPDATE request SET state = 'closed' WHERE state IN ('done', 'withdrawn')")
    op.execute("UPDATE request SET state = 'taken' WHERE state NOT IN ('new', 'closed')")
    op.execute("UPDATE request SET urgency = 'normal' WHERE urgency = 'low'")
    op.execute("DELETE FROM outbox WHERE body IS NULL")
    undo_outbox_indexes()
    undo_tables()
    op.create_check_constraint(
        op.f("ck_request_state"), "request", "state IN ('new', 'taken', 'closed')"
    )
    op.create_check_constraint(
        op.f("ck_request_urgency"), "request", "urgency IN ('normal', 'urgent')"
    )


def undo_tables() -> None:
    op.drop_table("installation")
    op.drop_index("uq_request_event_inbox_id", table_name="request_event")
    op.drop_column("request_event", "inbox_id")
    op.drop_index(op.f("ix_outbox_address_id"), table_name="outbox")
    op.drop_index("ix_inbox_address_key", table_name="inbox")
    op.drop_constraint(op.f("fk_request_event_file_id"), "request_event", type_="foreignkey")
    op.drop_constraint(op.f("fk_request_event_staff_id"), "request_event", type_="foreignkey")
    op.drop_constraint(op.f("fk_request_event_outbox_id"), "request_event", type_="foreignkey")
    op.drop_index(op.f("ix_request_event_staff_id"), table_name="request_event")
    op.drop_index(op.f("ix_request_event_outbox_id"), table_name="request_event")
    op.drop_index(op.f("ix_request_event_file_id"), table_name="request_event")
    op.drop_column("request_event", "file_id")
    op.drop_column("request_event", "outbox_id")
    op.drop_column("request_event", "staff_id")
    op.drop_column("request_event", "actor")
    op.drop_constraint(op.f("fk_request_owner_id"), "request", type_="foreignkey")
    op.drop_index(op.f("ix_request_owner_id"), table_name="request")
    op.drop_index(
        "ix_request_open",
        table_name="request",
        postgresql_where=sa.text("state NOT IN ('done', 'withdrawn')"),
    )
    op.drop_index(
        "ix_request_climb_at",
        table_name="request",
        postgresql_where=sa.text("climb_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_request_answer_by",
        table_name="request",
        postgresql_where=sa.text("answer_by IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_request_waiting"),
        "request",
        ["centre_id", "created_at"],
        unique=False,
        postgresql_where="(state = 'new'::text)",
    )
    op.drop_column("request", "last_staff_at")
    op.drop_column("request", "last_person_at")
    op.drop_column("request", "confirmed_at")
    op.drop_column("request", "answer_by")
    op.drop_column("request", "outcome")
    op.drop_column("request", "climb_at")
    op.drop_column("request", "climbed_to")
    op.drop_column("request", "due_at")
    op.drop_column("request", "owner_id")
    op.drop_constraint(op.f("fk_outbox_person_id"), "outbox", type_="foreignkey")
    op.drop_index(op.f("ix_outbox_person_id"), table_name="outbox")
    op.alter_column("outbox", "body", existing_type=postgresql.BYTEA(), nullable=False)
    op.drop_column("outbox", "asked_at")
    op.drop_column("outbox", "person_id")
    op.drop_constraint(op.f("fk_consent_address_id"), "consent", type_="foreignkey")
    op.create_foreign_key(
        op.f("fk_consent_address_id"), "consent", "address", ["address_id"], ["id"]
    )
    op.drop_column("centre", "hours")
    op.drop_column("address", "forget_at")
    op.drop_column("address", "is_shared")
    op.drop_index(op.f("ix_question_request_id"), table_name="question")
    op.drop_index("ix_question_letter", table_name="question")
    op.drop_table("question")
    op.drop_index("ix_file_request_id", table_name="file")
    op.drop_index(
        "ix_file_expires_at", table_name="file", postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.drop_index(op.f("ix_file_address_id"), table_name="file")
    op.drop_table("file")
    op.drop_index(op.f("ix_staff_centre_id"), table_name="staff")
    op.drop_table("staff")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("audit")
