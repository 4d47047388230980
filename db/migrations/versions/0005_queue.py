"""The desk's queue: its order, names that can be looked for, and word of what changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

IN_CENTRE = "(SELECT current_setting('tralob.centre', true)) IN ('all', centre_id)"

IS_OPEN = "state NOT IN ('done', 'withdrawn')"
IS_CLOSED = "state IN ('done', 'withdrawn')"
IS_WAITING = "state IN ('waiting_person', 'waiting_others')"
RANK = sa.text("(CASE urgency WHEN 'urgent' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END)")
TURN = sa.text("(coalesce(due_at, '9999-01-01 00:00:00+00'::timestamptz))")
ORDER = (RANK, TURN, "id")

INDEXES = (
    ("ix_request_queue", ("centre_id", *ORDER), IS_OPEN),
    ("ix_request_queue_all", ORDER, IS_OPEN),
    ("ix_request_queue_owner", ("owner_id", *ORDER), IS_OPEN),
    ("ix_request_queue_free", ("centre_id", *ORDER), f"{IS_OPEN} AND owner_id IS NULL"),
    ("ix_request_queue_waiting", ("centre_id", *ORDER), IS_WAITING),
    ("ix_request_due_at", ("centre_id", "due_at"), "due_at IS NOT NULL"),
    ("ix_request_closed", ("centre_id", "updated_at", "id"), IS_CLOSED),
    ("ix_request_closed_all", ("updated_at", "id"), IS_CLOSED),
)

# Whoever listens learns that something of a centre is not as it was, and nothing else.
TELL_DESK = """
CREATE FUNCTION tell_desk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('desk', NEW.centre_id);
    IF TG_OP = 'UPDATE' AND OLD.centre_id <> NEW.centre_id THEN
        PERFORM pg_notify('desk', OLD.centre_id);
    END IF;
    RETURN NULL;
END
$$
"""
ON_REQUEST = """
CREATE TRIGGER tell_desk
AFTER INSERT OR UPDATE OF state, urgency, centre_id, owner_id, due_at ON request
FOR EACH ROW EXECUTE FUNCTION tell_desk()
"""


def upgrade() -> None:
    op.drop_index("ix_person_name_index", table_name="person", postgresql_using="gin")
    op.drop_column("person", "name_index")
    create_person_name()
    for name, columns, where in INDEXES:
        op.create_index(name, "request", list(columns), postgresql_where=sa.text(where))
    op.execute(TELL_DESK)
    op.execute(ON_REQUEST)


def create_person_name() -> None:
    op.create_table(
        "person_name",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id", "centre_id"],
            ["person.id", "person.centre_id"],
            name=op.f("fk_person_name_person_id_centre_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", "person_id", name=op.f("pk_person_name")),
    )
    op.create_index("ix_person_name_person_id", "person_name", ["person_id"])
    op.execute("GRANT SELECT, INSERT, DELETE ON person_name TO tralob_app")
    op.execute("ALTER TABLE person_name ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE person_name FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY centre ON person_name USING ({IN_CENTRE})")


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_desk ON request")
    op.execute("DROP FUNCTION tell_desk()")
    for name, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name="request")
    op.drop_table("person_name")
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
